package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"kendro/domain/fault"
)

// output is how a command prints its result: "table" for people, or "json", one
// object on one line, whose members are never renamed.
type output struct{ format string }

const (
	asTable = "table"
	asJSON  = "json"
)

// flag adds --output to a command.
func (o *output) flag(cmd *cobra.Command) { o.flagDefault(cmd, asTable) }

func (o *output) flagDefault(cmd *cobra.Command, format string) {
	o.format = format
	cmd.Flags().Var(o, "output", "table or json")
}

// String, Set and Type make an output a flag.
func (o *output) String() string { return o.format }

// Set refuses what is neither.
func (o *output) Set(s string) error {
	if s != asTable && s != asJSON {
		return fmt.Errorf("want table or json, not %q", s)
	}
	o.format = s
	return nil
}

// Type names the flag's values.
func (o *output) Type() string { return "format" }

// print writes v as JSON, or the table that people get in its place.
func (o *output) print(w io.Writer, v any, people func() *table) error {
	if o.format == asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return printed(enc.Encode(v))
	}
	return printed(people().write(w))
}

// progress is where long work says how far it is: w where that is a terminal,
// else nowhere.
func progress(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return io.Discard
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return io.Discard
	}
	return w
}

// printed classifies a failure to write a result.
func printed(err error) error { return fault.Wrap("kendro.print", fault.Stopped, "output", err) }

// A table is aligned by what a terminal shows, so that Bangla and English stand
// in straight columns.
type table struct {
	head []string // Empty: no line of headings.
	rows [][]string
}

func columns(head ...string) *table { return &table{head: head} }

// pairs is a table of names and values: one thing, told.
func pairs(cells ...string) *table {
	t := &table{}
	for i := 0; i+1 < len(cells); i += 2 {
		t.add(cells[i], cells[i+1])
	}
	return t
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

const gap = 2 // Spaces between columns.

func (t *table) write(w io.Writer) error {
	rows := t.rows
	if len(t.head) > 0 {
		rows = append([][]string{t.head}, rows...)
	}
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if i+1 < len(row) || i == 0 { // What ends a line, such as a remark, makes no column wider.
				widths[i] = max(widths[i], uniseg.StringWidth(visible(cell)))
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = visible(cell)
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", max(0, widths[i]-uniseg.StringWidth(cell))+gap))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// visible keeps what came from outside from moving the cursor or breaking the
// line.
func visible(cell string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, cell)
}
