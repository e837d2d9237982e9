package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kendro/domain/fault"
)

// An answer that is too long is called so, and never taken for a broken one.
func TestAnswersAreBounded(t *testing.T) {
	part := make([]byte, 1<<20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range maxAnswer/len(part) + 1 {
			if _, err := w.Write(part); err != nil {
				return // The client has read enough.
			}
		}
	}))
	defer s.Close()
	c, err := NewClient(s.URL, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var body []byte
	err = c.Do(t.Context(), Call{Path: "/", Out: &body})
	if !errors.Is(err, fault.Internal) || !strings.Contains(err.Error(), "64 MiB") {
		t.Fatalf("%d bytes, %v; want that it is too long", len(body), err)
	}
}
