// Package access says who may do what: one table of acts and roles, denied by
// default.
//
// Enter at [May]. The register asks it for every command and the HTTP layers for
// every route, so that the answer is the same everywhere. The rule of each cell
// is a [Scope]: everywhere, or only within one's own centre, seat, office or area.
//
// The package refuses to know how somebody signed in and to look anything up:
// the caller says who asks and what the thing belongs to.
package access

import (
	"slices"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// Role is what a person is to Kendro.
type Role string

// The roles.
const (
	Entrepreneur Role = "entrepreneur" // Runs a centre.
	Clerk        Role = "clerk"        // Enters what reaches an office by post.
	Officer      Role = "officer"      // Holds a post and decides.
	Supervisor   Role = "supervisor"   // Watches an area; reads.
	Operator     Role = "operator"     // Runs the machines; never sees a case.
	Auditor      Role = "auditor"      // Reads everything, and is seen doing so.
)

// Roles returns the closed list of roles, in a fixed order.
func Roles() []Role { return []Role{Entrepreneur, Clerk, Officer, Supervisor, Operator, Auditor} }

// Valid reports whether r is one of the six.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Act is something that a person may ask for.
type Act string

// The acts, by the calls that need them.
const (
	File          Act = "file"           // Submit an application at a centre, upload its documents.
	Enter         Act = "enter"          // Enter at an office what reached it itself.
	Scan          Act = "scan"           // Upload a document at an office.
	ReadCase      Act = "read-case"      // See a whole record, its receipt and its history.
	WorkCase      Act = "work-case"      // Take, note, decide, forward, approve, reject.
	PrintCopy     Act = "print-copy"     // Print a numbered copy of what was issued.
	ListTasks     Act = "list-tasks"     // See which cases wait at an office.
	ReadStats     Act = "read-stats"     // See counters of an area.
	ReadReport    Act = "read-report"    // See what an area's desks and officers have come to.
	ReadSync      Act = "read-sync"      // See how far a node is in sync.
	ReadStatus    Act = "read-status"    // See servers, members and their health.
	ReadMetrics   Act = "read-metrics"   // Scrape.
	ReadUsers     Act = "read-users"     // See who has a login.
	ManageUsers   Act = "manage-users"   // Add and disable logins.
	Train         Act = "train"          // Note what an entrepreneur was trained in.
	ReadTraining  Act = "read-training"  // See who is trained in what.
	ManageTokens  Act = "manage-tokens"  // Create, list and revoke join tokens.
	ManageNodes   Act = "manage-nodes"   // Revoke a centre's box.
	ManageMembers Act = "manage-members" // Add and remove servers of the hub.
	Publish       Act = "publish"        // Publish a release of the catalogue.
	Propose       Act = "propose"        // Ask for a change of the catalogue.
	ReadProposals Act = "read-proposals" // See what is proposed, and what became of it.
	ReadAwaited   Act = "read-awaited"   // See what waits for other registers, and why.
	AnswerPhone   Act = "answer-phone"   // Tell a caller where an application is.
	ReadCalls     Act = "read-calls"     // See who told callers what.
	ReadLooks     Act = "read-looks"     // See who looked at a case.
	CarryMail     Act = "carry-mail"     // Take sealed records to and from a USB stick.
	EraseCase     Act = "erase-case"     // Order that a case be erased, confirm or withdraw the order.
	ReadErasures  Act = "read-erasures"  // See which cases are or will be erased, and how far that has come.
)

// Acts returns the closed list of acts, in a fixed order.
func Acts() []Act {
	return []Act{
		File, Enter, Scan, ReadCase, WorkCase, PrintCopy, ListTasks, ReadStats, ReadReport, ReadSync, ReadStatus, ReadMetrics,
		ReadUsers, ManageUsers, Train, ReadTraining, ManageTokens, ManageNodes, ManageMembers, Publish, Propose, ReadProposals, ReadAwaited, ReadLooks, CarryMail,
		EraseCase, ReadErasures, AnswerPhone, ReadCalls,
	}
}

// A Scope is where a role may do an act.
type Scope uint8

// The scopes.
const (
	Never     Scope = iota
	Always          // Anywhere, for whoever has the place that the role works at.
	OwnCentre       // Things of the person's own centre.
	OwnSeat         // Things that lie at the person's own post and office.
	OwnOffice       // Things that lie, or lay, at the person's own office.
	OwnArea         // Things of the person's own area and below.
)

// table is the whole policy. What isn't here is denied.
var table = map[Act]map[Role]Scope{
	File:          {Entrepreneur: OwnCentre},
	Enter:         {Clerk: OwnOffice},
	Scan:          {Clerk: OwnOffice, Officer: OwnSeat},
	ReadCase:      {Entrepreneur: OwnCentre, Clerk: OwnOffice, Officer: OwnOffice, Supervisor: OwnArea, Auditor: Always},
	WorkCase:      {Officer: OwnSeat},
	PrintCopy:     {Entrepreneur: OwnCentre, Clerk: OwnOffice, Officer: OwnOffice},
	ListTasks:     {Clerk: OwnOffice, Officer: OwnOffice, Supervisor: OwnArea, Auditor: Always},
	ReadStats:     {Officer: OwnArea, Supervisor: OwnArea, Operator: Always, Auditor: Always},
	ReadReport:    {Officer: OwnArea, Supervisor: OwnArea, Auditor: Always},
	ReadSync:      {Entrepreneur: OwnCentre, Operator: Always},
	ReadStatus:    {Operator: Always, Auditor: Always},
	ReadMetrics:   {Operator: Always},
	ReadUsers:     {Operator: Always, Auditor: Always},
	ManageUsers:   {Operator: Always},
	Train:         {Officer: OwnArea, Supervisor: OwnArea},
	ReadTraining:  {Officer: OwnArea, Supervisor: OwnArea, Operator: Always, Auditor: Always},
	ManageTokens:  {Operator: Always},
	ManageNodes:   {Operator: Always},
	ManageMembers: {Operator: Always},
	Publish:       {Operator: Always},
	Propose:       {Officer: OwnOffice, Supervisor: OwnOffice},
	ReadProposals: {Officer: OwnOffice, Supervisor: OwnOffice, Operator: Always, Auditor: Always},
	ReadAwaited:   {Officer: OwnArea, Supervisor: OwnArea, Operator: Always, Auditor: Always},
	ReadLooks:     {Auditor: Always},
	CarryMail:     {Entrepreneur: OwnCentre, Operator: Always},
	EraseCase:     {Officer: OwnArea},
	ReadErasures:  {Officer: OwnArea, Supervisor: OwnArea, Operator: Always, Auditor: Always},
	AnswerPhone:   {Entrepreneur: Always, Clerk: Always, Officer: Always, Supervisor: Always, Operator: Always, Auditor: Always},
	ReadCalls:     {Supervisor: OwnArea, Auditor: Always},
}

// ScopeOf returns where a role may do an act: [Never] for what the table lacks.
func ScopeOf(role Role, act Act) Scope { return table[act][role] }

// A Principal is who asks.
type Principal struct {
	User   string
	Role   Role
	Seat   place.Seat   // Of an officer, a clerk or a supervisor.
	Area   place.Code   // That the seat's office serves.
	Centre place.Centre // Of an entrepreneur.
}

// A Resource is what the thing asked for belongs to. Empty parts belong to
// nobody, so no scope but [Always] reaches them.
type Resource struct {
	Centre  place.Centre // That took the application in.
	Seat    place.Seat   // Where a task lies now. For a list of tasks the post may be empty.
	Offices []string     // Where it lay before.
	Areas   []place.Code // Its area and everything above.

	// Closed is what only the officers of the seats on its path may read, whatever the
	// table says: a grievance.
	Closed bool
	Path   []place.Seat
}

// In returns the area and every area above it, as a [Resource] wants them.
func In(dir *place.Directory, area place.Code) []place.Code {
	const deepest = 8 // Against a circle.
	var list []place.Code
	for area != "" && len(list) < deepest {
		list = append(list, area)
		a, ok := dir.Area(area)
		if !ok {
			break
		}
		area = a.Parent
	}
	return list
}

// placed reports whether a person has the place that the role works at, where it works at one.
func (p Principal) placed() bool {
	switch p.Role {
	case Entrepreneur:
		return p.Centre != ""
	case Clerk, Officer, Supervisor:
		return p.Seat != (place.Seat{})
	case Operator, Auditor:
	}
	return true
}

// May returns nil if the principal may do the act on the resource, else
// [fault.Denied].
func May(p Principal, act Act, on Resource) error {
	ok := false
	switch ScopeOf(p.Role, act) {
	case Always:
		ok = p.placed()
	case OwnCentre:
		ok = p.Centre != "" && p.Centre == on.Centre
	case OwnSeat:
		ok = p.Seat != (place.Seat{}) && p.Seat == on.Seat
	case OwnOffice:
		ok = p.Seat.Office != "" && (p.Seat.Office == on.Seat.Office || slices.Contains(on.Offices, p.Seat.Office))
	case OwnArea:
		ok = p.Area != "" && slices.Contains(on.Areas, p.Area)
	case Never:
	}
	if act == ReadCase && on.Closed {
		ok = p.Role == Officer && p.Seat != (place.Seat{}) && slices.Contains(on.Path, p.Seat)
	}
	if !ok || p.User == "" {
		return fault.New("access.May", fault.Denied, string(act), "not yours to do: sign in as somebody who may")
	}
	return nil
}
