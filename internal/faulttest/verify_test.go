//go:build fault

package faulttest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
)

// An audit is what kendro audit verify prints.
type audit struct {
	Parts []struct {
		Part    string   `json:"part"`
		Records uint64   `json:"records"`
		Damage  []string `json:"damage"`
		Notes   []string `json:"notes"`
	} `json:"parts"`
}

// audit runs kendro audit verify, which names what it finds: damage, a note, or
// fewer records than there were.
func (v *victims) audit(ctx context.Context, t *testing.T, p *district.Process, whole map[string]uint64) (text string, found bool) {
	t.Helper()
	out, err := v.Output(ctx, "audit", "verify", "--output", "json", "--dir", p.Dir)
	if err != nil && fault.KindOf(err) != fault.Damaged {
		t.Errorf("audit verify of %s: %v", p.Name, err)
	}
	var a audit
	if err := json.Unmarshal(out, &a); err != nil {
		t.Errorf("audit verify of %s: %v", p.Name, err)
	}
	for _, part := range a.Parts {
		for _, say := range append(part.Damage, part.Notes...) {
			text += part.Part + ": " + say + "; "
		}
		if n := whole[part.Part]; part.Records < n {
			text += fmt.Sprintf("%s: holds %d, held %d; ", part.Part, part.Records, n)
		}
	}
	return fmt.Sprintf("%.300s", text), err != nil || text != ""
}

// sizes are how many records each part of a whole folder holds.
func (v *victims) sizes(ctx context.Context, t *testing.T, p *district.Process) map[string]uint64 {
	t.Helper()
	out, err := v.Output(ctx, "audit", "verify", "--output", "json", "--dir", p.Dir)
	must(t, err)
	var a audit
	must(t, json.Unmarshal(out, &a))
	n := map[string]uint64{}
	for _, part := range a.Parts {
		n[part.Part] = part.Records
	}
	return n
}

// A span is the bytes from one place up to another.
type span struct{ from, to int64 }

// places tells what was written in a file from the room: runs of at least 32
// zeros, the file system's page of which nobody has touched.
func places(data []byte) (written, blank []span) {
	const run = 32
	begin := int64(0)
	for at := int64(0); at < int64(len(data)); {
		end := at
		for end < int64(len(data)) && data[end] == 0 {
			end++
		}
		if end-at >= run {
			if at > begin {
				written = append(written, span{begin, at})
			}
			blank = append(blank, span{at, end})
			begin = end
		}
		at = max(end, at+1)
	}
	if begin < int64(len(data)) {
		written = append(written, span{begin, int64(len(data))})
	}
	return written, blank
}

// draw picks one place of the spans, each as likely as the others.
func draw(rng *rand.Rand, spans []span) int64 {
	sum := int64(0)
	for _, s := range spans {
		sum += s.to - s.from
	}
	at := rng.Int64N(sum)
	for _, s := range spans {
		if at < s.to-s.from {
			return s.from + at
		}
		at -= s.to - s.from
	}
	panic("drawn beyond the end")
}
