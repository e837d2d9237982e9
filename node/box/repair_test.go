package box

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
	"kendro/store/journal"
)

// TestRepair damages a stopped box in its inbox and its index: both are mended,
// what was there is kept, and the box answers as before. Then in its own journal:
// the record is named, and nothing is changed.
func TestRepair(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	want := c.ageless()
	c.stop()
	if list, err := Repair(context.Background(), c.dir, c.o); err != nil || list[0].State+list[1].State+list[2].State != "okokok" {
		t.Fatalf("a whole box: %+v, %v", list, err)
	}
	for name, used := range written(t, filepath.Join(c.dir, "journal", "in")) {
		flipAt(t, name, used/2)
	}
	if err := os.Truncate(filepath.Join(c.dir, "index", "MANIFEST"), 20); err != nil {
		t.Fatal(err)
	}
	list, err := Repair(context.Background(), c.dir, c.o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list[:2] {
		if _, err := os.Stat(f.Kept); err != nil || f.State != repairedState || len(f.Found) == 0 || len(f.Did) == 0 {
			t.Errorf("%+v, %v", f, err)
		}
	}
	c.start()
	c.fetch()
	c.wantAgeless("after the repair", want)
	c.stop()

	own := filepath.Join(c.dir, "journal", "own")
	for name, used := range written(t, own) {
		flipAt(t, name, used/2)
	}
	before, _ := journal.Verify(own, journal.Options{})
	list, err = Repair(context.Background(), c.dir, c.o)
	if !errors.Is(err, fault.Damaged) || list[2].State != damagedState || len(list[2].Found) != 1 || len(list[2].Did) != 1 {
		t.Fatalf("%+v, %v; want one damaged record", list, err)
	}
	if after, _ := journal.Verify(own, journal.Options{}); after.Records != before.Records || len(after.Damage) != 1 {
		t.Errorf("the journal was changed: %+v", after)
	}
}
