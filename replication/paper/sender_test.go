package paper

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kendro/protocol"
)

// A transcript in testdata is a script, a line of dashes, and what comes of it.
//
//	wish a:3 b:2      documents by urgency, with their pieces
//	offer             what is offered now
//	part a 0,2        the other side holds these pieces of a
//	held a, unwanted a, later a
//	next 1 4          lane 1 asks for up to four pieces
//	hold, go          the session has records to send, or none
//	lost 2            lane 2 broke
//	retry
//	missing           bytes that nobody has sent
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			script, want, ok := strings.Cut(string(raw), "----\n")
			if !ok {
				t.Fatal("no line of dashes")
			}
			if got := run(t, script); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func named(name string) (h protocol.Hash) {
	copy(h[:], name)
	return h
}

func nameOf(h protocol.Hash) string { return string(bytes.TrimRight(h[:], "\x00")) }

func run(t *testing.T, script string) string {
	t.Helper()
	s := NewSender()
	var out strings.Builder
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		switch f[0] {
		case "wish":
			var list []protocol.Offered
			for _, d := range f[1:] {
				name, pieces, _ := strings.Cut(d, ":")
				n, err := strconv.Atoi(pieces)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, protocol.Offered{Hash: named(name), Size: uint32(n*protocol.DocumentChunk - 1)})
			}
			s.Wish(list)
		case "offer":
			out.WriteString("offer")
			if o := s.Offer(); o != nil {
				for _, d := range o.Documents {
					out.WriteString(" " + nameOf(d.Hash))
				}
			}
			out.WriteString("\n")
		case "part":
			bits := make([]byte, 9)
			if len(f) > 2 {
				for i := range strings.SplitSeq(f[2], ",") {
					n, _ := strconv.Atoi(i)
					bits[n/8] |= 1 << (n % 8)
				}
			}
			s.Taken(&protocol.Taken{Hash: named(f[1]), State: protocol.TakenPart, Pieces: bits})
		case "held", "unwanted", "later":
			state := map[string]protocol.TakenState{"held": protocol.TakenHeld, "unwanted": protocol.TakenUnwanted, "later": protocol.TakenLater}[f[0]]
			s.Taken(&protocol.Taken{Hash: named(f[1]), State: state})
		case "next":
			lane, _ := strconv.Atoi(f[1])
			count, _ := strconv.Atoi(f[2])
			fmt.Fprintf(&out, "lane %d:", lane)
			for range count {
				if p, ok := s.Next(lane); ok {
					fmt.Fprintf(&out, " %s%d", nameOf(p.Hash), p.Index)
				}
			}
			out.WriteString("\n")
		case "hold":
			s.Hold(true)
		case "go":
			s.Hold(false)
		case "lost":
			lane, _ := strconv.Atoi(f[1])
			s.Lost(lane)
		case "retry":
			s.Retry()
		case "drop":
			s.Drop(named(f[1]))
		case "missing":
			fmt.Fprintf(&out, "missing %d pieces\n", s.Missing()/protocol.DocumentChunk)
		default:
			t.Fatalf("no such line: %s", lines.Text())
		}
	}
	return out.String()
}
