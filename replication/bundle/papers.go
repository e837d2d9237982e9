package bundle

import (
	"context"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
	"kendro/replication/paper"
)

// Documents follow the records on a stick, as the pieces that a link would carry. A
// file that broke off, or that is gone on with, is told by how many of the first
// pieces of each it holds.

// A PaperTaker takes the documents of a bundle as those of a link, and knows whose
// they can be.
type PaperTaker interface {
	link.PaperTaker
	// Whose returns the boxes whose cases lack a document; held says that it is safe
	// here. One that nobody lacks is [fault.NotFound].
	Whose(ctx context.Context, d protocol.Offered) (boxes []replication.Peer, held bool, err error)
}

// A PaperRefusal is a document that was not taken.
type PaperRefusal struct {
	SHA256 protocol.Hash `json:"sha256"`
	Reason string        `json:"reason"`
}

// papers writes the pieces that the file lacks, document after document. What can't
// be read is left out; its source says so.
func (e *exporter) papers(source link.PaperSource, has map[protocol.Hash]int) error {
	waiting, err := source.Waiting()
	if err != nil {
		return err
	}
	for _, d := range waiting {
		for i := has[d.Hash]; i < protocol.Chunks(d.Size) && e.left != 0 && e.err == nil; i++ {
			epoch, chunk, err := source.Piece(paper.Piece{Hash: d.Hash, Size: d.Size, Index: i})
			if err != nil {
				break
			}
			if !e.shown[epoch.ID] {
				e.shown[epoch.ID] = true
				e.send(&protocol.Message{Epoch: epoch})
			}
			e.send(&protocol.Message{Chunk: chunk})
		}
	}
	return e.err
}

// chunk counts a piece, if it follows those before it.
func (s *Survey) chunk(c *protocol.Chunk) {
	if int(c.Index) != s.Papers[c.Hash] {
		return
	}
	s.Papers[c.Hash]++
	if s.Papers[c.Hash] == protocol.Chunks(c.Size) {
		s.Documents++
	}
}

// An arriving document.
type arriving struct {
	boxes  []replication.Peer
	opened map[identity.EpochID]replication.Peer
	there  []byte // A bit for each piece that was here before.
	over   bool   // Held, or refused.
}

// chunk hands in a piece. All records before it are durable by then, since a case
// has to name the document.
func (in *importer) chunk(ctx context.Context, c *protocol.Chunk) error {
	if in.papers == nil {
		return nil
	}
	d, err := in.arriving(ctx, c)
	if err != nil || d.over || int(c.Index/8) < len(d.there) && d.there[c.Index/8]&(1<<(c.Index%8)) != 0 {
		return err
	}
	box, err := in.opened(d, c.Epoch)
	var t *protocol.Taken
	if err == nil {
		t, err = in.papers.Piece(ctx, box, c)
	}
	if err == nil && t != nil && t.State != protocol.TakenHeld {
		err = fault.New("bundle.Import", fault.Invalid, c.Hash.String(), "the pieces are not the document: export it to a new file")
	}
	if err != nil {
		d.over = true
		return in.refusePaper(c.Hash, err)
	}
	if t != nil {
		d.over = true
		in.report.Documents++
	}
	return nil
}

// arriving returns what is known of a document, asked when its first piece comes.
func (in *importer) arriving(ctx context.Context, c *protocol.Chunk) (*arriving, error) {
	if d := in.arrivals[c.Hash]; d != nil {
		return d, nil
	}
	for log, f := range in.flows {
		for f.due > 0 {
			if err := in.settle(ctx, log, f); err != nil {
				return nil, err
			}
		}
	}
	d := &arriving{opened: map[identity.EpochID]replication.Peer{}}
	in.arrivals[c.Hash] = d
	doc := protocol.Offered{Hash: c.Hash, Size: c.Size}
	var err error
	if d.boxes, d.over, err = in.papers.Whose(ctx, doc); err == nil && !d.over {
		var answers []protocol.Taken
		if answers, err = in.papers.Offered(ctx, d.boxes[0], []protocol.Offered{doc}); err == nil && len(answers) == 1 {
			d.there = answers[0].Pieces
			d.over = answers[0].State == protocol.TakenHeld
		}
	}
	if err != nil {
		d.over = true
		return d, in.refusePaper(c.Hash, err)
	}
	return d, nil
}

// opened returns the box that sealed a piece, its epoch introduced.
func (in *importer) opened(d *arriving, id identity.EpochID) (replication.Peer, error) {
	if box, ok := d.opened[id]; ok {
		return box, nil
	}
	err := fault.New("bundle.Import", fault.Invalid, id.String(), "the bundle does not introduce this epoch: export again")
	epoch := in.epochs[id]
	if epoch == nil {
		return replication.Peer{}, err
	}
	for _, box := range d.boxes {
		if in.papers.OpenEpoch(box, epoch) == nil {
			d.opened[id] = box
			return box, nil
		}
	}
	return replication.Peer{}, fault.New("bundle.Import", fault.Denied, id.String(), "no box whose cases lack the document sealed it")
}

func (in *importer) refusePaper(h protocol.Hash, err error) error {
	if !lasts(err) {
		return err
	}
	in.report.RefusedDocuments = append(in.report.RefusedDocuments, PaperRefusal{SHA256: h, Reason: err.Error()})
	return nil
}
