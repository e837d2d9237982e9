package api

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// Outcomes of a request that failed.
const (
	Rejected = "rejected" // Nothing has changed.
	Unknown  = "unknown"  // It may have been done: repeat it with the same ID.
)

// A Problem is an RFC 9457 problem: the body of every answer that is not a
// success.
type Problem struct {
	Type       string         `json:"type" doc:"/problems/ and the kind of failure"`
	Title      string         `json:"title"`
	Status     int            `json:"status"`
	Detail     string         `json:"detail,omitempty" doc:"What is wrong and what to do, for a person"`
	Outcome    string         `json:"outcome" enum:"rejected,unknown"`
	RetryAfter int            `json:"retry_after,omitempty" doc:"Seconds to wait before repeating with the same ID"`
	Errors     []FieldProblem `json:"errors,omitempty" doc:"What to correct in a form"`
	Difference *Difference    `json:"difference,omitempty" doc:"What has changed since the expected version"`
}

// A FieldProblem says what to correct in one field. Path is a JSON pointer into
// the body.
type FieldProblem struct {
	Path  string     `json:"path"`
	Field place.Name `json:"field"`
	Text  place.Name `json:"text"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders carries Retry-After.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="kendro"`)
	}
	return h
}

// ContentType marks the body as a problem.
func (p *Problem) ContentType(string) string { return problemJSON }

const problemJSON = "application/problem+json"

// kinds maps the kinds of failure to what the outside sees.
var kinds = map[fault.Kind]struct {
	name    string
	status  int
	outcome string
}{
	fault.Internal:    {"internal", http.StatusInternalServerError, Unknown},
	fault.Invalid:     {"invalid", http.StatusBadRequest, Rejected},
	fault.Denied:      {"denied", http.StatusForbidden, Rejected},
	fault.NotFound:    {"not-found", http.StatusNotFound, Rejected},
	fault.Conflict:    {"conflict", http.StatusConflict, Rejected},
	fault.Unavailable: {"unavailable", http.StatusServiceUnavailable, Unknown},
	fault.Limited:     {"limited", http.StatusTooManyRequests, Rejected},
	fault.Stopped:     {"stopped", http.StatusServiceUnavailable, Unknown},
	fault.Damaged:     {"damaged", http.StatusInternalServerError, Unknown},
}

// A Refusal adds to a failure what its kind can't say. Errors that leave a
// handler may be wrapped in one.
type Refusal struct {
	Err        error
	SignIn     bool           // 401 in place of 403.
	Rejected   bool           // An Unavailable of which it is certain that nothing was done.
	RetryAfter time.Duration  // When it is worth repeating.
	Errors     []FieldProblem // What to correct.
	Difference *Difference    // What has changed.
}

// Correct says what the applicant has to correct: one field error or more.
func Correct(op string, wrong []catalogue.FieldError) error {
	r := &Refusal{Err: fault.New(op, fault.Invalid, wrong[0].Path, wrong[0].Text.EN)}
	for _, w := range wrong {
		r.Errors = append(r.Errors, FieldProblem{Path: w.Path, Field: w.Field, Text: w.Text})
	}
	return r
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the failure.
func (r *Refusal) Unwrap() error { return r.Err }

// retrySoon is what a person waits before repeating what is unavailable.
const retrySoon = 2 * time.Second

// ProblemOf describes a failure for the outside. Causes of our own defects stay
// here; the caller logs them.
func ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	kind := fault.KindOf(err)
	k := kinds[kind]
	p := &Problem{Type: "/problems/" + k.name, Title: kind.Error(), Status: k.status, Outcome: k.outcome}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		p.Status, p.Outcome, p.Type = http.StatusRequestEntityTooLarge, Rejected, "/problems/invalid"
	}
	if kind != fault.Internal && kind != fault.Damaged {
		p.Detail = detail(err)
	}
	if kind == fault.Unavailable || kind == fault.Limited {
		p.RetryAfter = seconds(retrySoon)
	}
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		return p
	}
	if r.SignIn {
		p.Status = http.StatusUnauthorized
	}
	if r.Rejected {
		p.Outcome = Rejected
	}
	if r.RetryAfter > 0 {
		p.RetryAfter = seconds(r.RetryAfter)
	}
	p.Errors, p.Difference = r.Errors, r.Difference
	return p
}

// detail is the innermost text with the thing it is about: operations are for
// the log.
func detail(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err.Error()
	}
	for {
		inner, ok := errors.AsType[*fault.Error](e.Err)
		if !ok {
			break
		}
		e = inner
	}
	text := e.Kind.Error()
	if e.Err != nil {
		text = e.Err.Error()
	}
	if e.Item != "" {
		text = e.Item + ": " + text
	}
	return text
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// WriteProblem answers with a failure.
func WriteProblem(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	body, jsonErr := json.Marshal(p)
	if jsonErr != nil {
		panic("web/api: " + jsonErr.Error()) // Plain fields always encode.
	}
	h := w.Header()
	maps.Copy(h, p.GetHeaders())
	h.Set("Content-Type", problemJSON)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // The client may be gone.
}

// Fault turns a problem back into the failure it was made from.
func (p *Problem) Fault(op string) error {
	kind := fault.Internal
	for k, v := range kinds {
		if p.Type == "/problems/"+v.name {
			kind = k
		}
	}
	if p.Type == "" || p.Type == "about:blank" {
		kind = kindOfStatus(p.Status)
	}
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	e := fault.New(op, kind, "", text)
	if p.Errors == nil && p.Difference == nil && p.RetryAfter == 0 && p.Outcome != Rejected {
		return e
	}
	return &Refusal{
		Err: e, SignIn: p.Status == http.StatusUnauthorized, Rejected: p.Outcome == Rejected,
		RetryAfter: time.Duration(p.RetryAfter) * time.Second, Errors: p.Errors, Difference: p.Difference,
	}
}

func kindOfStatus(status int) fault.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Denied
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusTooManyRequests:
		return fault.Limited
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fault.Unavailable
	}
	if status >= 400 && status < 500 {
		return fault.Invalid
	}
	return fault.Internal
}
