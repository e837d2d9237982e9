package bundle

import (
	"bufio"
	"errors"
	"io"
	"maps"

	"kendro/domain/fault"
	"kendro/protocol"
)

// Magic is the first line of a bundle.
const Magic = "kendro-bundle-1\n"

// A Reader reads the messages of a bundle one after the other. It is not safe for
// concurrent use.
type Reader struct {
	r      *bufio.Reader
	begun  bool
	offset int64
}

// Read returns a reader of the bundle in r.
func Read(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

// Next returns the next message. The end of the file is [io.EOF]; a file that
// breaks off in a message is [io.ErrUnexpectedEOF], and what came before it
// counts; [fault.Invalid] is a file that is no bundle, or altered.
func (r *Reader) Next() (*protocol.Message, error) {
	const op = "bundle.Read"
	if !r.begun {
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	body, err := protocol.ReadFrame(r.r, protocol.MaxMessage)
	if err != nil {
		return nil, err
	}
	m, err := protocol.DecodeMessage(body)
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "message", err)
	}
	r.offset += int64(len(body)) + 4
	return m, nil
}

func (r *Reader) begin() error {
	line := make([]byte, len(Magic))
	n, err := io.ReadFull(r.r, line)
	if errors.Is(err, io.EOF) || string(line[:n]) == Magic[:n] && n < len(Magic) {
		return io.ErrUnexpectedEOF // Begun and broken off.
	}
	if err != nil || string(line) != Magic {
		return fault.New("bundle.Read", fault.Invalid, "file", "no bundle: want one that kendro bundle export wrote")
	}
	r.begun, r.offset = true, int64(len(Magic))
	return nil
}

// Offset returns where the last whole message ended.
func (r *Reader) Offset() int64 { return r.offset }

// A Survey is what a bundle holds up to where it is whole.
type Survey struct {
	Size   int64           // Bytes up to the last whole message.
	Whole  bool            // The file ends there.
	Stands []protocol.Head // Where those who exported stand; with a log that several read, the one furthest behind.
	Holds  []protocol.Head // Where the blocks of each log end.
	Events map[protocol.LogID]uint64

	Papers    map[protocol.Hash]int // How many of the first pieces of each document are here.
	Documents int                   // Of which all pieces are.
}

// Look surveys a bundle. A file that breaks off is no failure: it can be gone on
// with from Size.
func Look(r io.Reader) (*Survey, error) { return LookAfter(r, nil) }

// LookAfter surveys a part of a bundle; papers is how many pieces of each document
// stand before it.
func LookAfter(r io.Reader, papers map[protocol.Hash]int) (*Survey, error) {
	s := &Survey{Events: map[protocol.LogID]uint64{}, Papers: map[protocol.Hash]int{}}
	maps.Copy(s.Papers, papers)
	in := Read(r)
	stands, holds := newest{}, newest{}
	for {
		m, err := in.Next()
		s.Size = in.Offset()
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			s.Whole = true
			s.Stands, s.Holds = stands.heads(), holds.heads()
			return s, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			s.Stands, s.Holds = stands.heads(), holds.heads()
			return s, nil
		default:
			return s, err
		}
		switch {
		case m.Hello != nil:
			for _, h := range m.Hello.Have {
				if at, ok := stands[h.Log]; h.Log.Channel == protocol.Catalogue && ok && at.Seq < h.At.Seq {
					continue
				} else if h.Log.Channel == protocol.Catalogue {
					stands[h.Log] = h.At
				}
				stands.note(h)
			}
		case m.Chunk != nil:
			s.chunk(m.Chunk)
		case m.Block != nil:
			h := m.Block.Header
			holds.note(protocol.Head{Log: h.Log, At: protocol.Position{Seq: h.Last, Hash: h.End}})
			s.Events[h.Log] += h.Last - h.First + 1
		}
	}
}
