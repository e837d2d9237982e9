package counter

import (
	"context"
	"net/http"
	"slices"

	"kendro/domain/access"
	"kendro/protocol"
	"kendro/store/cabinet"
	"kendro/web/api"
)

// documents adds the calls about scanned papers.
func (c *counter) documents() {
	api.ServeUploads(c.api, access.File, access.Scan, c.upload)
	c.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/documents/{sha256}", ID: "document", Act: access.ReadCase, Media: "application/octet-stream",
		Summary: "A document that this box holds, by the hash of what is kept",
	}, nil, nil, func(w http.ResponseWriter, r *http.Request, who api.Caller) {
		d, content, err := c.document(r, who)
		if err != nil {
			c.api.Fail(w, "document", err)
			return
		}
		api.ServeDocument(w, &d, content)
	})
}

func (c *counter) upload(ctx context.Context, who api.Caller, p api.UploadPart) (*api.Uploaded, error) {
	if err := access.May(who.Principal, access.File, c.own()); err != nil {
		if (union{c}).scans(who) != nil {
			return nil, err
		}
	}
	up, err := c.Box.Upload(ctx, cabinet.Piece{Hash: p.Hash, Total: p.Total, At: p.At, Bytes: p.Bytes})
	if err != nil {
		return nil, explain(err)
	}
	return uploadedOf(p.Hash, up), nil
}

// scans says whether somebody is an officer of the union that decides here: he scans what
// shows a check.
func (c union) scans(who api.Caller) error {
	if !slices.Contains(c.offices(), who.Seat.Office) {
		return access.May(who.Principal, access.Scan, access.Resource{})
	}
	return access.May(who.Principal, access.Scan, access.Resource{Seat: who.Seat})
}

// uploadedOf puts the answer of a cabinet into JSON's words.
func uploadedOf(original protocol.Hash, up cabinet.Upload) *api.Uploaded {
	out := &api.Uploaded{Original: original, Received: up.Received, New: up.New}
	if d := up.Document; d != nil {
		out.Complete, out.SHA256, out.Size, out.Type = true, &d.Hash, d.Size, api.MediaOf(d)
	}
	return out
}

func (c *counter) document(r *http.Request, who api.Caller) (protocol.Document, []byte, error) {
	var h protocol.Hash
	if err := access.May(who.Principal, access.ReadCase, c.own()); err != nil {
		return protocol.Document{}, nil, err
	}
	if err := h.UnmarshalText([]byte(r.PathValue("sha256"))); err != nil {
		return protocol.Document{}, nil, err
	}
	return c.Box.Document(h)
}
