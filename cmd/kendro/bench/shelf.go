package bench

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
	"kendro/web/api"
)

// aged is what a catalogue of many releases costs a node that is new.
type aged struct {
	Releases int     `json:"releases,omitempty"`
	Newest   uint64  `json:"aged_bytes,omitempty"`          // With what the hub sends it …
	Began    float64 `json:"aged_seconds,omitempty"`        // … until it is in force.
	History  uint64  `json:"history_bytes,omitempty"`       // Every event, as nodes of before read it.
	Events   uint64  `json:"catalogue_events,omitempty"`    // How many those are.
	AgedRSS  uint64  `json:"aged_rss_anon_bytes,omitempty"` // The new node's anonymous memory.
}

// grown publishes releases in which every service changes, until there are as many as
// asked for, and has two nodes copy what there is then: a new one, and one of before.
func (s *shop) grown(ctx context.Context, last, upTo int, centres [2]string, r *result) error {
	for _, n := range s.Nodes { // Nobody waits for them to follow.
		n.Kill()
	}
	s.Nodes = nil
	for release := last + 1; release <= upTo; release++ {
		if err := s.publishAll(ctx, release); err != nil {
			return err
		}
	}
	began := time.Now()
	if _, err := s.AddNode(ctx, centres[0]); err != nil {
		return err
	}
	if err := s.inForce(ctx, upTo); err != nil {
		return err
	}
	r.Releases, r.Began = upTo, round(time.Since(began).Seconds())
	stagger(ctx, calm)
	spent, err := s.metered(ctx)
	if err != nil {
		return err
	}
	r.Newest = spent.out + spent.in
	if r.AgedRSS, err = rssAnon(s.Nodes[0].PID()); err != nil {
		return err
	}
	r.Events, r.History, err = s.history(ctx, centres[1])
	return err
}

// publishAll publishes every service with another fee.
func (s *shop) publishAll(ctx context.Context, release int) error {
	const step = 10_000 // Poisha.
	changed := map[string][]byte{}
	for name, file := range s.files {
		before, after, _ := bytes.Cut(file, []byte(feeOf))
		after = bytes.TrimLeft(after, "0123456789")
		changed[name] = slices.Concat(before, []byte(feeOf), strconv.AppendInt(nil, int64(release)*step, 10), after)
	}
	return s.put(ctx, release, changed)
}

// history has a node of before read the catalogue, and counts every byte at its socket.
func (s *shop) history(ctx context.Context, centre string) (events, size uint64, err error) {
	token, err := s.Token(ctx, api.TokenRequest{Centre: centre, TTL: "24h"})
	if err != nil {
		return 0, 0, err
	}
	c, err := enrolCaller(ctx, token)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reader := &shelfReader{caller: c, read: make(chan uint64, 1)}
	ended := make(chan struct{})
	go func() {
		err = c.speak(ctx, s.Servers[0].Ports.QUIC, reader, nil)
		close(ended)
	}()
	select {
	case events = <-reader.read:
		stagger(ctx, calm)
	case <-ended:
	}
	out, in := c.endpoint.Metered()
	stop()
	<-ended
	if events == 0 {
		return 0, 0, fault.Wrap(op, fault.Unavailable, centre, cmp.Or(err, ctx.Err()))
	}
	return events, out + in, nil
}

// A shelfReader is a caller that wants the catalogue, and knows no bases.
type shelfReader struct {
	*caller
	read chan uint64 // Holds one: how many events there were, once all are here.
}

// Open says what the caller holds, and that it wants its inbox and the catalogue.
func (s *shelfReader) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	have, want, cert, closed, err = s.caller.Open(peer, grew)
	return have, append(want, protocol.LogID{Channel: protocol.Catalogue, Name: s.enrolment.District}), cert, closed, err
}

// Store takes a block, unopened.
func (s *shelfReader) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	s.caller.Store(ctx, peer, b, done)
	end := protocol.Head{Log: b.Header.Log, At: protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}}
	if b.Header.Log.Channel == protocol.Catalogue && slices.ContainsFunc(peer.Hello.Have, func(h protocol.Head) bool { return h == end }) {
		select {
		case s.read <- end.At.Seq:
		default:
		}
	}
}
