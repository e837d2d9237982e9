package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"kendro/domain/fault"
)

//go:embed invented.csv
var inventedWords []byte

// MaxInvented is how many services [Invent] can tell apart.
const MaxInvented = 500

// invention bounds one invented service: its fields, and its size as text.
const (
	fewestFields = 7
	mostFields   = 11
	leastYAML    = 4096
)

// Invent returns n plausible services as files of a country pack, named as they
// lie in one, each more than 4 KiB of YAML in Bangla and English: what a whole
// country's catalogue weighs, for tests and measurements. The same seed gives the
// same files. They fit the posts of the embedded pack. More than MaxInvented are
// [fault.Invalid].
func Invent(n int, seed uint64) (map[string][]byte, error) {
	const op = "catalogue.Invent"
	if n < 1 || n > MaxInvented {
		return nil, fault.New(op, fault.Invalid, "", fmt.Sprintf("want 1 to %d services", MaxInvented))
	}
	r := csv.NewReader(bytes.NewReader(inventedWords))
	r.Comment, r.FieldsPerRecord = '#', -1
	list, err := r.ReadAll()
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "invented.csv", err)
	}
	words := inventor{}
	for _, rec := range list {
		words[rec[0]] = append(words[rec[0]], rec[1:])
	}
	files := map[string][]byte{}
	for _, action := range words["action"] {
		for _, subject := range words["subject"] {
			if len(files) == n {
				return files, nil
			}
			id := action[0] + "-" + subject[0]
			h := fnv.New64a()
			_, _ = h.Write([]byte(id))                    // A hash never fails to write.
			rng := rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // Plausible, not secret.
			files["services/"+id+".yaml"] = words.service(rng, id, action, subject)
		}
	}
	return files, nil
}

// An inventor is the word lists by kind; each entry has a code first.
type inventor map[string][][]string

// named returns the entry of a kind with this code, which is in the list.
func (w inventor) named(kind, code string) []string {
	list := w[kind]
	return list[slices.IndexFunc(list, func(x []string) bool { return x[0] == code })]
}

// service writes one file.
func (w inventor) service(rng *rand.Rand, id string, action, subject []string) []byte {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	category := w.named("category", subject[3])
	posts := strings.Fields(category[3])
	centres := []string{"union", "paurashava", "city-ward", "citizen-service"}
	if !slices.ContainsFunc(posts, func(p string) bool { return w.named("post", p)[1] == "local" }) {
		centres = append(centres, "upazila", "e-post") // Those that no union stands above.
	}
	say("id: %s", id)
	say("name: {bn: %q, en: %q}", fmt.Sprintf(action[1], subject[1]), fmt.Sprintf(action[2], subject[2]))
	say("category: %s\nkind: public", category[0])
	say("channels: [%s]", strings.Join(some(rng, []string{"counter", "centre", "online", "post", "uno_office", "phone", "fax"}, 3), ", "))
	say("centre_types: [%s]", strings.Join(centres[:3+rng.IntN(len(centres)-2)], ", "))
	say("offline: intake\nfreshness_days: %d\nsla_days: %d", 30*(1+rng.IntN(6)), 3+rng.IntN(43))
	say("fee_at: %s\nfees:", some(rng, []string{"submit", "before_review", "after_approval"}, 1)[0])
	say("  - {kind: government, poisha: %d}", 500*(1+rng.IntN(120)))
	say("  - {kind: service_charge, poisha: %d, ceiling: %d}", 500*(1+rng.IntN(10)), 5000+500*rng.IntN(20))
	say("documents:")
	for i, p := range pick(rng, w["paper"], 4+rng.IntN(3)) {
		say("  - {id: %s, required: %t, original_at_counter: true, name: {bn: %q, en: %q}}", p[0], i < 2, p[1], p[2])
	}
	w.steps(say, posts, subject)
	fields := pick(rng, w["field"], fewestFields+rng.IntN(mostFields-fewestFields))
	w.form(rng, say, fields, subject)
	for i := len(fields); b.Len() < leastYAML; i++ { // A form that came out short asks for more.
		more := w["field"][rng.IntN(len(w["field"]))]
		if !slices.ContainsFunc(fields, func(f []string) bool { return f[0] == more[0] }) {
			fields = append(fields, more)
			w.field(rng, say, more, i+1, subject)
		}
	}
	return []byte(b.String())
}

func (w inventor) steps(say func(string, ...any), posts, subject []string) {
	say("steps:")
	for i, code := range posts {
		post := w.named("post", code)
		bn, en := "যাচাই ও সুপারিশ", "Check and recommend"
		last := i == len(posts)-1
		switch {
		case last:
			bn, en = "অনুমোদন ও স্বাক্ষর", "Approve and sign"
		case i == 0:
			bn, en = "গ্রহণ ও নথি উপস্থাপন", "Receive and open the file"
		}
		say("  - post: %s\n    office_level: %s\n    name: {bn: %q, en: %q}", code, post[1], bn+": "+subject[1], en+": "+subject[2])
		say("    mandatory: %t\n    decision: %t\n    may_finalise: %t", last || i == 0, !last, last)
	}
}

func (w inventor) form(rng *rand.Rand, say func(string, ...any), fields [][]string, subject []string) {
	var required []string
	for i, f := range fields {
		if i < len(fields)/2 && f[3] != "boolean" {
			required = append(required, f[0])
		}
	}
	say("form:\n  type: object\n  additionalProperties: false\n  required: [%s]\n  properties:", strings.Join(required, ", "))
	for i, f := range fields {
		w.field(rng, say, f, i+1, subject)
	}
}

func (w inventor) field(rng *rand.Rand, say func(string, ...any), f []string, order int, subject []string) {
	kind := strings.Fields(f[3])
	sample := ""
	say("    %s:", f[0])
	switch {
	case kind[0] == "string":
		say("      type: string\n      maxLength: %s", kind[1])
		sample = kind[2]
	case kind[0] == "integer":
		say("      type: integer\n      minimum: %s\n      maximum: %s", kind[1], kind[2])
	case kind[0] == "boolean":
		say("      type: boolean")
	case strings.HasPrefix(kind[0], "date_"):
		say("      type: string\n      format: date")
		sample = kind[0]
	}
	var options [][]string
	if kind[0] == "choice" {
		all := slices.DeleteFunc(slices.Clone(w["option"]), func(o []string) bool { return o[0] != f[0] })
		options = pick(rng, all, max(2, len(all)-rng.IntN(2)))
		codes := make([]string, len(options))
		for i, o := range options {
			codes[i] = o[3]
		}
		say("      type: string\n      enum: [%s]", strings.Join(codes, ", "))
	}
	say("      x-kendro:\n        order: %d\n        label: {bn: %q, en: %q}", order, f[1], f[2])
	for _, h := range w["help"] {
		if h[0] == f[0] {
			say("        help: {bn: %q, en: %q}", fmt.Sprintf(h[1], subject[1]), fmt.Sprintf(h[2], subject[2]))
		}
	}
	if sample != "" {
		say("        sample: %s", sample)
	}
	if len(options) > 0 {
		say("        options:")
		for _, o := range options {
			say("          %s: {bn: %q, en: %q}", o[3], o[1], o[2])
		}
	}
}

// pick draws n entries, in an order of its own.
func pick(rng *rand.Rand, list [][]string, n int) [][]string {
	list = slices.Clone(list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(n, len(list))]
}

// some draws n words, in the order of the list.
func some(rng *rand.Rand, list []string, n int) []string {
	left := slices.Clone(list)
	for len(left) > n {
		i := rng.IntN(len(left))
		left = slices.Delete(left, i, i+1)
	}
	return left
}
