package register

import (
	"crypto/ed25519"
	"slices"
	"strconv"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// AgencyTold is the body of add-agency: the catalogue's key gives an agency its
// namespace and its editors, or others than before.
type AgencyTold struct {
	Signed []byte `cbor:"1,keyasint"` // The CBOR of a catalogue.Signed of a dcat.Agency.
}

// An AgencyWord is the body of revoke-agency and refuse-version.
type AgencyWord struct {
	Code   string `cbor:"1,keyasint"`
	Reason string `cbor:"2,keyasint"`
}

// Submitted is the body of submit-version.
type Submitted struct {
	Code     string   `cbor:"1,keyasint"`
	Signed   []byte   `cbor:"2,keyasint"`           // The CBOR of a catalogue.Signed of a dcat.Submission.
	Versions [][]byte `cbor:"3,keyasint,omitempty"` // The encodings of what it names.
}

// An Agency is one that has a namespace in the catalogue.
type Agency struct {
	dcat.Agency
	Signed    []byte `cbor:"20,keyasint"`
	AddedBy   string `cbor:"21,keyasint"`
	AddedAt   int64  `cbor:"22,keyasint"` // Unix milliseconds; so are all that follow.
	RevokedBy string `cbor:"23,keyasint,omitempty"`
	RevokedAt int64  `cbor:"24,keyasint,omitempty"`
	Reason    string `cbor:"25,keyasint,omitempty"`
	Submitted uint32 `cbor:"26,keyasint,omitempty"` // How often it submitted something.
}

// SubmissionState says what became of what an agency submitted.
type SubmissionState uint8

// The states of a submission.
const (
	SubmissionWaits    SubmissionState = 1
	SubmissionAccepted SubmissionState = 2 // A release names it.
	SubmissionRefused  SubmissionState = 3
	SubmissionReplaced SubmissionState = 4 // The agency submitted another before it was looked at.
)

func (s SubmissionState) String() string {
	return [...]string{"", "waits", "accepted", "refused", "replaced"}[s]
}

// A Submission is what an editor wants in force. It stays on record, for who edited.
type Submission struct {
	dcat.Submission
	Number   uint32          `cbor:"20,keyasint"`
	Editor   string          `cbor:"21,keyasint"`
	Signed   []byte          `cbor:"22,keyasint"`
	Versions [][]byte        `cbor:"23,keyasint,omitempty"` // While it waits.
	Came     int64           `cbor:"24,keyasint"`           // Unix milliseconds.
	State    SubmissionState `cbor:"25,keyasint"`
	By       string          `cbor:"26,keyasint,omitempty"` // Who decided, …
	Ended    int64           `cbor:"27,keyasint,omitempty"` // … and when, Unix milliseconds.
	Reason   string          `cbor:"28,keyasint,omitempty"`
	Release  int             `cbor:"29,keyasint,omitempty"`
}

// agencies carries out what concerns the namespaces of agencies (R-SV7). No agency
// writes into the catalogue's log: what it submits waits here, in its own namespace,
// until a release under the catalogue's key names it.
type agencies struct{ press }

func agencyKey(code string) []byte { return sideKey(sideAgency, []byte(code)) }

func submissionKey(code string, number uint32) []byte {
	return sideKey(sideSubmission, []byte(code), []byte{0}, u32(number))
}

// of returns an agency that may submit now.
func (s agencies) of(code string) (*Agency, *protocol.Failure) {
	a := &Agency{}
	switch {
	case len(code) > protocol.MaxName || !s.get(agencyKey(code), a):
		return nil, refuse(fault.NotFound, clip(code, 64), "no such agency: kendro catalogue agency list names them")
	case a.RevokedAt != 0:
		return a, refuse(fault.Denied, code, "the agency's namespace was taken back")
	case s.meta.At/1000 >= a.Until:
		return a, refuse(fault.Denied, code, "the agency's time is over: the district has to give it again")
	}
	return a, nil
}

func (s agencies) add(c *Command) Result {
	b, f := body[AgencyTold](c)
	if f != nil {
		return Result{Fault: f}
	}
	var signed catalogue.Signed
	if protocol.Unmarshal(b.Signed, MaxEntry, "agency", &signed) != nil {
		return failed(fault.Invalid, "agency", "not a signed statement")
	}
	told, err := catalogue.OpenAgency(signed, ed25519.PublicKey(s.world.founding.CatalogueKey))
	if err != nil {
		return failed(fault.Denied, "agency", "not signed by the catalogue's key, or not as an agency has to be")
	}
	old := &Agency{}
	switch was := s.get(agencyKey(told.Code), old); {
	case was && old.Serial >= told.Serial:
		return failed(fault.Conflict, told.Code, "the agency has this statement or a later one: the next is "+strconv.FormatUint(old.Serial+1, 10))
	case s.meta.At/1000 >= told.Until:
		return failed(fault.Invalid, told.Code, "its last day is over")
	}
	s.put(agencyKey(told.Code), &Agency{Agency: *told, Signed: b.Signed, AddedBy: c.Actor, AddedAt: s.meta.At, Submitted: old.Submitted})
	return done(nil)
}

// revoke takes a namespace back: no editor submits there any more, and what waits is
// refused. What is in force stays, until a release leaves it out.
func (s agencies) revoke(c *Command) Result {
	b, f := body[AgencyWord](c)
	if f != nil {
		return Result{Fault: f}
	}
	a := &Agency{}
	if len(b.Code) > protocol.MaxName || !s.get(agencyKey(b.Code), a) {
		return failed(fault.NotFound, clip(b.Code, 64), "no such agency")
	}
	if b.Reason == "" || len(b.Reason) > 512 {
		return failed(fault.Invalid, "reason", "want a reason of 1 to 512 bytes")
	}
	if a.RevokedAt == 0 {
		a.RevokedAt, a.RevokedBy, a.Reason = s.meta.At, c.Actor, b.Reason
		s.put(agencyKey(a.Code), a)
		s.end(s.waiting(a), SubmissionRefused, c.Actor, b.Reason)
	}
	return done(nil)
}

// waiting is what an agency submitted last, nil where that is decided.
func (s agencies) waiting(a *Agency) *Submission {
	sub := &Submission{}
	if a.Submitted == 0 || !s.get(submissionKey(a.Code, a.Submitted), sub) || sub.State != SubmissionWaits {
		return nil
	}
	return sub
}

func (s agencies) end(sub *Submission, state SubmissionState, by, reason string) {
	if sub == nil {
		return
	}
	sub.State, sub.By, sub.Ended, sub.Reason, sub.Versions = state, by, s.meta.At, reason, nil
	s.put(submissionKey(sub.Agency, sub.Number), sub)
}

func (s agencies) refuse(c *Command) Result {
	b, f := body[AgencyWord](c)
	if f != nil {
		return Result{Fault: f}
	}
	if b.Reason == "" || len(b.Reason) > 512 {
		return failed(fault.Invalid, "reason", "want a reason of 1 to 512 bytes: the agency reads it")
	}
	a := &Agency{}
	if len(b.Code) > protocol.MaxName || !s.get(agencyKey(b.Code), a) {
		return failed(fault.NotFound, clip(b.Code, 64), "no such agency")
	}
	sub := s.waiting(a)
	if sub == nil {
		return failed(fault.Conflict, a.Code, "nothing of this agency waits")
	}
	s.end(sub, SubmissionRefused, c.Actor, b.Reason)
	return done(nil)
}

// submit keeps what an editor wants in force. It is a later word on what he, or another
// editor of the agency, submitted before and nobody has looked at.
func (s agencies) submit(c *Command) Result {
	b, f := body[Submitted](c)
	if f != nil {
		return Result{Fault: f}
	}
	a, f := s.of(b.Code)
	if f != nil {
		return Result{Fault: f}
	}
	var signed catalogue.Signed
	if protocol.Unmarshal(b.Signed, MaxEntry, "submission", &signed) != nil {
		return failed(fault.Invalid, "submission", "not a signed submission")
	}
	told, editor, err := catalogue.OpenSubmission(signed, &a.Agency)
	if err != nil {
		return failed(fault.Denied, a.Code, "not signed by an editor of this agency, or not within its namespace "+a.Code+".")
	}
	if f := s.fits(a, told, b.Versions); f != nil {
		return Result{Fault: f}
	}
	s.end(s.waiting(a), SubmissionReplaced, editor.Name, "")
	a.Submitted++
	s.put(agencyKey(a.Code), a)
	sub := &Submission{
		Submission: *told, Number: a.Submitted, Editor: editor.Name, Signed: b.Signed, Versions: b.Versions, Came: s.meta.At, State: SubmissionWaits,
	}
	s.put(submissionKey(a.Code, sub.Number), sub)
	return Result{Version: uint64(sub.Number)}
}

// fits checks that what comes with a submission is what it names, of the agency's kind
// and under numbers that are free.
func (s agencies) fits(a *Agency, told *dcat.Submission, versions [][]byte) *protocol.Failure {
	set := s.world.set
	if set == nil {
		return refuse(fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	size := 0
	for _, raw := range versions {
		size += len(raw)
	}
	if size > catalogue.MaxSubmission || len(versions) != len(told.Services) {
		return refuse(fault.Invalid, a.Code, "want the versions that are named, of 128 KiB together at most")
	}
	in, f := s.unpack(&Parcel{Versions: versions})
	if f != nil {
		return f
	}
	for _, e := range told.Services {
		v := in.versions[e.Hash]
		next := 1
		for _, old := range set.VersionsOf(e.ID) {
			next = max(next, old.Number+1)
		}
		switch {
		case v == nil || v.ID != e.ID || v.Number != e.Version:
			return refuse(fault.Invalid, clip(e.ID, 64), "the version that is named is not the one that came")
		case v.Kind != a.Kind:
			return refuse(fault.Denied, clip(e.ID, 64), "the agency's services are "+string(a.Kind))
		case v.Number != next:
			return refuse(fault.Conflict, clip(e.ID, 64), "its next version is "+strconv.Itoa(next)+": submit again")
		}
	}
	for _, id := range told.Withdraw {
		if _, ok := set.Current(id); !ok {
			return refuse(fault.NotFound, clip(id, 64), "not in force, so it can't be withdrawn")
		}
	}
	return nil
}

// unheard says which version of an agency's a release names that none of its editors has
// submitted. What a release named before may come back.
func (s agencies) unheard(r *dcat.Release) *protocol.Failure {
	for _, e := range r.Services {
		code, foreign := dcat.NamespaceOf(e.ID)
		if !foreign {
			continue
		}
		if _, known := s.world.version(e.Hash); known {
			continue
		}
		a, f := s.of(code)
		if f != nil {
			return f
		}
		sub := s.waiting(a)
		if sub == nil || !slices.Contains(sub.Services, e) {
			return refuse(fault.Denied, clip(e.ID, 64), "no editor of the agency has submitted this version: kendro catalogue agency submit")
		}
	}
	return nil
}

// accepted ends the submissions that a release puts in force, whole.
func (s agencies) accepted(r *dcat.Release, by string) {
	if s.format < 4 {
		return
	}
	var all []*Agency
	s.keep(s.tx.Scan(sideKey(sideAgency), nil, func(k, raw []byte) (bool, error) {
		a := &Agency{}
		err := decodeState(k, raw, a)
		all = append(all, a)
		return true, err
	}))
	in := func(id string) bool {
		return slices.ContainsFunc(r.Services, func(e dcat.Entry) bool { return e.ID == id })
	}
	for _, a := range all {
		sub := s.waiting(a)
		if sub == nil || slices.ContainsFunc(sub.Withdraw, in) || slices.ContainsFunc(sub.Services, func(e dcat.Entry) bool { return !slices.Contains(r.Services, e) }) {
			continue
		}
		sub.Release = r.Number
		s.end(sub, SubmissionAccepted, by, "")
	}
}

// Agencies answers questions about agencies. Any goroutine may ask.
type Agencies struct{ *state }

// Agency returns an agency by its code, or [fault.NotFound].
func (r Agencies) Agency(code string) (*Agency, error) {
	return find[Agency](r.state, "Agency", agencyKey(code), code)
}

// Agencies returns every agency, by code.
func (r Agencies) Agencies() ([]*Agency, error) {
	return list[Agency](r.state, sideKey(sideAgency))
}

// Submissions returns what an agency submitted, the oldest first.
func (r Agencies) Submissions(code string) ([]*Submission, error) {
	return list[Submission](r.state, sideKey(sideSubmission, []byte(code), []byte{0}))
}
