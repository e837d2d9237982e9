package desk

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/web/api"
)

// An overlayDesk tells what the release in force was composed of, and takes the word that
// a national base could not be put below the district's overlay.
type overlayDesk struct{ *Server }

func (s overlayDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.OriginPath, ID: "origin", Summary: "What the release in force was composed of", Act: access.ReadStatus,
	}, s.origin)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: api.BlockedPath, ID: "block-base", Summary: "Note that a national base can't be put below the overlay in force", Act: access.Publish,
	}, s.block)
}

type originOutput struct {
	Body api.Origin
}

func (s overlayDesk) origin(ctx context.Context, _ *struct{}) (*originOutput, error) {
	s.hub.Fresh(ctx)
	out := &originOutput{Body: api.Origin{Fields: []dcat.Override{}, Files: []api.File{}}}
	o, err := s.hub.Register().Origin()
	if o == nil {
		return out, err
	}
	out.Body.District, out.Body.Base, out.Body.Overlay = o.District, sourceOf(&o.Base), sourceOf(&o.Overlay)
	out.Body.Fields = append(out.Body.Fields, o.Fields...)
	for _, p := range o.Parts {
		out.Body.Parts = append(out.Body.Parts, api.Part{Source: sourceOf(&p.Source), Services: p.Services})
	}
	if out.Body.Record, err = catalogue.EncodeOrigin(o); err != nil {
		return nil, err
	}
	for _, f := range o.Files {
		out.Body.Files = append(out.Body.Files, api.File{Name: f.Name, Text: f.Text})
	}
	return out, nil
}

func sourceOf(s *dcat.Source) api.Source {
	return api.Source{Edition: s.Edition, Hash: s.Hash.String(), Signer: hex.EncodeToString(s.Signer), Sealed: s.Sealed}
}

type blockedInput struct {
	Body api.BlockedBase
}

func (s overlayDesk) block(ctx context.Context, in *blockedInput) (*doneOutput, error) {
	b := register.BlockedBase{Edition: in.Body.Edition, Findings: in.Body.Findings}
	if err := b.Hash.UnmarshalText([]byte(in.Body.Hash)); err != nil {
		return nil, err
	}
	_, err := s.do(ctx, command(ctx, register.BlockBase, &b))
	s.hub.Fresh(ctx)
	return &doneOutput{Body: api.Done{Done: err == nil}}, err
}

func blockedOf(b *register.BlockedBase) *api.BlockedBase {
	at := api.TimeOf(time.UnixMilli(b.At))
	return &api.BlockedBase{Edition: b.Edition, Hash: b.Hash.String(), Findings: b.Findings, At: &at, By: b.By}
}
