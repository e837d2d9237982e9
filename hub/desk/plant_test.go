package desk

import (
	"os"
	"strings"
	"testing"
)

// Where TestADropIsCounted, with the tag fault, has an event passed over.
const (
	dropIn = "../register/attempt.go"
	dropAt = "if st := t.file(t.in, t.it, &t.in.Verdicts[t.it.Seq-t.in.Block.Header.First], t.owner); st != nil {"
)

// TestPlantFits: the fault can still be planted.
func TestPlantFits(t *testing.T) {
	source, err := os.ReadFile(dropIn)
	if n := strings.Count(string(source), dropAt); err != nil || n != 1 {
		t.Errorf("%s holds it %d times, and not once; %v", dropIn, n, err)
	}
}
