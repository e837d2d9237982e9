// Package paper decides which piece of which document a box sends next.
//
// Enter at [NewSender]. A [Sender] is told which documents wait, offers them,
// hears from the other side what is there already, and hands out the missing
// pieces one at a time to whoever can send just now: the most urgent document
// first, over one stream or several. While the session beside it has records to
// send it hands out nothing, so a document never costs an application more than
// the piece that is on its way.
//
// The package refuses to read a clock, a disk or a stream; a transcript of calls
// and answers is all there is to it.
package paper

import (
	"kendro/protocol"
)

// maxTries is how often a document is sent whole before this session gives it up:
// its bytes arrive, and are not what its hash says.
const maxTries = 3

// Sender decides for one session. It is not safe for concurrent use.
type Sender struct {
	queue []*outgoing // The most urgent first.
	held  bool
}

// An outgoing document.
type outgoing struct {
	doc     protocol.Offered
	state   state
	pieces  []piece
	missing int // Pieces that nobody has sent.
	tries   int
}

type state uint8

const (
	waiting  state = iota // It was not offered yet.
	offered               // No answer yet.
	wanted                // Pieces may be sent.
	settled               // Held, or of no use to offer again in this session.
	unwanted              // The other side has no use for it now; Retry offers it again.
)

// A piece is there, on its way by a lane, or missing.
type piece struct {
	there bool
	lane  int // Counted from 1; 0 is none.
}

// A Piece is what to send next.
type Piece struct {
	Hash  protocol.Hash
	Size  uint32
	Index int
}

// NewSender returns a sender that knows of no document.
func NewSender() *Sender { return &Sender{} }

// Wish says which documents wait now, the most urgent first. What is known of
// one that is still among them stays.
func (s *Sender) Wish(list []protocol.Offered) {
	known := map[protocol.Hash]*outgoing{}
	for _, o := range s.queue {
		known[o.doc.Hash] = o
	}
	s.queue = s.queue[:0:0]
	for _, d := range list {
		o := known[d.Hash]
		if o == nil {
			o = &outgoing{doc: d}
		}
		s.queue = append(s.queue, o)
	}
}

// Offer returns the next documents to offer, nil while there are none.
func (s *Sender) Offer() *protocol.Offer {
	var list []protocol.Offered
	for _, o := range s.queue {
		if o.state == waiting && len(list) < protocol.MaxOffered {
			o.state = offered
			list = append(list, o.doc)
		}
	}
	if list == nil {
		return nil
	}
	return &protocol.Offer{Documents: list}
}

// Retry has what the other side could not use be offered again.
func (s *Sender) Retry() {
	for _, o := range s.queue {
		if o.state == unwanted {
			o.state = waiting
		}
	}
}

// Taken takes the other side's word about a document.
func (s *Sender) Taken(t *protocol.Taken) {
	o := s.find(t.Hash)
	if o == nil || o.state == waiting || o.state == settled {
		return
	}
	switch t.State {
	case protocol.TakenHeld:
		o.state, o.missing = settled, 0
	case protocol.TakenUnwanted, protocol.TakenLater:
		o.state, o.missing = unwanted, 0
	case protocol.TakenPart:
		o.begin(t.Pieces)
	}
}

// begin sends what is missing by the other side's count.
func (o *outgoing) begin(there []byte) {
	if o.state == wanted { // Not asked for: what had arrived was not the document.
		if o.tries++; o.tries >= maxTries {
			o.state, o.missing = settled, 0
			return
		}
	}
	o.state, o.missing = wanted, 0
	o.pieces = make([]piece, protocol.Chunks(o.doc.Size))
	for i := range o.pieces {
		o.pieces[i].there = i/8 < len(there) && there[i/8]&(1<<(i%8)) != 0
		if !o.pieces[i].there {
			o.missing++
		}
	}
}

// Hold says whether the session has records to send, which come first.
func (s *Sender) Hold(records bool) { s.held = records }

// Next returns the piece that a lane, counted from 1, sends next. False: there is
// nothing to send now.
func (s *Sender) Next(lane int) (Piece, bool) {
	if s.held {
		return Piece{}, false
	}
	for _, o := range s.queue {
		if o.state != wanted || o.missing == 0 {
			continue
		}
		for i := range o.pieces {
			if p := &o.pieces[i]; !p.there && p.lane == 0 {
				p.lane = lane
				o.missing--
				return Piece{Hash: o.doc.Hash, Size: o.doc.Size, Index: i}, true
			}
		}
	}
	return Piece{}, false
}

// Lost says that a lane broke: what it had sent may not have arrived.
func (s *Sender) Lost(lane int) {
	for _, o := range s.queue {
		if o.state != wanted {
			continue
		}
		for i := range o.pieces {
			if p := &o.pieces[i]; !p.there && p.lane == lane {
				p.lane = 0
				o.missing++
			}
		}
	}
}

// Drop gives a document up for this session: it can't be read here.
func (s *Sender) Drop(h protocol.Hash) {
	if o := s.find(h); o != nil {
		o.state, o.missing = settled, 0
	}
}

// Missing returns how many bytes nobody has sent yet of what the other side wants.
func (s *Sender) Missing() int {
	n := 0
	for _, o := range s.queue {
		n += o.missing * protocol.DocumentChunk
	}
	return n
}

func (s *Sender) find(h protocol.Hash) *outgoing {
	for _, o := range s.queue {
		if o.doc.Hash == h {
			return o
		}
	}
	return nil
}
