package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/web/api"
)

// How an import asks.
const (
	importAtOnce = 16          // Rows on their way.
	importPause  = time.Second // Before a row of which nobody knows is asked again …
	importTries  = 60          // … so often at most.
	maxImport    = 256 << 20   // Bytes of a file.
)

func importCmd() *cobra.Command {
	var r reach
	var out output
	var mapping string
	var dry bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take applications over from another system's CSV file",
		Long: `Enters each row of a CSV file at a hub, as its clerk. The mapping says which column holds
what; a column that it doesn't name goes nowhere. A row is known by the other system's
number: one that came before changes nothing, so a run that broke is run again. Rows
that are no application are listed with their line and what to do, and stop no other.`,
		Example: `  kendro import old.csv --map old.yaml --url https://127.0.0.1:8443 --session clerk.session --dry-run`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			im := &importer{dry: dry, result: imported{Dry: dry}}
			if err := im.read(mapping, args[0]); err != nil {
				return err
			}
			client, err := r.client()
			if err != nil {
				return err
			}
			defer client.Close()
			stopped := im.run(cmd.Context(), client)
			for _, bad := range im.sorted() {
				cmd.PrintErrf("line %d: %s\n", bad.Line, bad.Text)
			}
			err = out.print(cmd.OutOrStdout(), &im.result, im.table)
			return errors.Join(stopped, err, im.outcome())
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&mapping, "map", "", "YAML file that says which column holds what")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "have each row checked, and enter none")
	require(cmd, "map")
	return cmd
}

// An imported is what an import came to.
type imported struct {
	Rows   int      `json:"rows"`
	Taken  int      `json:"taken"`
	Before int      `json:"taken_before"`
	Wrong  []badRow `json:"wrong"`
	Dry    bool     `json:"dry_run,omitempty"`
}

type badRow struct {
	Line   int    `json:"line"`
	Number string `json:"number,omitempty"`
	Text   string `json:"text"`
}

// An importer enters rows, many at a time.
type importer struct {
	dry     bool
	mapping *catalogue.Mapping
	rows    []importRow

	mu     sync.Mutex // Guards what follows.
	result imported
}

type importRow struct {
	line int
	*catalogue.ForeignRow
}

// read reads mapping and file. Rows that can't be read are noted.
func (im *importer) read(mapping, file string) error {
	text, err := readFile(mapping, maxBody)
	if err != nil {
		return err
	}
	if im.mapping, err = catalogue.ReadMapping(mapping, text); err != nil {
		return err
	}
	raw, err := readFile(file, maxImport)
	if err != nil {
		return err
	}
	return im.rowsOf(file, raw)
}

// rowsOf reads the rows of a CSV file: Excel's mark at its beginning is passed over, and
// its separator may be a comma, a semicolon or a tab.
func (im *importer) rowsOf(file string, raw []byte) error {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	in := csv.NewReader(bytes.NewReader(raw))
	in.FieldsPerRecord = -1
	for _, sep := range ",;\t" {
		if bytes.Count(head, []byte(string(sep))) > bytes.Count(head, []byte(string(in.Comma))) {
			in.Comma = sep
		}
	}
	names, err := in.Read()
	if err != nil {
		return fault.New("kendro.import", fault.Invalid, file, "want a CSV file in UTF-8 whose first line names its columns")
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	for _, want := range im.mapping.Columns() {
		if !slices.Contains(names, want) {
			return fault.New("kendro.import", fault.Invalid, file, "has no column "+strconv.Quote(want)+"; it has "+strings.Join(names, ", "))
		}
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		im.result.Rows++
		if err != nil {
			im.wrong(badRow{Line: lineOf(err), Text: "it is no row of a CSV file: " + err.Error()})
			continue
		}
		line, _ := in.FieldPos(0)
		im.row(line, names, record)
	}
}

func lineOf(err error) int {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return e.Line
	}
	return 0
}

func (im *importer) row(line int, names, record []string) {
	if len(record) != len(names) {
		im.wrong(badRow{Line: line, Text: fmt.Sprintf("has %d cells where the first line has %d: look for a separator inside a text without quotes", len(record), len(names))})
		return
	}
	columns := map[string]string{}
	for i, name := range names {
		columns[name] = record[i]
	}
	row, err := im.mapping.Row(columns)
	if err != nil {
		im.wrong(badRow{Line: line, Text: "column " + textOf(err)})
		return
	}
	im.rows = append(im.rows, importRow{line, row})
}

// textOf is a failure in the words of who has to correct it.
func textOf(err error) string {
	refused, ok := errors.AsType[*api.Refusal](err)
	if ok && len(refused.Errors) > 0 {
		var list []string
		for _, f := range refused.Errors {
			list = append(list, f.Path+": "+f.Text.EN)
		}
		return strings.Join(list, " ")
	}
	return err.Error()
}

func (im *importer) wrong(b badRow) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.result.Wrong = append(im.result.Wrong, b)
}

// run enters the rows. Its failure is one that stops all of them: nobody may, or nobody
// answers.
func (im *importer) run(ctx context.Context, c *api.Client) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	rows := make(chan importRow)
	var wg sync.WaitGroup
	for range importAtOnce {
		wg.Go(func() {
			for row := range rows {
				if err := im.enter(ctx, c, row); err != nil {
					stop(err)
				}
			}
		})
	}
feed:
	for _, row := range im.rows {
		select {
		case rows <- row:
		case <-ctx.Done():
			break feed
		}
	}
	close(rows)
	wg.Wait()
	return context.Cause(ctx)
}

// enter enters one row, and repeats it under its key while nobody knows.
func (im *importer) enter(ctx context.Context, c *api.Client, row importRow) error {
	path := "/v1/applications"
	if im.dry {
		path += "/check"
	}
	var err error
	for try := range importTries {
		var a api.ApplicationAnswer
		err = c.Do(ctx, api.Call{Method: http.MethodPost, Path: path, Key: row.Key, In: row.Body, Out: &a})
		switch {
		case err == nil:
			im.mu.Lock()
			defer im.mu.Unlock()
			if a.Before && try == 0 {
				im.result.Before++
			} else {
				im.result.Taken++
			}
			return nil
		case errors.Is(err, fault.Denied):
			return err
		case !errors.Is(err, fault.Unavailable) && !errors.Is(err, fault.Limited):
			im.wrong(badRow{Line: row.line, Number: row.Number, Text: textOf(err)})
			return nil
		}
		select {
		case <-time.After(importPause):
		case <-ctx.Done():
			return nil
		}
	}
	return err
}

func (im *importer) sorted() []badRow {
	slices.SortFunc(im.result.Wrong, func(a, b badRow) int { return cmp.Compare(a.Line, b.Line) })
	return im.result.Wrong
}

func (im *importer) table() *table {
	taken := "taken"
	if im.dry {
		taken = "in order"
	}
	return pairs("rows", strconv.Itoa(im.result.Rows), taken, strconv.Itoa(im.result.Taken),
		"taken before", strconv.Itoa(im.result.Before), "wrong", strconv.Itoa(len(im.result.Wrong)))
}

// outcome fails where rows were left out.
func (im *importer) outcome() error {
	if n := len(im.result.Wrong); n > 0 {
		return fault.New("kendro.import", fault.Invalid, strconv.Itoa(n)+" rows", "were not taken: correct them in the file and run it again")
	}
	return nil
}
