package api

import (
	"kendro/domain/measure"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Task is one case that waits at a desk.
type Task struct {
	Number  protocol.Number `json:"number"`
	Service ServiceRef      `json:"service"`
	Stage   string          `json:"stage"`
	Version uint64          `json:"version"`
	Seat    string          `json:"seat"`
	Holder  string          `json:"holder,omitempty"`
	Since   Time            `json:"since"`
	Due     *Date           `json:"due"`
	Overdue bool            `json:"overdue"`
	Centre  string          `json:"centre"`

	AskedUntil *Date `json:"asked_until,omitempty" doc:"The last day for what the applicant is asked for; absent: nothing is, or it is waited for"`
}

// TaskList is the answer to GET /v1/tasks, ordered by due date, the earliest
// first. Next is the cursor of the following page, absent on the last.
type TaskList struct {
	Tasks []Task `json:"tasks"`
	Next  string `json:"next,omitempty"`
	AsOf  Time   `json:"as_of"`
}

// ActionRequest is the body of POST /v1/cases/{number}/{action}. Each action
// reads its own members: note text and cites; decide opinion, text and cites; forward to; return
// reason; request-info items and reason; check check and sha256; reject reason_code
// and text; pay poisha, paid_on and reference; prepare date; post reference;
// duplicate primary and reason; appeal reason; the others text, if there is one.
type ActionRequest struct {
	Text       string `json:"text,omitempty" maxLength:"4000"`
	Opinion    string `json:"opinion,omitempty" enum:"approve,reject,other"`
	ReasonCode string `json:"reason_code,omitempty" maxLength:"64"`
	To         string `json:"to,omitempty" maxLength:"128" doc:"Post of a later step to forward to; absent: the next step's"`

	Reason    string   `json:"reason,omitempty" maxLength:"4000" doc:"Why it is returned, or asked for; the citizen reads the latter"`
	Items     []string `json:"items,omitempty" maxItems:"32" doc:"What is asked for: form.NAME for an answer, the ID of a document"`
	Check     string   `json:"check,omitempty" maxLength:"64" doc:"ID of a check that the service declares"`
	SHA256    string   `json:"sha256,omitempty" maxLength:"64" doc:"Of an upload that shows the check"`
	Poisha    int64    `json:"poisha,omitempty" minimum:"0" doc:"What was paid for the open demand"`
	PaidOn    string   `json:"paid_on,omitempty" doc:"Day of the payment, 2026-11-22; absent: now"`
	Books     string   `json:"books,omitempty" maxLength:"64" doc:"ID of the item that a late payment became: its sum counts, as of its day or of paid_on, and the item ends"`
	Reference string   `json:"reference,omitempty" maxLength:"64" doc:"Of a challan, or the article number of the post"`
	Code      string   `json:"code,omitempty" maxLength:"32" doc:"Handed over: the collection code on the receipt, as proof of who it is"`
	Date      string   `json:"date,omitempty" doc:"Delivery date, 2026-11-22"`
	Primary   string   `json:"primary,omitempty" maxLength:"128" doc:"Receive number of the case that this one is once more"`
	Cites     []string `json:"cites,omitempty" maxItems:"32" doc:"Answers that a note or a decision rests on, form.NAME or applicant.NAME: a correction of one waits for the officer"`
}

// ItemList is the answer to GET /v1/items: what is overdue first, then by its day.
type ItemList struct {
	Items []Item `json:"items"`
	More  int    `json:"more,omitempty" doc:"Further ones that are not listed"`
	Next  string `json:"next,omitempty"`
}

// SettleRequest is the body of POST /v1/items/{id}.
type SettleRequest struct {
	Outcome string `json:"outcome" enum:"refund,credit,applied,dismissed,again,accepted,honoured,refused,confirmed,routed,put-right,revived"`
	Text    string `json:"text" minLength:"1" maxLength:"4000" doc:"What the citizen is told"`
	To      string `json:"to,omitempty" maxLength:"128" doc:"Routed: the desk to which the case goes, post@office"`
	Number  string `json:"number,omitempty" maxLength:"64" doc:"Applied, where the case that was named is not here: the one that was meant"`
	Poisha  int64  `json:"poisha,omitempty" minimum:"0" doc:"Refund: how much is to be paid back; 0: what the item is about"`
	Voucher string `json:"voucher,omitempty" maxLength:"64" doc:"Refund of a refund-owed item: the number of the voucher by which it was paid"`
	PaidOn  string `json:"paid_on,omitempty" maxLength:"10" doc:"With voucher: the day, 2026-11-22; absent: today"`
}

// ActionAnswer is the case as the action left it; a repeat says the same again.
type ActionAnswer struct {
	Number  protocol.Number `json:"number"`
	Version uint64          `json:"version"`
	Stage   string          `json:"stage,omitempty" doc:"Absent where this server has not yet seen it"`
	Seat    string          `json:"seat,omitempty"`
	Holder  string          `json:"holder,omitempty"`
}

// A Difference tells who lost a race what has changed (rejected with 409).
type Difference struct {
	Expected uint64         `json:"expected"`
	Current  uint64         `json:"current"`
	Stage    string         `json:"stage"`
	Seat     string         `json:"seat,omitempty"`
	Holder   string         `json:"holder,omitempty"`
	History  []HistoryEntry `json:"history" doc:"What was done since the expected version, at most the last ten"`
}

// Stats is the answer to GET /v1/stats. Counters add up over areas and days.
type Stats struct {
	Area         string           `json:"area"`
	From         string           `json:"from"`
	To           string           `json:"to"`
	Counters     map[string]int64 `json:"counters"`
	Completeness Completeness     `json:"completeness"`
	AsOf         Time             `json:"as_of"`
}

// OfficeReport is the answer to GET /v1/report.
type OfficeReport struct {
	Area string `json:"area"`
	From string `json:"from"`
	To   string `json:"to"`
	measure.Report
	NoWoman      []string     `json:"centres_without_a_woman" doc:"Centres with a box where no woman has a valid login"`
	IdleWoman    []string     `json:"centres_without_a_working_woman" doc:"Centres with a box where a woman has a valid login, and none took an application in within 30 days"`
	Completeness Completeness `json:"completeness"`
	AsOf         Time         `json:"as_of"`
}

// ReportLooks is the answer to GET /v1/report/looks.
type ReportLooks struct {
	Looks []ReportLook `json:"looks"`
}

// A ReportLook is one look at a report.
type ReportLook struct {
	User string `json:"user"`
	At   Time   `json:"at"`
	Area string `json:"area"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Completeness says how much of the truth the counters hold.
type Completeness struct {
	Centres    int    `json:"centres"`
	Reporting  int    `json:"reporting"`
	OldestData *Time  `json:"oldest_data"`
	BN         string `json:"bn"`
	EN         string `json:"en"`
}

// Name is what it says, in both languages.
func (c Completeness) Name() place.Name { return place.Name{BN: c.BN, EN: c.EN} }

// SessionRequest is the body of POST /v1/sessions.
type SessionRequest struct {
	User     string `json:"user" minLength:"1" maxLength:"128"`
	Password string `json:"password" minLength:"1" maxLength:"256"`
	Device   string `json:"device,omitempty" maxLength:"256" doc:"What an answer said before in the same browser: wrong tries elsewhere then don't slow this one down"`
}

// SessionAnswer carries a bearer token, good for 12 hours.
type SessionAnswer struct {
	Token   string     `json:"token"`
	Expires Time       `json:"expires"`
	Device  string     `json:"device,omitempty" doc:"Marks the browser for the next time; worth nothing without the password"`
	Wrong   *WrongNote `json:"wrong,omitempty" doc:"Wrong passwords since this login was used last, here; absent: none"`
}

// A WrongNote tells of tries to sign in with a wrong password.
type WrongNote struct {
	Tries int  `json:"tries"`
	Last  Time `json:"last"`
}

// WrongOf is the note of what was tried, nil for nothing.
func WrongOf(w Wrong) *WrongNote {
	if w.Tries == 0 {
		return nil
	}
	return &WrongNote{w.Tries, TimeOf(w.Last)}
}

// UserRequest is the body of POST /v1/users: an officer with a seat, an
// entrepreneur with a centre, or another role with an area.
type UserRequest struct {
	Name     string `json:"name" minLength:"1" maxLength:"128"`
	Role     string `json:"role,omitempty" enum:"entrepreneur,clerk,officer,supervisor,operator,auditor" doc:"Absent: officer with a post, entrepreneur with a centre"`
	Post     string `json:"post,omitempty" maxLength:"128" doc:"Seat, post@office"`
	Centre   string `json:"centre,omitempty" maxLength:"64"`
	Area     string `json:"area,omitempty" maxLength:"64" doc:"Area of a supervisor or auditor"`
	Gender   string `json:"gender,omitempty" enum:"f,m"`
	From     string `json:"from,omitempty" doc:"First day, 2026-11-22; absent: today"`
	Until    string `json:"until,omitempty" doc:"Last day; absent: open"`
	Password string `json:"password" minLength:"8" maxLength:"256"`
	SameAs   string `json:"same_as,omitempty" maxLength:"128" doc:"Another login of the same person, where this one is an acting charge"`
}

// A User is one login, without its secret.
type User struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Post     string `json:"post,omitempty"`
	Centre   string `json:"centre,omitempty"`
	Area     string `json:"area,omitempty"`
	Gender   string `json:"gender,omitempty"`
	From     *Date  `json:"from"`
	Until    *Date  `json:"until"`
	Disabled bool   `json:"disabled"`
}

// UserList is the answer to GET /v1/users.
type UserList struct {
	Users []User `json:"users"`
	Next  string `json:"next,omitempty"`
}

// TokenRequest is the body of POST /v1/tokens. Exactly one of Centre and Server.
type TokenRequest struct {
	Centre string `json:"centre,omitempty" maxLength:"64"`
	Server bool   `json:"server,omitempty"`
	TTL    string `json:"ttl,omitempty" doc:"Go duration, at most 24h" example:"24h"`
}

// TokenAnswer carries a join token: a secret, shown once.
type TokenAnswer struct {
	Token   string `json:"token"`
	ID      string `json:"id"`
	Expires Time   `json:"expires"`
}

// A TokenInfo is one open or used join token, without its secret.
type TokenInfo struct {
	ID      string `json:"id"`
	Centre  string `json:"centre,omitempty"`
	Server  bool   `json:"server,omitempty"`
	Expires Time   `json:"expires"`
	State   string `json:"state" enum:"open,used,revoked,expired"`
}

// TokenList is the answer to GET /v1/tokens.
type TokenList struct {
	Tokens []TokenInfo `json:"tokens"`
	Next   string      `json:"next,omitempty"`
}

// Done is the answer to a command that has nothing else to say.
type Done struct {
	Done bool `json:"done"`
}

// RevocationRequest is the body of POST /v1/nodes/{centre}/revoke.
type RevocationRequest struct {
	Reason string `json:"reason,omitempty" maxLength:"1000"`
}

// A KeyStep is the answer to POST /v1/upazilas/{upazila}/gossip-key: the next key is
// announced, or the announced one is used.
type KeyStep struct {
	Step string `json:"step" enum:"announced,used"`
}

// Words is a name in both languages.
type Words = place.Name
