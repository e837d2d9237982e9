package bundle

import (
	"errors"
	"io"
	"iter"

	"kendro/identity"
	"kendro/protocol"
)

// Pieces cuts a bundle into bundles of about size bytes, each of which can be
// imported by itself: it begins with the hello that stands before its messages and
// brings the epochs of its blocks and of its documents' pieces. A bundle that breaks off yields what is whole,
// then [io.ErrUnexpectedEOF].
func Pieces(r io.Reader, size int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in, p := Read(r), &piece{epochs: map[identity.EpochID][]byte{}}
		for {
			m, err := in.Next()
			if err != nil {
				if len(p.body) > 0 && !yield(p.cut(), nil) {
					return
				}
				if !errors.Is(err, io.EOF) {
					yield(nil, err)
				}
				return
			}
			p.take(m)
			if len(p.body) >= size && !yield(p.cut(), nil) {
				return
			}
		}
	}
}

// A piece is a bundle in the making.
type piece struct {
	hello  []byte
	epochs map[identity.EpochID][]byte
	inside map[identity.EpochID]bool
	body   []byte
}

func (p *piece) take(m *protocol.Message) {
	if m.Empty() {
		return // Of a kind that only a newer program knows; here it can't be written again.
	}
	raw := protocol.EncodeMessage(m)
	switch {
	case m.Hello != nil:
		p.hello = raw
		if len(p.body) == 0 {
			return // It comes with the first message behind it.
		}
	case m.Epoch != nil:
		if len(p.epochs) < maxEpochs {
			p.epochs[m.Epoch.ID] = raw
		}
		return // It comes with the first block or piece that needs it.
	case m.Block != nil && m.Block.Header.Sealed():
		p.introduce(m.Block.Header.Epoch)
	case m.Chunk != nil:
		p.introduce(m.Chunk.Epoch)
	}
	p.begin()
	p.body = append(p.body, raw...)
}

func (p *piece) introduce(id identity.EpochID) {
	p.begin()
	if epoch := p.epochs[id]; epoch != nil && !p.inside[id] {
		p.inside[id] = true
		p.body = append(p.body, epoch...)
	}
}

func (p *piece) begin() {
	if len(p.body) == 0 {
		p.body = append(append(p.body, Magic...), p.hello...)
		p.inside = map[identity.EpochID]bool{}
	}
}

func (p *piece) cut() []byte {
	b := p.body
	p.body = nil
	return b
}
