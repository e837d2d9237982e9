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
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// A releaseDesk publishes releases of the catalogue and tells of them.
type releaseDesk struct{ *Server }

func (s releaseDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/catalogue", ID: "publish", Summary: "Publish a signed release", Act: access.Publish, MaxBody: api.ReleaseBody,
	}, s.publish)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.ReleasesPath, ID: "releases", Summary: "The releases that were published", Act: access.ReadStatus,
	}, func(context.Context, *struct{}) (*releasesOutput, error) {
		out, err := releasesOf(s.hub.Register())
		return &releasesOutput{Body: out}, err
	})
	word := func(name, summary string, method register.Method) {
		api.Register(s.api, api.Route{
			Method: http.MethodPost, Path: api.ReleasesPath + "/{release}/" + name, ID: name + "-release", Summary: summary, Act: access.Publish,
		}, func(ctx context.Context, in *trialInput) (*doneOutput, error) {
			_, err := s.do(ctx, command(ctx, method, register.TrialWord{Release: in.Release, Reason: in.Body.Reason}))
			s.hub.Fresh(ctx)
			return &doneOutput{Body: api.Done{Done: err == nil}}, err
		})
	}
	word("promote", "Put a release on trial in force for all", register.PromoteRelease)
	word("halt", "Take a release on trial out of force", register.HaltRelease)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.ReleasesPath + "/{release}", ID: "former-release", Summary: "One release, as it was published", Act: access.ReadStatus,
	}, func(_ context.Context, in *formerInput) (*formerOutput, error) { return s.former(in) })
}

// published is the catalogue in force with what a publisher needs of it; nil before the first.
func (s releaseDesk) published() (*dcat.Set, error) {
	reg := s.hub.Register()
	set := reg.Set()
	if set == nil {
		return nil, nil
	}
	out := *set
	var err error
	out.Bounds, err = reg.Bounds(&set.Release)
	return &out, err
}

type releasesOutput struct {
	Body api.Releases
}

type formerInput struct {
	Release  int  `path:"release" minimum:"1"`
	Versions bool `query:"versions" doc:"With the versions that it names and the release in force does not"`
}

type trialInput struct {
	Release int `path:"release" minimum:"1"`
	Body    api.TrialWord
}

type formerOutput struct {
	Body api.FormerRelease
}

func releasesOf(reg *register.Register) (api.Releases, error) {
	out := api.Releases{Releases: []api.ReleaseLine{}}
	list, err := reg.Releases()
	if err != nil {
		return out, err
	}
	for _, r := range slices.Backward(list) {
		out.Releases = append(out.Releases, api.ReleaseLine{
			Release: r.Number, Hash: r.Hash.String(), Services: len(r.Services), PublishedAt: api.TimeOf(time.Unix(r.PublishedAt, 0)), Note: r.Note,
			Base: r.Base,
		})
	}
	if out.Next, err = reg.NextRelease(); err != nil {
		return out, err
	}
	t, err := reg.Trial()
	if err != nil {
		return out, err
	}
	if t != nil {
		out.Trial = trialOf(t)
	}
	b, err := reg.Blocked()
	if b != nil {
		out.Blocked = blockedOf(b)
	}
	return out, err
}

func trialOf(t *register.Trial) *api.Trial {
	at := func(ms int64) *api.Time {
		if ms == 0 {
			return nil
		}
		shown := api.TimeOf(time.UnixMilli(ms))
		return &shown
	}
	places := func(list []protocol.FarePlace) []api.TrialPlace {
		out := make([]api.TrialPlace, len(list))
		for i, p := range list {
			out[i] = api.TrialPlace{Service: p.Service, Place: p.Place, Count: p.Count}
		}
		return out
	}
	out := &api.Trial{
		Release: t.Release, Hash: t.Hash.String(), Centre: string(t.Centre), State: t.State.String(), Began: *at(t.Began),
		Active: at(t.Active), Heard: at(t.Heard), Ended: at(t.Ended), By: t.By, Reason: t.Reason, Errors: t.Limit,
		Filed: places(t.Filed()), Refused: places(t.Refused()),
	}
	if t.Active != 0 {
		out.Until = at(t.Active + t.For)
	}
	return out
}

func (s releaseDesk) former(in *formerInput) (*formerOutput, error) {
	list, err := s.hub.Register().Releases()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r *dcat.Release) bool { return r.Number == in.Release })
	if i < 0 {
		return nil, fault.New("desk.former", fault.NotFound, strconv.Itoa(in.Release), "no release has this number: kendro catalogue status lists them")
	}
	out := &formerOutput{}
	if out.Body.Release, err = catalogue.EncodeRelease(list[i]); err != nil || !in.Versions {
		return out, err
	}
	out.Body.Versions, err = beside(s.hub.Register().Set(), list[i])
	return out, err
}

// beside returns the versions that a former release names and the one in force does not.
func beside(set *dcat.Set, r *dcat.Release) (list []api.Bytes, err error) {
	for _, e := range r.Services {
		if now, ok := set.Current(e.ID); ok && now.Hash == e.Hash {
			continue
		}
		v, ok := set.ByHash(e.Hash)
		if !ok {
			return nil, fault.New("desk.former", fault.Damaged, e.ID, "a version that the release names is not here")
		}
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			return nil, err
		}
		list = append(list, raw)
	}
	return list, nil
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
func (s releaseDesk) publish(ctx context.Context, in *publishInput) (*publishOutput, error) {
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
	final := command(ctx, register.Publish, list[last])
	if t := in.Body.Trial; t != nil {
		final = command(ctx, register.TryRelease, register.TrialOrder{
			Parcel: list[last], Centre: place.Centre(t.Centre), For: t.Seconds * 1000, Limit: t.Errors,
		})
	}
	res, err := s.do(ctx, final)
	if err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	out := &publishOutput{Body: api.PublishAnswer{Release: int(res.Version)}}
	if set := s.hub.Register().Set(); set != nil && set.Release.Number == out.Body.Release {
		out.Body.Hash = set.Release.Hash.String()
	}
	if t, err := s.hub.Register().Trial(); err == nil && t != nil && t.Release == out.Body.Release {
		out.Body.Hash = t.Hash.String()
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
	if len(in.Origin) > 0 {
		room(len(in.Origin)).Origin = in.Origin
	}
	if len(in.Bounds) > 0 {
		room(len(in.Bounds)).Bounds = in.Bounds
	}
	room(len(in.Signed)).Signed = in.Signed
	return list
}
