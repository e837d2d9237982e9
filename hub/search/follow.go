package search

import (
	"cmp"
	"context"
	"math"
	"strings"

	"kendro/domain/fault"
	"kendro/finder"
	"kendro/hub/register"
	"kendro/protocol"
)

// Follow reads what the register's uplinks hold beyond what the index knows. It
// returns at their end, when ctx ends, or with the first failure; the next call goes
// on there. Another register of the same group may be given each time. One call
// reads; others that overlap it return at once.
func (x *Index) Follow(ctx context.Context, reg *register.Register) error {
	if !x.following.TryLock() {
		return nil
	}
	defer x.following.Unlock()
	err := reg.Uplinks(func(head protocol.Head) error {
		for x.at[head.Log].seq < head.At.Seq {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := x.read(reg, head.Log); err != nil {
				return err
			}
		}
		return nil
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	x.behind = err != nil
	return err
}

// read takes in the next run of a log.
func (x *Index) read(reg *register.Register, log protocol.LogID) error {
	from := x.from(log)
	run, last, err := reg.Readable(log, from.seq, protocol.MaxBlockEvents)
	if err != nil {
		return err
	}
	if last == from.seq {
		return fault.New("search.Follow", fault.Damaged, log.String(), "its events end before its head")
	}
	list := make([]entry, 0, len(run))
	for _, it := range run {
		e, err := protocol.DecodeEvent(it.Raw)
		if err != nil {
			continue // It is no case, and stands on the conflict desk.
		}
		printed, sub, ok := applicationIn(log, &e)
		if ok && it.Seq <= math.MaxUint32 {
			list = append(list, entry{doc: doc{printed: printed, log: from.log, seq: uint32(it.Seq)}, Entry: finder.EntryOf(&sub)})
		}
		list = append(list, x.corrected(reg, &e)...)
	}
	x.add(list)
	from.seq = last
	x.at[log] = from
	return nil
}

// corrected lets an application be found by what a correction says too, whatever comes
// of it. What it was filed as still finds it: so it stands on its slip.
func (x *Index) corrected(reg *register.Register, e *protocol.Event) []entry {
	filed := *e
	if e.Kind == protocol.Recovered {
		var r protocol.Recovery
		if e.Decode(&r) != nil {
			return nil
		}
		var err error
		if filed, err = r.Open(); err != nil {
			return nil
		}
	}
	var k protocol.Correction
	if filed.Kind != protocol.Corrected || filed.Decode(&k) != nil {
		return nil
	}
	c, err := reg.Case(filed.Number)
	if err != nil || c.At.Seq > math.MaxUint32 {
		return nil
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return nil
	}
	k.Wants().Into(&sub, k.Wants().Names())
	d := doc{printed: cmp.Or(c.Printed, c.Number), log: x.from(c.Log).log, seq: uint32(c.At.Seq)}
	return []entry{{doc: d, Entry: finder.EntryOf(&sub), again: true}}
}

// from is how far a log was read.
func (x *Index) from(log protocol.LogID) reached {
	if p, ok := x.at[log]; ok {
		return p
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	p := reached{log: uint32(len(x.logs))}
	x.logs = append(x.logs, log)
	x.at[log] = p
	return p
}

// applicationIn returns the application that an event brings, under the number on
// its slip. An event that is no application brings none.
func applicationIn(log protocol.LogID, e *protocol.Event) (printed protocol.Number, sub protocol.Submission, ok bool) {
	written, filed := log, *e
	if e.Kind == protocol.Recovered {
		var r protocol.Recovery
		if e.Decode(&r) != nil {
			return 0, sub, false
		}
		inner, err := r.Open()
		if err != nil {
			return 0, sub, false
		}
		written, filed = r.Receipt.Log, inner
	}
	if filed.Kind != protocol.Submitted || filed.Decode(&sub) != nil {
		return 0, sub, false
	}
	district, slot, _ := strings.Cut(written.Name, "-")
	printed, err := protocol.MintNumber(district, slot, filed.Nonce)
	return printed, sub, err == nil
}
