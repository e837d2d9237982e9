package api

import "encoding/json"

// Where a renewal's answers come from.
const (
	FromBox  = "box"  // The application before, taken at this box.
	FromHub  = "hub"  // The application before, taken at another.
	FromCode = "code" // The code on the certificate before: its number and its end.
)

// A RenewalAnswer is the answer to GET /v1/certificates/{number}/renewal: what the
// application for a renewal begins with.
type RenewalAnswer struct {
	Number    string          `json:"number" doc:"Of the certificate that is renewed"`
	Service   string          `json:"service"`
	Expires   *Date           `json:"expires" doc:"Its last day, where it is known for sure"`
	From      *Date           `json:"renew_from" doc:"From this day on a renewal's time counts from that end …"`
	Until     *Date           `json:"renew_until" doc:"… and up to this day; before and after, from its own issue"`
	Form      json.RawMessage `json:"form"`
	Applicant json.RawMessage `json:"applicant,omitempty"`
	Code      string          `json:"renewal_code,omitempty" doc:"Goes into the application: the hub's word on the certificate"`
	Source    string          `json:"source" enum:"box,hub,code"`
}

// A HeldCertificate is one that was issued at this box, as a search finds it.
type HeldCertificate struct {
	Number  string     `json:"number"`
	Service ServiceRef `json:"service"`
	Holder  string     `json:"holder"`
	Expires *Date      `json:"expires"`
	State   string     `json:"state"`
}

// HeldList is the answer to GET /v1/certificates of a node.
type HeldList struct {
	Certificates []HeldCertificate `json:"certificates"`
}
