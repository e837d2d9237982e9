package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindSurvivesWrapping(t *testing.T) {
	inner := New("store.Read", Damaged, "7", "checksum differs")
	for _, err := range []error{
		inner,
		fmt.Errorf("outer: %w", inner),
		Wrap("node.Open", Internal, "journal", inner),
	} {
		if got := KindOf(err); got != Damaged {
			t.Errorf("KindOf(%v) = %v; want %v", err, got, Damaged)
		}
		if !errors.Is(err, Damaged) {
			t.Errorf("errors.Is(%v, Damaged) = false; want true", err)
		}
		if errors.Is(err, Invalid) {
			t.Errorf("errors.Is(%v, Invalid) = true; want false", err)
		}
	}
}

func TestUnclassifiedIsInternal(t *testing.T) {
	if got := KindOf(errors.New("x")); got != Internal {
		t.Errorf("KindOf(plain) = %v; want %v", got, Internal)
	}
	if err := Wrap("a.B", Invalid, "", nil); err != nil {
		t.Errorf("Wrap(nil) = %v; want nil", err)
	}
}

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for k := Internal; k <= Damaged; k++ {
		if seen[k.Error()] {
			t.Errorf("kind %d repeats the name %q", k, k.Error())
		}
		seen[k.Error()] = true
	}
}
