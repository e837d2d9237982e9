package identity

import (
	"bytes"
	"testing"
)

func TestDevices(t *testing.T) {
	d := NewSessions(bytes.Repeat([]byte{7}, 32)).Devices()
	again := NewSessions(bytes.Repeat([]byte{7}, 32)).Devices() // Another server, or after a restart.
	mark := d.Mark("dc", "hash 1")
	id := again.ID(mark, "dc", "hash 1")
	if id == "" || id != d.ID(mark, "dc", "hash 1") {
		t.Fatalf("got %q", id)
	}
	if other := d.Mark("dc", "hash 1"); other == mark || d.ID(other, "dc", "hash 1") == id {
		t.Error("two browsers have one mark")
	}
	for name, got := range map[string]string{
		"another login":    d.ID(mark, "adc", "hash 1"),
		"another password": d.ID(mark, "dc", "hash 2"),
		"no login":         d.ID(mark, "dc", ""),
		"another secret":   NewSessions([]byte("another")).Devices().ID(mark, "dc", "hash 1"),
		"altered":          d.ID("A"+mark[1:len(mark)-1]+"A", "dc", "hash 1"),
		"short":            d.ID(mark[:20], "dc", "hash 1"),
		"nothing":          d.ID("", "dc", "hash 1"),
		"no text of ours":  d.ID("!", "dc", "hash 1"),
	} {
		if got != "" {
			t.Errorf("%s: it names %q", name, got)
		}
	}
}
