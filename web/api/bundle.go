package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
)

// Bounds of bundles on their way between a command and a daemon.
const (
	BundlePiece = 4 << 20   // What a command asks for or sends at once.
	bundleBody  = 256 << 20 // What a page may upload; it is never held in memory.
	bundleOrder = 2 << 20   // What a reader may have.
)

// A BundleOrder is the body of POST /v1/bundle/export.
type BundleOrder struct {
	For string          `json:"for,omitempty" doc:"At a hub: the centre that the bundle is for"`
	Has []protocol.Head `json:"has,omitempty" maxItems:"4096" doc:"What the reader has already"`
	// Documents are those that the reader has, or has begun to have.
	Documents []BundlePaper `json:"documents,omitempty" maxItems:"4096" doc:"Of which documents the reader has how much already"`
	Bytes     int           `json:"bytes,omitempty" minimum:"0" doc:"Where to stop, about; 0: at the end"`
}

// A BundlePaper says how much of a document a bundle holds.
type BundlePaper struct {
	SHA256 protocol.Hash `json:"sha256"`
	Pieces int           `json:"pieces" minimum:"0" doc:"How many of its first pieces"`
}

// Papers is what the reader has of each document.
func (o BundleOrder) Papers() map[protocol.Hash]int {
	has := make(map[protocol.Hash]int, len(o.Documents))
	for _, d := range o.Documents {
		has[d.SHA256] = max(has[d.SHA256], d.Pieces)
	}
	return has
}

// BundleCalls are what a daemon does for a USB stick. Report is the zero value of
// what Import returns.
type BundleCalls struct {
	Export func(ctx context.Context, who Caller, o BundleOrder, w io.Writer) error // Writes no line of the format.
	Import func(ctx context.Context, who Caller, r io.Reader) (report any, err error)
	Report any
}

// ServeBundles adds the calls that take records out for a USB stick, and in again.
func ServeBundles(a *API, c BundleCalls) {
	a.Raw(Route{
		Method: http.MethodPost, Path: "/v1/bundle/export", ID: "exportBundle", Act: access.CarryMail, MaxBody: bundleOrder, Media: "application/octet-stream",
		Summary: "Messages for a bundle, from what the reader has; nothing but a hello when it has all",
	}, BundleOrder{}, nil, func(w http.ResponseWriter, r *http.Request, who Caller) {
		var o BundleOrder
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			a.Fail(w, "exportBundle", fault.Wrap("api.Bundle", fault.Invalid, "body", err))
			return
		}
		out := &lateHeader{w: w}
		if err := c.Export(r.Context(), who, o, out); err != nil {
			if out.begun {
				panic(http.ErrAbortHandler) // The client must not take half for the whole.
			}
			a.Fail(w, "exportBundle", err)
		}
	})
	a.Raw(Route{
		Method: http.MethodPost, Path: "/v1/bundle/import", ID: "importBundle", Act: access.CarryMail, MaxBody: bundleBody, Takes: "application/octet-stream",
		Summary: "Take in what a bundle brings; repeating it is harmless",
	}, nil, c.Report, func(w http.ResponseWriter, r *http.Request, who Caller) {
		report, err := c.Import(r.Context(), who, r.Body)
		if err != nil {
			a.Fail(w, "importBundle", err)
			return
		}
		WriteJSON(w, http.StatusOK, report)
	})
}

// lateHeader says that an answer is binary when its first byte is written.
type lateHeader struct {
	w     http.ResponseWriter
	begun bool
}

func (l *lateHeader) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/octet-stream")
	}
	return l.w.Write(b)
}
