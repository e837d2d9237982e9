package api

import (
	dcat "kendro/domain/catalogue"
)

// The paths of what concerns a district's overlay on a national base.
const (
	OriginPath  = ReleasePath + "/origin"
	BlockedPath = "/v1/catalogue/blocked"
)

// An Origin is the answer to GET /v1/releases/current/origin: what the release in force
// was composed of. District is empty where it is a pack without an overlay.
type Origin struct {
	District string          `json:"district"`
	Base     Source          `json:"base"`
	Overlay  Source          `json:"overlay"`
	Fields   []dcat.Override `json:"fields" doc:"What the district has otherwise than the base"`
	Files    []File          `json:"files" doc:"The overlay as it was written"`
	Parts    []Part          `json:"parts,omitempty" doc:"Folders of services put on the base since"`
	Record   Bytes           `json:"record,omitempty" doc:"All of it as the release names it by hash (CBOR)"`
}

// A Source is a folder that a release was made of.
type Source struct {
	Edition int    `json:"edition" doc:"Of the national base; of an overlay, the one that it was written against"`
	Hash    string `json:"hash" doc:"SHA-256 over the files"`
	Signer  string `json:"signer" doc:"Hex of the Ed25519 key that answers for it"`
	Sealed  bool   `json:"sealed" doc:"The key sealed the folder; else it signed the release"`
}

// A Part is a folder of services alone that took the place of the base's.
type Part struct {
	Source   Source   `json:"source"`
	Services []string `json:"services"`
}

// A File is one file of an overlay.
type File struct {
	Name string `json:"name" maxLength:"256"`
	Text Bytes  `json:"text"`
}

// A BlockedBase is a national base that the overlay in force keeps out: the body of
// POST /v1/catalogue/blocked, and part of the answer to GET /v1/releases.
type BlockedBase struct {
	Edition  int      `json:"edition" minimum:"1"`
	Hash     string   `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Findings []string `json:"findings" minItems:"1" maxItems:"100" doc:"Where the overlay says what it may not over this base"`
	At       *Time    `json:"at,omitempty"`
	By       string   `json:"by,omitempty"`
}

// Summary is one line for whoever runs the catalogue.
func (b *BlockedBase) Summary() string {
	more := ""
	if n := len(b.Findings) - 1; n > 0 {
		more = " (and more)"
	}
	return b.Findings[0] + more
}
