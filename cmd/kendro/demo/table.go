package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// A table is aligned by what a terminal shows, Bangla included.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	rows := append([][]string{t.head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)+2))
		}
		// A result that can't be written shows in the exit of whoever reads it.
		_, _ = fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
	_, _ = fmt.Fprintln(w)
}
