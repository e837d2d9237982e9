package sim

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"kendro/domain/fault"
)

// dayOf runs the command.
func dayOf(t *testing.T, args ...string) (r dayResult, err error) {
	t.Helper()
	var out strings.Builder
	cmd := Command()
	cmd.SetArgs(append([]string{"day", "--output", "json"}, args...))
	cmd.SetOut(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.Execute()
	if json.Unmarshal([]byte(out.String()), &r) != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return r, err
}

// A small district's day ends without backlog, and the same seed goes the same way.
func TestDay(t *testing.T) {
	args := []string{"--centres", "3", "--copies", "5", "--others", "40"}
	r, err := dayOf(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Filed != 45 || r.Disposed != 45 || r.All.Officer.Median < 300 || r.All.Account.Whole.P90 <= r.All.Officer.P90 || r.All.Account.Citizen.P90 == 0 {
		t.Errorf("got %d filed, %d disposed of, %+v %+v", r.Filed, r.Disposed, r.All, r.All.Account)
	}
	if again, err := dayOf(t, args...); err != nil || again.Trace != r.Trace || again.Acts != r.Acts {
		t.Errorf("the same seed: trace %s with %d acts, %v; the first time %s with %d", again.Trace, again.Acts, err, r.Trace, r.Acts)
	}
}

// With too few officers the desk is named whose queue grows, and the status says so.
func TestDayWithTooFewOfficers(t *testing.T) {
	r, err := dayOf(t, "--centres", "2", "--copies", "90", "--others", "0", "--staff", "0.1", "--days", "4")
	if !errors.Is(err, fault.Internal) || len(r.Violations) != 0 {
		t.Errorf("got %v, violations %v; want a failure for the backlog alone", err, r.Violations)
	}
	named := strings.Join(r.Backlog, "\n")
	if !strings.Contains(named, "record-room-assistant@record-41: the day brought") || strings.Contains(named, "secretary@") {
		t.Errorf("the backlog is said to be: %s", named)
	}
}
