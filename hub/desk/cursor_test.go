package desk

import (
	"encoding/base64"
	"errors"
	"testing"

	"kendro/domain/fault"
)

// FuzzCursor holds that no cursor breaks a list or makes it longer than a page.
func FuzzCursor(f *testing.F) {
	o := newOffice(f)
	for i := range uint64(3) {
		o.file(i + 1)
	}
	m := merge{reg: o.reg, office: o.seat(0).Office, posts: postsOf(o.reg, o.seat(0).Office), limit: 2}
	for _, s := range []string{"{}", "null", "[]", `{"` + o.seat(0).Post + `":"AAAA"}`, `{"` + o.seat(0).Post + `":"."}`, `{"x":1}`} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		list, _, err := m.page(cursor)
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatalf("%q: %v; want invalid", cursor, err)
		}
		if len(list) > m.limit {
			t.Fatalf("%q: %d tasks on a page of %d", cursor, len(list), m.limit)
		}
	})
}
