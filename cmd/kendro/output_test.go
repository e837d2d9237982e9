package main

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

func TestTableAligns(t *testing.T) {
	tab := columns("NAME", "AGE")
	tab.add("রহিমা খাতুন", "30")
	tab.add("Karim", "41")
	tab.add("宽", "1\x1b[2J\n2")
	var b strings.Builder
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %d lines; want 4:\n%s", len(lines), b.String())
	}
	column := -1
	for i, second := range []string{"AGE", "30", "41", "1"} {
		before, _, found := strings.Cut(lines[i], "  "+second)
		if !found {
			t.Fatalf("line %d %q has no second column %q", i, lines[i], second)
		}
		at := uniseg.StringWidth(before)
		if column >= 0 && at != column {
			t.Errorf("line %d: second column at %d; want %d", i, at, column)
		}
		column = at
	}
	if strings.ContainsAny(b.String(), "\x1b") {
		t.Errorf("an escape sequence came through: %q", b.String())
	}
}
