package box

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// applyTrial keeps a release that is on trial here; one on trial elsewhere is nothing
// to this box.
func applyTrial(x *index, tx *store.Tx, e *protocol.Event, got int64) (changed, error) {
	if e.Kind == protocol.TrialEnded {
		var over protocol.TrialOver
		if !reads(e, &over) {
			return 0, nil
		}
		return changedCatalogue, tx.Delete(seqKey(keyTrial, over.Release))
	}
	var t protocol.Trial
	if !reads(e, &t) || !slices.Contains(t.Centres, x.centre) {
		return 0, nil
	}
	r, err := openRelease(t.Signed, x.trust)
	if err != nil {
		return changedAlarms, x.alarm(tx, alarmRelease, got)
	}
	return changedCatalogue, tx.Set(seqKey(keyTrial, uint64(r.Number)), e.Payload)
}

// A candidate is a release on trial that is ahead of the one in force for all.
type candidate struct {
	trial   protocol.Trial
	release *dcat.Release
	goods   *Goods // Nil while it can't be put in force …
	wrong   string // … for this reason; empty while parts are missing.
}

// candidate finds the newest release on trial here, nil without one. Goods are what is
// in force for all.
func (b *Shelf) candidate(tx *store.Tx, goods *Goods, versions []*dcat.Version) (c *candidate, err error) {
	err = tx.ScanBack([]byte(keyTrial), seqKey(keyTrial, 1<<63), func(_, value []byte) (bool, error) {
		c = &candidate{}
		if err := protocol.Unmarshal(value, protocol.MaxEvent, "index", &c.trial); err != nil {
			return false, damagedIndex(err)
		}
		c.release, err = openRelease(c.trial.Signed, b.o.Enrolment.Catalogue)
		return false, err
	})
	if err != nil || c == nil || goods == nil || c.release.Number <= goods.Set.Release.Number {
		return nil, err
	}
	tried, err := b.assemble(tx, c.trial.Signed, versions)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		c.wrong = err.Error()
	default:
		if tried.Trial, err = changedForms(tried, goods); err != nil {
			c.wrong = err.Error()
			break
		}
		c.goods = tried
	}
	return c, nil
}

// changedForms names the services that a release changes, once their forms are compiled:
// that no counter has to find out.
func changedForms(tried, goods *Goods) (map[string]bool, error) {
	services := map[string]bool{}
	for _, v := range tried.Set.Services() {
		if old, ok := goods.Set.Current(v.ID); ok && old.Hash == v.Hash {
			continue
		}
		if _, err := tried.Intake.Form(v); err != nil {
			return nil, err
		}
		services[v.ID] = true
	}
	return services, nil
}

// A tally counts what the counter takes and refuses while a release is on trial. It
// may be used concurrently.
type tally struct {
	run uint64

	mu    sync.Mutex // Guards what follows.
	fare  protocol.Fare
	until time.Time
}

// OnTrial is how a release fares that is on trial here.
type OnTrial struct {
	Fare  protocol.Fare
	Until time.Time // When it will have been in force here for as long as it must go well.
}

// OnTrial returns how the release fares that is on trial here, nil without one.
func (b *Shelf) OnTrial() *OnTrial {
	t := &b.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fare.Release == 0 {
		return nil
	}
	out := &OnTrial{Fare: t.fare, Until: t.until}
	out.Fare.Filed, out.Fare.Refused = slices.Clone(t.fare.Filed), slices.Clone(t.fare.Refused)
	return out
}

// follow notes what is on trial now.
func (t *tally) follow(c *candidate, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c == nil {
		t.fare = protocol.Fare{}
		return
	}
	if number := uint64(c.release.Number); t.fare.Release != number {
		t.fare, t.until = protocol.Fare{Release: number, Run: t.run}, time.Time{}
	}
	t.fare.InForce, t.fare.Failure = c.goods != nil, c.wrong[:min(len(c.wrong), 512)]
	if t.fare.InForce && t.until.IsZero() {
		t.until = now.Add(time.Duration(c.trial.For) * time.Millisecond)
	}
}

func drawRun() uint64 { return rand.Uint64() | 1 } //nolint:gosec // It tells two counts apart and guards nothing.

// filed counts an application that was taken.
func (t *tally) filed(g *Goods, service string) {
	if !g.Trial[service] {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fare.Filed = countAt(t.fare.Filed, service, "")
}

// refused counts an attempt, at each place that refused it.
func (t *tally) refused(g *Goods, body []byte, wrong []catalogue.FieldError, err error) {
	if g.Trial == nil || err != nil && fault.KindOf(err) != fault.Internal {
		return
	}
	var said struct {
		Service string `json:"service"`
	}
	if json.Unmarshal(body, &said) != nil || !g.Trial[said.Service] {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.fare.Failure = said.Service + ": " + fault.KindOf(err).Error()
	}
	for _, w := range wrong {
		t.fare.Refused = countAt(t.fare.Refused, said.Service, w.Path)
	}
}

// countAt adds one at a place. What has no more room is not told of.
func countAt(list []protocol.FarePlace, service, place string) []protocol.FarePlace {
	place = place[:min(len(place), protocol.MaxName)]
	i := slices.IndexFunc(list, func(p protocol.FarePlace) bool { return p.Service == service && p.Place == place })
	if i >= 0 {
		list[i].Count++
	} else if len(list) < protocol.MaxFare {
		list = append(list, protocol.FarePlace{Service: service, Place: place, Count: 1})
	}
	return list
}
