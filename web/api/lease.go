package api

import (
	"time"

	"kendro/protocol"
)

// LeaseRequest is the body of POST /v1/leases: a centre whose box may decide a service by
// itself.
type LeaseRequest struct {
	Centre  string `json:"centre" minLength:"1" maxLength:"64"`
	Service string `json:"service" minLength:"1" maxLength:"128"`
}

// A Lease is what the box of a union may decide by itself.
type Lease struct {
	Service string `json:"service"`
	Centre  string `json:"centre"`
	Office  string `json:"office"`
	Allowed bool   `json:"allowed" doc:"False: the district has taken it back; what was given ends with its time"`
	Token   uint64 `json:"token" doc:"Grows with every holder; 0: the box has not asked yet"`
	Slot    string `json:"slot,omitempty" doc:"The box that holds it"`
	From    *Time  `json:"from"`
	Until   *Time  `json:"until" doc:"Later decisions wait to be confirmed"`
	Numbers uint64 `json:"numbers" doc:"Of certificates, that came with it"`

	Left *uint64 `json:"numbers_left,omitempty" doc:"At a box: how many of them are not used"`
	Low  bool    `json:"low,omitempty" doc:"At a box: less than a quarter of its time or of its numbers is left, so it has not heard from the hub for long"`
}

// LeaseList is the answer to GET /v1/leases.
type LeaseList struct {
	Leases []Lease `json:"leases"`
}

// LeaseOf puts a lease into JSON's words.
func LeaseOf(l *protocol.Lease, centre string) Lease {
	out := Lease{Service: l.Service, Centre: centre, Office: l.Office, Allowed: !l.Ended, Token: l.Token, Slot: l.Slot}
	if l.Token != 0 {
		from, until := TimeOf(time.Unix(l.From, 0)), TimeOf(time.Unix(l.Until, 0))
		out.From, out.Until = &from, &until
	}
	_, out.Numbers = l.After(0)
	return out
}

// A UnionNote says of a case at its union's box what its officers can do about it there.
type UnionNote struct {
	Bar   string `json:"bar,omitempty" enum:"ended,not-yet,elsewhere" doc:"Why nothing can be done here: the district has taken the lease back, the lease is not this box's yet, or the case is at the hub's desks or waits there to be confirmed"`
	Until *Time  `json:"until,omitempty" doc:"The end of the lease"`
	Late  bool   `json:"late,omitempty" doc:"It has ended: what is decided now waits for the office above to confirm it"`

	Asides []Aside `json:"asides,omitempty" doc:"What was done on the case here and the district did not take"`
}

// BarNumbers is the bar of an issue for which no number of the lease is left.
const BarNumbers = "numbers"

// CertificateProvisional is the state of a certificate of which the hub has said nothing yet.
const CertificateProvisional = "provisional"

// A CertificateNote is what was issued on a case under a number.
type CertificateNote struct {
	Number  string `json:"number"`
	Issued  *Date  `json:"issued"`
	Expires *Date  `json:"expires"`
	State   string `json:"state" enum:"provisional,waits,confirmed,refused,renewed,revoked"`
	Renews  string `json:"renews,omitempty" doc:"The number of the one before, whose place it took"`
	By      string `json:"renewed_by,omitempty" doc:"The number of the one that has its place"`
	Ended   *Time  `json:"ended,omitempty" doc:"Renewed or revoked: since when"`
	Reason  string `json:"reason,omitempty" doc:"Revoked: the code of the reason"`

	Copies []CopyNote `json:"copies,omitempty" doc:"Each print of its sheet"`
	Code   string     `json:"code,omitempty" doc:"What the code on its sheet says: a signed statement, see protocol/kendro.cddl"`
}
