package bench

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, c := range []struct {
		of   []time.Duration
		p    float64
		want time.Duration
	}{
		{nil, 50, 0},
		{[]time.Duration{7}, 1, 7},
		{[]time.Duration{7}, 99, 7},
		{[]time.Duration{3, 1, 2}, 50, 2},
		{[]time.Duration{4, 3, 2, 1}, 50, 2},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred, 0, 1},
	} {
		if got := percentile(c.of, c.p); got != c.want {
			t.Errorf("percentile %v of %d: got %d, want %d", c.p, len(c.of), got, c.want)
		}
	}
}

func TestZstdKnowsTextFromNoise(t *testing.T) {
	text := bytes.Repeat([]byte("অনলাইনে আবেদন "), 100)
	noise := make([]byte, len(text))
	_, _ = rand.Read(noise) // It never fails.
	short, err := zstd3([][]byte{text, text})
	if err != nil || short > len(text)/10 {
		t.Errorf("text of %d bytes comes to %d, %v", 2*len(text), short, err)
	}
	long, err := zstd3([][]byte{noise})
	if err != nil || long < len(noise) {
		t.Errorf("noise of %d bytes comes to %d, %v", len(noise), long, err)
	}
	twice, err := zstd3([][]byte{noise, noise})
	if err != nil || twice > len(noise)*11/10 {
		t.Errorf("the same noise twice comes to %d, %v: not one stream", twice, err)
	}
}

func TestParseStat(t *testing.T) {
	const fields = " S 1 1 1 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 9 0 100 0 0"
	for name, c := range map[string]struct {
		in   string
		want time.Duration
		bad  bool
	}{
		"plain":           {"12 (kendro)" + fields, 4 * time.Second, false},
		"a strange name":  {"12 (a) b (c)" + fields, 4 * time.Second, false},
		"cut off":         {"12 (kendro) S 1 1", 0, true},
		"nothing":         {"", 0, true},
		"not even digits": {"12 (kendro) S 1 1 1 0 -1 0 0 0 0 0 a b c", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(c.in)
			if got != c.want || (err != nil) != c.bad {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestParseStatus(t *testing.T) {
	const text = "Name:\tkendro\nVmRSS:\t  90000 kB\nRssAnon:\t   30124 kB\nRssFile:\t  1 kB\n"
	if n, err := parseStatus(text); err != nil || n != 30124<<10 {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := parseStatus("Name:\tkendro\n"); err == nil {
		t.Error("no RssAnon, and no error")
	}
}

func TestParseMetric(t *testing.T) {
	const text = "# HELP kendro_x X.\n# TYPE kendro_x gauge\nkendro_x_more 7\nkendro_x 1.5e+06\n"
	if v, err := parseMetric(text, "kendro_x"); err != nil || v != 1.5e6 {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := parseMetric(text, "kendro_y"); err == nil {
		t.Error("no such metric, and no error")
	}
}

func TestProcessFigures(t *testing.T) {
	began, err := cpuTime(1)
	if err != nil || began < 0 {
		t.Errorf("process 1: %v, %v", began, err)
	}
	if _, err := cpuTime(-1); err == nil {
		t.Error("no such process, and no error")
	}
}
