package desk

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/web/api"
)

// releaseRoutes publish releases of the catalogue and tell of them.
func releaseRoutes(s *Server) {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/catalogue", ID: "publish", Summary: "Publish a signed release", Act: access.Publish, MaxBody: api.ReleaseBody,
	}, s.publish)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.ReleasesPath, ID: "releases", Summary: "The releases that were published", Act: access.ReadStatus,
	}, func(context.Context, *struct{}) (*releasesOutput, error) {
		list, err := s.hub.Register().Releases()
		return &releasesOutput{Body: releasesOf(list)}, err
	})
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.ReleasesPath + "/{release}", ID: "former-release", Summary: "One release, as it was published", Act: access.ReadStatus,
	}, func(_ context.Context, in *formerInput) (*formerOutput, error) { return former(s, in.Release) })
}

type releasesOutput struct {
	Body api.Releases
}

type formerInput struct {
	Release int `path:"release" minimum:"1"`
}

type formerOutput struct {
	Body api.FormerRelease
}

func releasesOf(list []*dcat.Release) api.Releases {
	out := api.Releases{Releases: []api.ReleaseLine{}, Next: 1}
	for _, r := range slices.Backward(list) {
		out.Releases = append(out.Releases, api.ReleaseLine{
			Release: r.Number, Hash: r.Hash.String(), Services: len(r.Services), PublishedAt: api.TimeOf(time.Unix(r.PublishedAt, 0)), Note: r.Note,
		})
		out.Next = max(out.Next, r.Number+1)
	}
	return out
}

func former(s *Server, number int) (*formerOutput, error) {
	list, err := s.hub.Register().Releases()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r *dcat.Release) bool { return r.Number == number })
	if i < 0 {
		return nil, fault.New("desk.former", fault.NotFound, strconv.Itoa(number), "no release has this number: kendro catalogue status lists them")
	}
	out := &formerOutput{}
	out.Body.Release, err = catalogue.EncodeRelease(list[i])
	return out, err
}

type publishInput struct {
	Body api.PublishRequest
}

type publishOutput struct {
	Body api.PublishAnswer
}

// parcelSize bounds what one command carries of a release: an entry of the register
// has room for some 150 KiB of it.
const parcelSize = 128 << 10

// publish hands a release to the register: its new versions first, in as many
// commands as they need, the last of them with the release itself, which takes
// effect whole or not at all.
func (s *Server) publish(ctx context.Context, in *publishInput) (*publishOutput, error) {
	key := api.CallerOf(ctx).Key
	if len(in.Body.Signed) == 0 {
		return nil, fault.New("desk.publish", fault.Invalid, "signed", "want a signed release: kendro catalogue publish makes one")
	}
	list := parcels(in.Body)
	last := len(list) - 1
	for i, parcel := range list[:last] {
		cmd := command(ctx, register.AddVersions, parcel)
		cmd.ID = key + "/" + strconv.Itoa(i)
		if _, err := s.do(ctx, cmd); err != nil {
			return nil, err
		}
	}
	res, err := s.do(ctx, command(ctx, register.Publish, list[last]))
	if err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	out := &publishOutput{Body: api.PublishAnswer{Release: int(res.Version)}}
	if set := s.hub.Register().Set(); set != nil && set.Release.Number == out.Body.Release {
		out.Body.Hash = set.Release.Hash.String()
	}
	return out, nil
}

// parcels cuts a release into commands. The signature goes with the last, so that a
// small change is one entry of the register and one block to a box.
func parcels(in api.PublishRequest) []register.Parcel {
	list, size := make([]register.Parcel, 1), 0
	room := func(n int) *register.Parcel {
		if size > 0 && size+n > parcelSize {
			list, size = append(list, register.Parcel{}), 0
		}
		size += n
		return &list[len(list)-1]
	}
	for _, v := range in.Versions {
		p := room(len(v))
		p.Versions = append(p.Versions, v)
	}
	if len(in.Directory) > 0 {
		room(len(in.Directory)).Directory = in.Directory
	}
	room(len(in.Signed)).Signed = in.Signed
	return list
}
