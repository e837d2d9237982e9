package bundle

import (
	"context"
	"errors"
	"io"
	"slices"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// loadAtOnce is how many events are asked of a host at a time.
const loadAtOnce = 256

// An Order says what to export.
type Order struct {
	Peer  replication.Peer // Whom it is for; only its subject is looked at.
	Has   []protocol.Head  // What the reader has already; other logs begin at their floor.
	Bytes int              // Where to stop, about; 0: never.

	Papers    link.PaperSource      // Documents that follow the records; nil: none.
	HasPapers map[protocol.Hash]int // How many of the first pieces of each the reader has.
}

// Export writes what host holds for a reader: a hello, acknowledgements where the
// host makes any, then epochs and blocks, without the line of the format. Where it
// stopped for Order.Bytes, ask again with what was written in Order.Has and
// Order.HasPapers; a hello and neither block nor piece is the end. An error is the host's or w's.
func Export(ctx context.Context, host replication.Host, o Order, w io.Writer) error {
	have, want, cert, closed, err := host.Open(o.Peer, func(protocol.Head) {})
	if err != nil {
		return err
	}
	defer closed()
	e := &exporter{host: host, peer: o.Peer, w: w, left: o.Bytes, shown: map[identity.EpochID]bool{}}
	if o.Bytes == 0 {
		e.left = -1
	}
	e.send(&protocol.Message{Hello: &protocol.Hello{
		Version: protocol.OldestSession, Newest: protocol.SessionVersion, Have: have, Want: named(want), Cert: cert,
	}})
	reached := newest{}
	for _, h := range o.Has {
		reached.note(h)
	}
	for _, h := range have {
		if readBy(want, h.Log) {
			e.acknowledge(ctx, h.Log)
		}
		if err := e.log(ctx, h, reached); err != nil {
			return err
		}
	}
	if o.Papers != nil {
		return e.papers(o.Papers, o.HasPapers)
	}
	return e.err
}

type exporter struct {
	host  replication.Host
	peer  replication.Peer
	w     io.Writer
	left  int // Bytes; negative: no end.
	shown map[identity.EpochID]bool
	err   error
}

func (e *exporter) send(m *protocol.Message) {
	if e.err != nil {
		return
	}
	b := protocol.EncodeMessage(m)
	if e.left > 0 {
		e.left = max(e.left-len(b), 0)
	}
	if _, err := e.w.Write(b); err != nil {
		e.err = fault.Wrap("bundle.Export", fault.Stopped, "file", err)
	}
}

// acknowledge states how far we hold a log that we read, where this host says so.
func (e *exporter) acknowledge(ctx context.Context, log protocol.LogID) {
	finder, ok := e.host.(replication.Finder)
	if !ok {
		return
	}
	if _, ack, err := finder.Find(ctx, e.peer, log, protocol.Position{}); err == nil && ack != nil {
		e.send(&protocol.Message{Ack: ack})
	}
}

// log writes one log from where its reader stands.
func (e *exporter) log(ctx context.Context, head protocol.Head, reached newest) error {
	from := reached[head.Log]
	for from.Seq < head.At.Seq && e.err == nil {
		if e.left == 0 {
			return nil
		}
		epochs, blocks, err := e.host.Load(ctx, e.peer, head.Log, from, loadAtOnce)
		if errors.Is(err, fault.NotFound) {
			return nil // A log that this host only reads.
		}
		if err != nil {
			return err
		}
		for i := range epochs {
			if !e.shown[epochs[i].ID] {
				e.shown[epochs[i].ID] = true
				e.send(&protocol.Message{Epoch: &epochs[i]})
			}
		}
		was := from
		for i := range blocks {
			e.send(&protocol.Message{Block: &blocks[i]})
			from = protocol.Position{Seq: blocks[i].Header.Last, Hash: blocks[i].Header.End}
		}
		if from.Seq <= was.Seq {
			return nil // Nothing behind what the reader has.
		}
		reached[head.Log] = from
	}
	return e.err
}

// named leaves out what stands for any log.
func named(want []protocol.LogID) []protocol.LogID {
	return slices.DeleteFunc(slices.Clone(want), func(l protocol.LogID) bool { return l.Name == protocol.Every })
}

func readBy(want []protocol.LogID, l protocol.LogID) bool {
	return slices.ContainsFunc(want, func(w protocol.LogID) bool {
		return w == l || w.Incarnation == 0 && w.Channel == l.Channel && (w.Name == l.Name || w.Name == protocol.Every)
	})
}
