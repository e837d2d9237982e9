package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Calls at the phone desk are noted where they are answered: an entry of the district's log for
// each would let a telephone fill it. A server keeps its newest, and forgets those of long ago.

const (
	maxCalls  = 2000
	callsKept = 180 * 24 * time.Hour
	sameCall  = 64 // Newest calls among which a repeat is known.
)

// A CallKeeper keeps a server's calls over a restart. One call at a time is under way.
type CallKeeper interface {
	Load() ([]byte, error) // Nil where nothing was saved.
	Save(b []byte) error   // On the disk when it returns.
}

// A callBook is what was asked and told at this server.
type callBook struct {
	keep CallKeeper // Nil: they end with the process.

	saving sync.Mutex // Held by whoever saves.

	mu   sync.Mutex // Guards list.
	list []call     // Oldest first.
}

// A call is one answer to somebody on the telephone. It names no caller.
type call struct {
	api.PhoneCall

	key string // Of the request, so that a repeat is not another call.
}

// newCallBook reads what was kept. What can't be read is said and left behind: the telephone
// goes on.
func newCallBook(c *Config) *callBook {
	b := &callBook{keep: c.Calls}
	if b.keep == nil {
		return b
	}
	raw, err := b.keep.Load()
	var kept []api.PhoneCall
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil {
		c.Logger.Error("the calls at the phone desk could not be read, and begin anew", "err", err)
	}
	for i := range kept {
		b.list = append(b.list, call{PhoneCall: kept[i]})
	}
	return b
}

// note adds a call, and forgets those that are beyond the bounds.
func (b *callBook) note(c call, now time.Time) error {
	b.mu.Lock()
	recent := b.list[max(0, len(b.list)-sameCall):]
	if slices.ContainsFunc(recent, func(x call) bool { return c.key != "" && x.key == c.key && x.User == c.User }) {
		b.mu.Unlock()
		return nil
	}
	b.list = append(b.list, c)
	b.list = slices.DeleteFunc(b.list, func(x call) bool { return now.Sub(x.At.Time) > callsKept })
	b.list = slices.Clone(b.list[max(0, len(b.list)-maxCalls):])
	b.mu.Unlock()
	if b.keep == nil {
		return nil
	}
	b.saving.Lock()
	defer b.saving.Unlock()
	raw, err := json.Marshal(b.newest())
	if err != nil {
		return err
	}
	return b.keep.Save(raw)
}

// newest are the calls, oldest first.
func (b *callBook) newest() []api.PhoneCall {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]api.PhoneCall, len(b.list))
	for i := range b.list {
		list[i] = b.list[i].PhoneCall
	}
	return list
}

// callDesk answers who sits at a telephone (R-TR1).
type callDesk struct {
	*Server
	book *callBook
}

func (s callDesk) routes() {
	api.Register(s.api, api.Route{
		Method: "POST", Path: api.CallsPath, ID: "answer-call", Act: access.AnswerPhone,
		Summary: "What to tell a caller about a receive number; that it was asked and told is noted at this server",
	}, s.answer)
	api.Register(s.api, api.Route{
		Method: "GET", Path: api.CallsPath, ID: "calls", Act: access.ReadCalls,
		Summary: "Who told callers what at this server, the newest first: of the officers of the reader's area",
	}, s.calls)
}

type callInput struct {
	Body api.CallRequest
}

type callOutput struct {
	Body api.CallAnswer
}

func (s callDesk) answer(ctx context.Context, in *callInput) (*callOutput, error) {
	who := api.CallerOf(ctx)
	c := call{api.PhoneCall{At: api.TimeOf(s.clock()), User: who.User, Post: who.Seat.Post, Office: who.Seat.Office}, who.Key}
	out := &callOutput{}
	switch {
	case in.Body.Number == "" && in.Body.Found == nil:
		return nil, fault.New("desk.answer", fault.Invalid, "number", "want the number that the caller gave, or how many cases were found without one")
	case in.Body.Number == "":
		c.Told, c.Found = api.ToldSearch, in.Body.Found
	default:
		t, err := s.track(ctx, in.Body.Number)
		if err = s.recast(err); errors.Is(err, fault.NotFound) {
			if err := s.unknown.Take("phone "+who.User, s.clock()); err != nil {
				return nil, err
			}
			c.Told = api.ToldUnknown
			s.noted(c)
		}
		if err != nil {
			return nil, err
		}
		c.Number, c.Told, out.Body.Tracking = t.Number, t.Stage, t
	}
	s.noted(c)
	return out, nil
}

// noted keeps a call. A disk that fails keeps nobody from being answered.
func (s callDesk) noted(c call) {
	s.gauges.calls.WithLabelValues(toldKind(c.Told)).Inc()
	if err := s.book.note(c, s.clock()); err != nil {
		s.log.Error("a call at the phone desk was answered and could not be kept", "err", err)
	}
}

// toldKind is what a call came to, among few.
func toldKind(told string) string {
	if told == api.ToldUnknown || told == api.ToldSearch {
		return told
	}
	return "stage"
}

type callsInput struct {
	User   string `query:"user" maxLength:"128" doc:"Of one login alone"`
	Number string `query:"number" maxLength:"128" doc:"About one case alone"`
	Limit  string `query:"limit" maxLength:"4" doc:"At most so many, 1 to 500; absent: 100"`
}

type callsOutput struct {
	Body api.CallList
}

func (s callDesk) calls(ctx context.Context, in *callsInput) (*callsOutput, error) {
	limit, err := strconv.Atoi(cmp.Or(in.Limit, "100"))
	if err != nil || limit < 1 || limit > 500 {
		return nil, fault.New("desk.calls", fault.Invalid, "limit", "want 1 to 500")
	}
	var about protocol.Number
	if in.Number != "" {
		if about, err = protocol.ParseNumber(in.Number); err != nil {
			return nil, err
		}
	}
	dir := &place.Directory{}
	if set := s.hub.Register().Set(); set != nil {
		dir = set.Directory
	}
	who := api.CallerOf(ctx).Principal
	out := &callsOutput{Body: api.CallList{Server: s.status().Server, Calls: []api.PhoneCall{}}}
	for _, c := range slices.Backward(s.book.newest()) {
		if in.User != "" && c.User != in.User || about != 0 && c.Number != about || access.May(who, access.ReadCalls, resourceOf(dir, c.Office)) != nil {
			continue
		}
		if len(out.Body.Calls) == limit {
			out.Body.More = true
			break
		}
		out.Body.Calls = append(out.Body.Calls, c)
	}
	return out, nil
}

// resourceOf is what a call belongs to: the area of whoever answered.
func resourceOf(dir *place.Directory, office string) access.Resource {
	o, ok := dir.Office(office)
	if !ok {
		return access.Resource{}
	}
	return access.Resource{Areas: access.In(dir, o.Area)}
}
