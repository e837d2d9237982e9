package replication_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestTranscripts plays testdata/*.txt. A file is paragraphs of commands, a line
// of four hyphens, and what happens then:
//
//	side a have up=3,in=1 want in,cat acks cut=2 window=4 epoch=1 offers=3 takes shelves=1 doubts
//	connect | cut | run | state
//	step a [n]               a receives its next n messages
//	grow a up 5 [branch]     five more events are durable at a
//	disk a [n]               a's disk answers n times
//	unload a denied          a's disk fails the next load
//	hold a store|load        a's disk does not answer; free a store|load: it does
//	refuse a 7 unavailable   a's disk refuses the block with event 7, once
//	forget a                 a knows no epoch any more
//	lose a                   the messages on the way to a vanish
//	resume a                 a's wait is over
//	wish a in 2              a asks for a log after event 2, for somebody else
//	pass a up 3              a hands on somebody's acknowledgement
//	inject a block up 2-3 [branch] [altered] | want up 2 | heads up 2 | busy 500 | hello 2 | hello 1-2 | later
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 15 {
		t.Fatalf("got %d transcripts, %v; want at least 15", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { play(t, f) })
	}
}

func play(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{a: newSide("a"), b: newSide("b")}
	var written strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		if i > 0 {
			written.WriteString("\n\n")
		}
		if strings.HasPrefix(paragraph, "#") && !strings.Contains(paragraph, "\n----") {
			written.WriteString(paragraph)
			continue
		}
		commands, want, _ := strings.Cut(paragraph+"\n", "\n----\n")
		p.out.Reset()
		for c := range strings.SplitSeq(strings.TrimSpace(commands), "\n") {
			if !strings.HasPrefix(c, "#") {
				p.command(t, c)
			}
		}
		got := p.out.String()
		written.WriteString(strings.TrimSpace(commands) + "\n----\n" + strings.TrimSuffix(got, "\n"))
		if !*update && strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", commands, got, want)
		}
	}
	for _, b := range p.bad {
		t.Error(b)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(written.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *pair) side(name string) *side {
	if name == "a" {
		return p.a
	}
	return p.b
}

func (p *pair) command(t *testing.T, line string) {
	t.Helper()
	w := append(strings.Fields(line), "", "", "", "")
	s := p.side(w[1])
	switch w[0] {
	case "side":
		*s = *define(w[1], strings.Fields(line)[2:])
	case "connect":
		p.connect()
	case "cut":
		p.disconnect()
	case "run":
		p.run(t)
	case "state":
		for _, s := range []*side{p.a, p.b} {
			p.printf("%s holds%s", s.name, strings.TrimPrefix(describe(&protocol.Message{Heads: append(s.heads(), protocol.Head{})[:len(s.heads())]}), "heads"))
		}
	case "step":
		for range max(number(w[2]), 1) {
			if !p.step(s) {
				t.Fatalf("%s: nothing on the way", line)
			}
		}
	case "grow":
		log := names[w[2]]
		if s.logs[log] == nil {
			s.logs[log] = &events{}
		}
		s.logs[log].grow(log, number(w[3]), w[4])
		if s.session != nil {
			p.do(s, s.session.Grew(protocol.Head{Log: log, At: s.logs[log].head(log)}))
		}
	case "hold", "free":
		s.holding[w[2]] = w[0] == "hold"
	case "refuse":
		s.refuse[uint64(number(w[2]))] = kinds[w[3]]
	case "disk":
		for range max(number(w[2]), 1) {
			if !p.work(s) {
				t.Fatalf("%s: the disk was not asked", line)
			}
		}
	case "unload":
		s.unload = kinds[w[2]]
	case "forget":
		clear(s.known)
	case "lose":
		s.inbox = nil
	case "resume":
		p.do(s, s.session.Resume())
	case "wish":
		p.do(s, s.session.Wish(protocol.Head{Log: names[w[2]], At: p.other(s).logs[names[w[2]]].at(names[w[2]], uint64(number(w[3])))}))
	case "pass":
		at := s.logs[names[w[2]]].at(names[w[2]], uint64(number(w[3])))
		p.do(s, s.session.Pass(protocol.Passed{Ack: protocol.Ack{Log: names[w[2]], At: at}, Cert: []byte("certificate of a hub")}))
	case "inject":
		p.inject(s, w[2:])
	default:
		t.Fatalf("no such command: %s", line)
	}
}

var kinds = map[string]fault.Kind{
	"invalid": fault.Invalid, "denied": fault.Denied, "conflict": fault.Conflict,
	"notfound": fault.NotFound, "unavailable": fault.Unavailable, "internal": fault.Internal,
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func define(name string, words []string) *side {
	s := newSide(name)
	for i := 0; i < len(words); i++ {
		key, value, _ := strings.Cut(words[i], "=")
		switch key {
		case "have":
			i++
			for h := range strings.SplitSeq(words[i], ",") {
				log, n, _ := strings.Cut(h, "=")
				count, branch, _ := strings.Cut(n, "/")
				branch, after, _ := strings.Cut(branch, "@")
				e := &events{}
				common := number(count)
				if branch != "" {
					common = number(after)
				}
				e.grow(names[log], common, "")
				e.grow(names[log], number(count)-common, branch)
				s.logs[names[log]] = e
			}
		case "want":
			i++
			for l := range strings.SplitSeq(words[i], ",") {
				s.want = append(s.want, names[l])
			}
		case "acks":
			s.acks = true
		case "every":
			s.every = true
		case "hears":
			s.hears = true
		case "silent":
			s.extra = true
		case "offers":
			s.offers = number(value)
		case "takes":
			s.takes = true
		case "shelves":
			s.shelves = uint8(number(value))
		case "doubts":
			s.doubts = true
		case "cut":
			s.cut = number(value)
		case "window":
			s.window = number(value)
		case "epoch":
			s.epoch = identity.EpochID{byte(number(value))}
		}
	}
	return s
}

// inject puts a message of a's peer on the way to a.
func (p *pair) inject(to *side, w []string) {
	log := names[w[1]]
	from := p.other(to)
	seq := uint64(number(w[2]))
	m := &protocol.Message{}
	switch w[0] {
	case "block":
		first, last, _ := strings.Cut(w[2], "-")
		e := from.logs[log]
		if w[3] != "" {
			e = &events{}
			e.grow(log, number(last), w[3])
		}
		b := e.block(log, uint64(number(first)), uint64(number(last)), from.epoch)
		if w[4] != "" {
			b.Signature = []byte("of nobody")
		}
		m.Block = &b
	case "want":
		m.Want = &protocol.Want{Log: log, From: from.logs[log].at(log, seq)}
	case "heads":
		m.Heads = []protocol.Head{{Log: log, At: from.logs[log].at(log, seq)}}
	case "busy":
		m.Busy = &protocol.Busy{RetryMillis: uint32(number(w[1]))}
	case "hello":
		oldest, newest, _ := strings.Cut(w[1], "-")
		m.Hello = &protocol.Hello{Version: uint16(number(oldest)), Newest: uint16(number(newest)), Features: 1 << 40}
	case "later": // A message of a kind that this build doesn't know.
	}
	to.inbox = slices.Insert(to.inbox, 0, m)
}
