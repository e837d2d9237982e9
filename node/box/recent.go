package box

import (
	"cmp"
	"hash/fnv"
	"io"
	"slices"
	"sync"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/person"
	"kendro/protocol"
)

// How far back a box looks for an application of the same person.
const (
	remembered = 10_000 // Records of journal/own.
	likeWithin = 90 * 24 * time.Hour
	likeMost   = 5 // Cases that are shown.
)

// recent finds the newest applications for one service by what is known of their
// people. It is in memory alone, and reads the journal as far as it has grown when
// somebody asks.
type recent struct {
	mu    sync.Mutex // Guards what follows, across reads of the journal.
	from  uint64
	until uint64
	at    map[uint64][]uint64 // Of a service and a key of a person: sequences.
}

// A Like is an application of this box whose applicant may be the same person.
type Like struct {
	Case *Case
	Name person.Person
	person.Likeness
}

// Alike returns the newest applications of this box for a service, of the last 90
// days, whose applicant is likely the one who now asks for it, or who shows an
// identifier that somebody else has shown: five at most, the likeliest first. It is
// for the counter to look at before it files (DOMAIN §7 row 2); nothing is refused.
func (b *Cases) Alike(service string, applicant []byte) ([]Like, error) {
	p, err := catalogue.ApplicantOf(applicant)
	if err != nil {
		return nil, err
	}
	places, err := b.recent.find(b, service, &p)
	if err != nil {
		return nil, err
	}
	var list []Like
	for _, seq := range places {
		e, err := b.placeAt(seq)
		if err != nil {
			return nil, err
		}
		if e.record.gone != nil {
			continue
		}
		c, err := b.caseOf(e)
		if err != nil {
			return nil, err
		}
		if c.Issued.Before(b.o.Clock().Add(-likeWithin)) || c.Stage == application.Withdrawn.String() {
			continue
		}
		other, err := catalogue.ApplicantOf(c.Submission.Applicant)
		if err != nil {
			continue // It was taken by another form.
		}
		if l := person.Compare(&p, &other); l.Grade >= person.Likely {
			list = append(list, Like{c, other, l})
		}
	}
	slices.SortStableFunc(list, func(x, y Like) int { return cmp.Compare(y.Score, x.Score) })
	return list[:min(len(list), likeMost)], nil
}

// find returns the records that share a key with a person, the newest first.
func (k *recent) find(b *Cases, service string, p *person.Person) ([]uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.follow(b); err != nil {
		return nil, err
	}
	var list []uint64
	for _, key := range p.Keys() {
		list = append(list, k.at[termOf(service, key)]...)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	slices.Reverse(list)
	return list[:min(len(list), 64)], nil
}

// follow reads what was filed since somebody asked last.
func (k *recent) follow(b *Cases) error {
	tip := b.mirror.records()
	first := max(k.until+1, tip-min(tip, remembered)+1)
	if k.at == nil || tip-min(tip, k.from) > 2*remembered { // The oldest are forgotten together.
		first = tip - min(tip, remembered) + 1
		k.from, k.at = first, map[uint64][]uint64{}
	}
	for seq := first; seq <= tip; seq++ {
		if b.index.parts.hole(seq) {
			continue
		}
		e, err := b.placeAt(seq)
		if err != nil {
			return err
		}
		k.until = seq
		var s protocol.Submission
		if e.record.gone != nil || e.record.Key == againKey || e.event.Kind != protocol.Submitted || e.event.Pin == nil || e.event.Decode(&s) != nil {
			continue
		}
		p, err := catalogue.ApplicantOf(s.Applicant)
		if err != nil {
			continue
		}
		for _, key := range p.Keys() {
			t := termOf(e.event.Pin.Service, key)
			k.at[t] = append(k.at[t], seq)
		}
	}
	return nil
}

// termOf is what a service and a key of a person are filed under. Two may share one:
// who is found is compared.
func termOf(service, key string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, service+"\x00"+key) // A hash takes everything.
	return h.Sum64()
}
