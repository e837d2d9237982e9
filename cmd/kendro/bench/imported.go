package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// importedService is what another system's file is full of: copies of land records
// were what a Deputy Commissioner's office took in online (R-OF9).
const importedService = "land-record-copy"

// foreignNumber is the other system's number of a row.
func foreignNumber(i int) string { return fmt.Sprintf("EF-2025/%06d", i) }

// takeOver has a clerk take over a file of applications by kendro import, and returns
// those that are looked for later.
func (d *desk) takeOver(ctx context.Context, f *field, o options) (*result, []*caller, error) {
	clerk, err := d.AddUser(ctx, api.UserRequest{Name: "clerk", Role: string(access.Clerk), Post: "dc-front-desk@dc-41"})
	if err != nil {
		return nil, nil, err
	}
	token, err := d.Servers[0].SignIn(ctx, clerk)
	if err != nil {
		return nil, nil, err
	}
	at := func(name string) string { return filepath.Join(d.Dir, name) }
	file, mapping, err := foreignFile(f.corpus, o.records, place.Centre(f.centres[0]))
	if err != nil {
		return nil, nil, err
	}
	for name, b := range map[string][]byte{"old.csv": file, "old.yaml": mapping, "clerk.session": []byte(token + "\n")} {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			return nil, nil, fault.Wrap(op, fault.Internal, name, err)
		}
	}
	began := time.Now()
	out, err := d.Output(ctx, "import", at("old.csv"), "--map", at("old.yaml"), "--url", d.Servers[0].URL(), "--session", at("clerk.session"), "--output", "json")
	if err != nil {
		return nil, nil, err
	}
	took := time.Since(began).Seconds()
	var came struct{ Taken int }
	if err := json.Unmarshal(out, &came); err != nil || came.Taken != o.records {
		return nil, nil, fault.New(op, fault.Internal, "import", fmt.Sprintf("%d of %d rows were taken over (%v)", came.Taken, o.records, err))
	}
	r := &result{
		Records: o.records, Seconds: round(took), Rate: round(float64(o.records) / took), Servers: len(d.Servers),
		carried: carried{Payload: round(float64(len(file)) / float64(o.records))},
	}
	some, err := d.lookUp(ctx, o.records)
	return r, []*caller{some}, err
}

// lookUp finds some of the imported applications by the other system's number.
func (d *desk) lookUp(ctx context.Context, records int) (*caller, error) {
	c, err := d.client(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	some := &caller{}
	err = district.Poll(ctx, func() bool { // The index follows the register.
		some.filed = nil
		for i := range asked {
			var l api.FoundList
			if c.Do(ctx, api.Call{Path: "/v1/search?q=" + url.QueryEscape(foreignNumber(i*records/asked)), Out: &l}) != nil || len(l.Found) == 0 {
				return false
			}
			some.filed = append(some.filed, receipt{number: l.Found[0].Number})
		}
		return true
	})
	return some, err
}

// foreignFile is a CSV file of another system, as Excel writes it, and the mapping that
// reads it. Every row is another applicant and another record.
func foreignFile(c *corpus, rows int, centre place.Centre) (file, mapping []byte, err error) {
	who := []string{"name_bn", "gender", "mobile", "village", "area"}
	var form []string
	var sample struct {
		Form, Applicant map[string]any
		Documents       []struct{ ID string }
	}
	var text bytes.Buffer
	text.WriteString("\xef\xbb\xbf")
	w := csv.NewWriter(&text)
	var spec strings.Builder
	for i := range rows {
		raw, err := c.sampler.Body(importedService, uint64(i), centre)
		if err != nil {
			return nil, nil, err
		}
		sample.Form, sample.Applicant, sample.Documents = nil, nil, nil
		if err := json.Unmarshal(raw, &sample); err != nil {
			return nil, nil, fault.Wrap(op, fault.Internal, importedService, err)
		}
		if i == 0 {
			form = slices.Sorted(maps.Keys(sample.Form))
			spec.WriteString("system: e-filing\nnumber: number\nfiled_on: filed_on\nservice: {value: " + importedService + "}\nchannel: {value: online}\napplicant:\n")
			for _, name := range who {
				spec.WriteString("  " + name + ": " + name + "\n")
			}
			spec.WriteString("form:\n")
			for _, name := range form {
				spec.WriteString("  " + name + ": {column: " + name + readAs(sample.Form[name]) + "}\n")
			}
			var seen []string
			for _, doc := range sample.Documents {
				seen = append(seen, doc.ID)
			}
			spec.WriteString("originals: [" + strings.Join(seen, ", ") + "]\n")
			_ = w.Write(slices.Concat([]string{"number", "filed_on"}, who, form)) // Into memory: Flush tells.
		}
		row := []string{foreignNumber(i), "2025-01-05"}
		for _, name := range who {
			row = append(row, cellOf(sample.Applicant[name]))
		}
		for _, name := range form {
			row = append(row, cellOf(sample.Form[name]))
		}
		_ = w.Write(row)
	}
	w.Flush()
	return text.Bytes(), []byte(spec.String()), fault.Wrap(op, fault.Internal, "old.csv", w.Error())
}

func cellOf(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// readAs says in a mapping what a column's text is.
func readAs(v any) string {
	switch v.(type) {
	case float64:
		return ", as: number"
	case bool:
		return `, as: "yes"`
	}
	return ""
}
