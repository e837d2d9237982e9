package protocol

import (
	"errors"
	"testing"

	"kendro/domain/fault"
)

func TestVisitNames(t *testing.T) {
	for i, name := range append([]string{""}, VisitNames()...) {
		v, err := ParseVisit(name)
		if err != nil || v != Visit(i) || v.String() != name {
			t.Errorf("%q: got %d %q, %v", name, v, v, err)
		}
	}
	if _, err := ParseVisit("curiosity"); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v; want invalid", err)
	}
	if got := Visit(77).String(); got != "other" {
		t.Errorf("a reason of a later version is %q; want other", got)
	}
}
