package access

import (
	"errors"
	"testing"

	"kendro/domain/fault"
	"kendro/domain/place"
)

var people = map[Role]Principal{
	Entrepreneur: {User: "e", Role: Entrepreneur, Centre: "41-09-17"},
	Clerk:        {User: "c", Role: Clerk, Seat: place.Seat{Post: "clerk", Office: "local-41-09-17"}, Area: "41-09-17"},
	Officer:      {User: "o", Role: Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}, Area: "41-09-17"},
	Supervisor:   {User: "s", Role: Supervisor, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Area: "41-09"},
	Operator:     {User: "p", Role: Operator},
	Auditor:      {User: "a", Role: Auditor},
}

// The places where a case can be, seen from the people above.
var (
	seat      = place.Seat{Post: "secretary", Office: "local-41-09-17"}
	mine      = Resource{Centre: "41-09-17", Seat: seat, Areas: []place.Code{"41-09-17", "41-09", "41", "D40"}}
	colleague = Resource{Centre: "41-09-17", Seat: place.Seat{Post: "chairman", Office: "local-41-09-17"}, Areas: mine.Areas}
	moved     = Resource{Centre: "41-09-17", Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Offices: []string{"local-41-09-17"}, Areas: mine.Areas}
	next      = Resource{Centre: "41-09-23", Seat: place.Seat{Post: "secretary", Office: "local-41-09-23"}, Areas: []place.Code{"41-09-23", "41-09", "41", "D40"}}
	far       = Resource{Centre: "41-11-05", Seat: place.Seat{Post: "secretary", Office: "local-41-11-05"}, Areas: []place.Code{"41-11-05", "41-11", "41", "D40"}}
	nobodys   = Resource{}
)

// TestMatrix holds every act × role against what it should reach: mine,
// colleague's, moved on, the next union, another upazila, nobody's.
func TestMatrix(t *testing.T) {
	const (
		never  = "------"
		always = "mcvnf0"
		centre = "mcv---" // All three came from the own centre.
		office = "mcv---"
		seat   = "m-----"
		above  = "--v---" // What moved on to the supervisor's own office.
		union  = "mcv---"
		upaz   = "mcvn--"
	)
	want := map[Act]map[Role]string{
		File:          {Entrepreneur: centre},
		Enter:         {Clerk: office},
		Scan:          {Clerk: office, Officer: seat},
		ReadCase:      {Entrepreneur: centre, Clerk: office, Officer: office, Supervisor: upaz, Auditor: always},
		WorkCase:      {Officer: seat},
		PrintCopy:     {Entrepreneur: centre, Clerk: office, Officer: office},
		ListTasks:     {Clerk: office, Officer: office, Supervisor: upaz, Auditor: always},
		ReadStats:     {Officer: union, Supervisor: upaz, Operator: always, Auditor: always},
		ReadReport:    {Officer: union, Supervisor: upaz, Auditor: always},
		ReadSync:      {Entrepreneur: centre, Operator: always},
		ReadStatus:    {Operator: always, Auditor: always},
		ReadMetrics:   {Operator: always},
		ReadUsers:     {Operator: always, Auditor: always},
		ManageUsers:   {Operator: always},
		Train:         {Officer: union, Supervisor: upaz},
		ReadTraining:  {Officer: union, Supervisor: upaz, Operator: always, Auditor: always},
		ManageTokens:  {Operator: always},
		ManageNodes:   {Operator: always},
		ManageMembers: {Operator: always},
		Publish:       {Operator: always},
		Propose:       {Officer: office, Supervisor: above},
		ReadProposals: {Officer: office, Supervisor: above, Operator: always, Auditor: always},
		AnswerPhone:   {Entrepreneur: always, Clerk: always, Officer: always, Supervisor: always, Operator: always, Auditor: always},
		ReadCalls:     {Supervisor: upaz, Auditor: always},
		ReadAwaited:   {Officer: union, Supervisor: upaz, Operator: always, Auditor: always},
		ReadLooks:     {Auditor: always},
		CarryMail:     {Entrepreneur: centre, Operator: always},
		EraseCase:     {Officer: union},
		ReadErasures:  {Officer: union, Supervisor: upaz, Operator: always, Auditor: always},
	}
	resources := []struct {
		letter byte
		r      Resource
	}{{'m', mine}, {'c', colleague}, {'v', moved}, {'n', next}, {'f', far}, {'0', nobodys}}
	for _, act := range Acts() {
		for _, role := range Roles() {
			expect := want[act][role]
			if expect == "" {
				expect = never
			}
			got := []byte(never)
			for i, x := range resources {
				switch err := May(people[role], act, x.r); {
				case err == nil:
					got[i] = x.letter
				case !errors.Is(err, fault.Denied):
					t.Errorf("%s by %s: %v; want denied", act, role, err)
				}
			}
			if string(got) != expect {
				t.Errorf("%s by %s reaches %s; want %s", act, role, got, expect)
			}
		}
	}
	if len(want) != len(Acts()) || len(table) != len(Acts()) {
		t.Errorf("%d acts are expected and %d are in the table; want all %d", len(want), len(table), len(Acts()))
	}
}

func TestNobodyMayNothing(t *testing.T) {
	anyone := mine
	for _, act := range Acts() {
		for _, p := range []Principal{
			{},
			{User: "x"},
			{User: "x", Role: "root"},
			{Role: Auditor}, // Nobody signed in.
			{Role: Operator},
			{Role: Entrepreneur, Centre: "41-09-17"},
			{User: "x", Role: Entrepreneur}, // No centre, no seat, no area.
			{User: "x", Role: Officer},
			{User: "x", Role: Supervisor},
		} {
			if err := May(p, act, anyone); !errors.Is(err, fault.Denied) {
				t.Errorf("%+v may %s; want denied", p, act)
			}
			if p.Role != Operator && p.Role != Auditor {
				if err := May(p, act, nobodys); !errors.Is(err, fault.Denied) {
					t.Errorf("%+v may %s on nobody's; want denied", p, act)
				}
			}
		}
	}
}

func TestOperatorNeverSeesACase(t *testing.T) {
	for _, act := range []Act{ReadCase, WorkCase, ListTasks, File, ReadLooks} {
		if ScopeOf(Operator, act) != Never {
			t.Errorf("an operator may %s", act)
		}
	}
}

func TestInClimbsTheTree(t *testing.T) {
	dir := &place.Directory{Areas: []place.Area{
		{Code: "41", Parent: "D40"},
		{Code: "41-09", Parent: "41"},
		{Code: "41-09-17", Parent: "41-09"},
		{Code: "99", Parent: "99"},
		{Code: "D40"},
	}}
	dir.Sort()
	got := In(dir, "41-09-17")
	if len(got) != 4 || got[0] != "41-09-17" || got[3] != "D40" {
		t.Errorf("In = %v", got)
	}
	if n := len(In(dir, "99")); n != 8 {
		t.Errorf("a circle gives %d areas; want the bound 8", n)
	}
	if n := len(In(dir, "")); n != 0 {
		t.Errorf("no area gives %d areas", n)
	}
}
