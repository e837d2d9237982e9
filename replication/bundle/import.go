package bundle

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// Bounds of an import.
const (
	inFlight  = 16     // Blocks of one log that wait to be durable.
	maxEpochs = 4096   // Epochs that one bundle introduces.
	maxOpened = 10_000 // Parties that one bundle speaks for.
)

// Sender says for whom a log speaks: the peer that a session about it would have.
// The bundle itself proves nothing; what it carries is signed.
type Sender func(protocol.LogID) (replication.Peer, error)

// A Refusal is a log that was not taken, or not further.
type Refusal struct {
	Log    protocol.LogID `json:"log"`
	Seq    uint64         `json:"seq"`
	Reason string         `json:"reason"`
}

// A Report says what an import brought. Repeating it brings nothing twice.
type Report struct {
	Stored  map[string]uint64 `json:"stored" doc:"Where each log stands that something was stored of"`
	Events  uint64            `json:"events" doc:"Newly stored"`
	Known   uint64            `json:"known" doc:"Stored before"`
	Acks    int               `json:"acknowledgements" doc:"Acknowledgements that were taken"`
	Refused []Refusal         `json:"refused"`

	Documents        int            `json:"documents" doc:"Documents that became safe here"`
	RefusedDocuments []PaperRefusal `json:"refused_documents,omitempty"`

	Broken bool `json:"broken" doc:"The bundle ends in the middle of a message: what came before counts"`
}

// Import hands what a bundle holds to host, as sessions with the senders would, and
// its documents to papers, nil where they are nothing to this side, and returns when it is durable. A bundle that breaks off counts as far as it
// goes. Errors are [fault.Invalid] for what is no bundle, and the host's own where
// it can take nothing now: import again.
func Import(ctx context.Context, host replication.Host, sender Sender, papers PaperTaker, r io.Reader) (*Report, error) {
	in := &importer{
		host: host, sender: sender, papers: papers, arrivals: map[protocol.Hash]*arriving{}, report: &Report{Stored: map[string]uint64{}, Refused: []Refusal{}},
		epochs: map[identity.EpochID]*protocol.Epoch{}, parties: map[identity.Subject]*party{}, flows: map[protocol.LogID]*flow{},
	}
	defer in.close()
	for file := Read(r); ; {
		m, err := file.Next()
		switch {
		case errors.Is(err, io.EOF):
			return in.finish(ctx)
		case errors.Is(err, io.ErrUnexpectedEOF):
			in.report.Broken = true
			return in.finish(ctx)
		case err == nil:
			err = in.take(ctx, m)
		}
		if err != nil {
			report, _ := in.finish(ctx)
			return report, err
		}
	}
}

type importer struct {
	host    replication.Host
	sender  Sender
	report  *Report
	cert    []byte // Of the last hello.
	epochs  map[identity.EpochID]*protocol.Epoch
	parties map[identity.Subject]*party
	flows   map[protocol.LogID]*flow

	papers   PaperTaker
	arrivals map[protocol.Hash]*arriving
}

// A party is a session with one of those whom the bundle speaks for.
type party struct {
	peer       replication.Peer
	closed     func()
	introduced map[identity.EpochID]bool
	have       map[protocol.LogID]protocol.Position
}

// A flow is one log on its way in. Answers come in the order of the blocks.
type flow struct {
	at      protocol.Position // End of what was stored or handed over.
	over    bool              // The rest of it is not taken.
	answers chan answer
	due     int
}

type answer struct {
	first, last uint64
	at          protocol.Position
	err         error
}

func (in *importer) close() {
	for _, p := range in.parties {
		p.closed()
	}
}

func (in *importer) take(ctx context.Context, m *protocol.Message) error {
	switch {
	case m.Hello != nil:
		if h := m.Hello; h.Version > protocol.SessionVersion || max(h.Newest, h.Version) < protocol.OldestSession {
			return fault.New("bundle.Import", fault.Invalid, "hello", "the bundle is of another version of Kendro: update the older of the two")
		}
		in.cert = m.Hello.Cert
	case m.Epoch != nil:
		if len(in.epochs) >= maxEpochs {
			return fault.New("bundle.Import", fault.Limited, "epochs", "too many in one bundle: export in parts")
		}
		in.epochs[m.Epoch.ID] = m.Epoch
	case m.Block != nil:
		return in.block(ctx, m.Block)
	case m.Chunk != nil:
		return in.chunk(ctx, m.Chunk)
	case m.Ack != nil:
		return in.ack(ctx, m.Ack, in.cert)
	case m.Passed != nil:
		return in.ack(ctx, &m.Passed.Ack, m.Passed.Cert)
	}
	return nil // What a newer program writes besides is not needed for this.
}

// party returns the session with whom a log speaks for.
func (in *importer) party(log protocol.LogID) (*party, error) {
	peer, err := in.sender(log)
	if err != nil {
		return nil, err
	}
	if p := in.parties[peer.Subject]; p != nil {
		p.peer.Cert = in.cert
		return p, nil
	}
	if len(in.parties) >= maxOpened {
		return nil, fault.New("bundle.Import", fault.Limited, log.String(), "too many centres in one bundle")
	}
	peer.Session, peer.Cert = rand.Uint64(), in.cert //nolint:gosec // It tells sessions apart and guards nothing.
	have, _, _, closed, err := in.host.Open(peer, func(protocol.Head) {})
	if err != nil {
		return nil, err
	}
	p := &party{peer: peer, closed: closed, introduced: map[identity.EpochID]bool{}, have: map[protocol.LogID]protocol.Position{}}
	for _, h := range have {
		p.have[h.Log] = h.At
	}
	in.parties[peer.Subject] = p
	return p, nil
}

func (in *importer) ack(ctx context.Context, a *protocol.Ack, cert []byte) error {
	p, err := in.party(a.Log)
	if err == nil {
		peer := p.peer
		peer.Cert = cert
		err = in.host.Acknowledged(ctx, peer, a)
	}
	if err == nil {
		in.report.Acks++
		return nil
	}
	return in.refuse(a.Log, a.At.Seq, err)
}

// refuse notes what this host will not take; what it can't take now ends the
// import.
func (in *importer) refuse(log protocol.LogID, seq uint64, err error) error {
	if !lasts(err) {
		return err
	}
	in.report.Refused = append(in.report.Refused, Refusal{Log: log, Seq: seq, Reason: err.Error()})
	return nil
}

// lasts reports whether a failure will be the same at the next try.
func lasts(err error) bool {
	return slices.Contains([]fault.Kind{fault.Invalid, fault.Denied, fault.Conflict, fault.NotFound}, fault.KindOf(err))
}

func (in *importer) block(ctx context.Context, b *protocol.Block) error {
	h := b.Header
	f, err := in.flow(ctx, h.Log)
	if err != nil || f.over {
		return err
	}
	if h.Last <= f.at.Seq {
		in.report.Known += h.Last - h.First + 1
		return nil
	}
	if h.First > f.at.Seq+1 {
		f.over = true
		return in.refuse(h.Log, h.First, fault.New("bundle.Import", fault.Invalid, h.Log.String(), "the bundle begins behind what is here: export again, from what this side has"))
	}
	p, err := in.party(h.Log)
	if err != nil {
		return err
	}
	if e := in.epochs[h.Epoch]; e != nil && !p.introduced[h.Epoch] {
		if err := in.host.Introduce(ctx, p.peer, e); err != nil {
			f.over = true
			return in.refuse(h.Log, h.First, err)
		}
		p.introduced[h.Epoch] = true
	}
	if f.due == inFlight {
		if err := in.settle(ctx, h.Log, f); err != nil {
			return err
		}
	}
	first := max(h.First, f.at.Seq+1)
	f.at, f.due = protocol.Position{Seq: h.Last, Hash: h.End}, f.due+1
	in.host.Store(ctx, p.peer, b, func(at protocol.Position, _ *protocol.Ack, err error) {
		f.answers <- answer{first: first, last: h.Last, at: at, err: err}
	})
	return nil
}

// flow returns where a log stands here; a refused one for a log that is nothing to
// this host.
func (in *importer) flow(ctx context.Context, log protocol.LogID) (*flow, error) {
	if f := in.flows[log]; f != nil {
		return f, nil
	}
	f := &flow{answers: make(chan answer, inFlight)}
	in.flows[log] = f
	p, err := in.party(log)
	if err != nil {
		f.over = true
		return f, in.refuse(log, 0, err)
	}
	at, known := p.have[log]
	if finder, ok := in.host.(replication.Finder); ok && !known {
		if at, _, err = finder.Find(ctx, p.peer, log, protocol.Position{}); err != nil {
			f.over = true
			return f, in.refuse(log, 0, err)
		}
	}
	f.at = at
	return f, nil
}

// settle waits for one answer.
func (in *importer) settle(ctx context.Context, log protocol.LogID, f *flow) error {
	var a answer
	select {
	case a = <-f.answers:
	case <-ctx.Done():
		return fault.Wrap("bundle.Import", fault.Unavailable, log.String(), ctx.Err())
	}
	f.due--
	if f.over {
		return nil // What follows a refused block goes with it.
	}
	if a.err != nil {
		f.over = true
		return in.refuse(log, a.first, a.err)
	}
	in.report.Stored[log.String()] = a.at.Seq
	in.report.Events += a.last - a.first + 1
	return nil
}

// finish waits for all that was handed over.
func (in *importer) finish(ctx context.Context) (*Report, error) {
	var failed error
	for log, f := range in.flows {
		for f.due > 0 && ctx.Err() == nil {
			if err := in.settle(ctx, log, f); err != nil && failed == nil {
				failed = err
			}
		}
	}
	if failed == nil && ctx.Err() != nil {
		failed = fault.Wrap("bundle.Import", fault.Unavailable, "", ctx.Err())
	}
	return in.report, failed
}

// Add returns the sum of two reports of one bundle's parts, in their order. Either
// may be nil.
func (r *Report) Add(next *Report) *Report {
	if r == nil || next == nil {
		return cmp.Or(r, next)
	}
	maps.Copy(r.Stored, next.Stored)
	r.Events, r.Known, r.Acks = r.Events+next.Events, r.Known+next.Known, r.Acks+next.Acks
	r.Documents, r.RefusedDocuments = r.Documents+next.Documents, append(r.RefusedDocuments, next.RefusedDocuments...)
	r.Refused, r.Broken = append(r.Refused, next.Refused...), r.Broken || next.Broken
	return r
}
