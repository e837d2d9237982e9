package desk

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"sync"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store/cabinet"
	"kendro/web/api"
)

// Documents are the scanned papers behind the HTTP. All may be called
// concurrently.
type Documents interface {
	// Upload takes a piece of what an officer or a clerk scans; a document that is complete is
	// held by a quorum of the servers when it returns.
	Upload(ctx context.Context, piece cabinet.Piece) (cabinet.Upload, error)
	// Document returns a document that the district holds.
	Document(ctx context.Context, hash protocol.Hash) (protocol.Document, []byte, error)
}

// paperDesk answers about scanned papers.
type paperDesk struct {
	*Server
	scans *scans
}

// scans remembers who brought which document here lately: to him it is shown before a case
// names it. It may be used concurrently.
type scans struct {
	mu sync.Mutex // Guards of.
	of map[protocol.Hash]string
}

// maxBrought bounds what is remembered: a day's scans of an office.
const maxBrought = 4096

func (s *scans) brought(h protocol.Hash, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.of) >= maxBrought {
		clear(s.of) // Whoever is at it uploads again, or files without a look.
	}
	s.of[h] = user
}

func (s *scans) by(h protocol.Hash) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[h]
}

func (s paperDesk) routes() {
	if s.documents == nil {
		return
	}
	api.ServeUploads(s.api, access.Scan, "", s.upload)
	s.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/documents/{sha256}", ID: "document", Act: access.Scan, Media: "application/octet-stream",
		Summary: "A document that the caller has brought to this server lately, before a case names it",
	}, nil, nil, func(w http.ResponseWriter, r *http.Request, who api.Caller) {
		d, content, err := s.own(r, who)
		if err != nil {
			s.api.Fail(w, "document", err)
			return
		}
		api.ServeDocument(w, &d, content)
	})
	s.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/cases/{number}/documents/{sha256}", ID: "case-document", Act: access.ReadCase, Media: "application/octet-stream",
		Summary: "A document of a case, for those entitled to the case; the look is recorded",
	}, nil, nil, func(w http.ResponseWriter, r *http.Request, who api.Caller) {
		d, content, err := s.caseDocument(r, who)
		if err != nil {
			s.api.Fail(w, "case-document", err)
			return
		}
		api.ServeDocument(w, &d, content)
	})
}

func (s paperDesk) own(r *http.Request, who api.Caller) (protocol.Document, []byte, error) {
	var h protocol.Hash
	if err := h.UnmarshalText([]byte(r.PathValue("sha256"))); err != nil {
		return protocol.Document{}, nil, err
	}
	if s.scans.by(h) != who.User {
		return protocol.Document{}, nil, notHere(h.String())
	}
	return s.documents.Document(r.Context(), h)
}

func (s paperDesk) upload(ctx context.Context, who api.Caller, p api.UploadPart) (*api.Uploaded, error) {
	up, err := s.documents.Upload(ctx, cabinet.Piece{Hash: p.Hash, Total: p.Total, At: p.At, Bytes: p.Bytes})
	if err != nil {
		return nil, err
	}
	out := &api.Uploaded{Original: p.Hash, Received: up.Received, New: up.New}
	if d := up.Document; d != nil {
		out.Complete, out.SHA256, out.Size, out.Type = true, &d.Hash, d.Size, api.MediaOf(d)
		if up.New || protocol.Hash(sha256.Sum256(p.Bytes)) == p.Hash { // Else he may know its name and not have it.
			s.scans.brought(d.Hash, who.User)
		}
	}
	return out, nil
}

// caseDocument returns a document that a case names, to whoever may read the
// case. The look is recorded as that at the case itself.
func (s paperDesk) caseDocument(r *http.Request, who api.Caller) (protocol.Document, []byte, error) {
	var none protocol.Document
	var h protocol.Hash
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		return none, nil, err
	}
	if err := h.UnmarshalText([]byte(r.PathValue("sha256"))); err != nil {
		return none, nil, err
	}
	cmd := register.NewCommand(api.NewKey(), who.User, register.Look, nil)
	cmd.Number = n
	_, err = s.do(r.Context(), cmd)
	unrecorded := errors.Is(err, fault.Unavailable)
	if err != nil && !unrecorded {
		return none, nil, err
	}
	reg := s.hub.Register()
	c, err := reg.Case(n)
	if err != nil {
		return none, nil, err
	}
	if err := access.May(who.Principal, access.ReadCase, reg.Resource(c)); err != nil {
		return none, nil, err
	}
	if unrecorded {
		s.gauges.unrecorded.Inc()
		s.log.Warn("document read without a leader to record it", "case", n.String(), "user", who.User)
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return none, nil, err
	}
	if !slices.ContainsFunc(sub.Documents, func(d protocol.Document) bool { return d.Hash == h }) {
		return none, nil, notHere(h.String())
	}
	return s.documents.Document(r.Context(), h)
}
