package search

import (
	"context"
	"strings"

	"kendro/domain/fault"
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
		for x.at[head.Log].Seq < head.At.Seq {
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
	from := x.at[log]
	run, err := reg.LogEvents(log, from.Seq, protocol.MaxBlockEvents)
	if err != nil {
		return err
	}
	if len(run.Events) == 0 {
		return fault.New("search.Follow", fault.Damaged, log.String(), "its events end before its head")
	}
	var list []entry
	for i, raw := range run.Events {
		e, err := protocol.DecodeEvent(raw)
		if err != nil {
			return err
		}
		n, sub, ok := applicationIn(reg, log, run.First+uint64(i), &e)
		if ok {
			list = append(list, entryOf(n, &sub))
		}
	}
	x.add(list)
	x.at[log] = protocol.Position{Seq: run.First + uint64(len(run.Events)) - 1, Hash: run.End}
	return nil
}

// applicationIn returns the application that an event brings, under the number by
// which the register knows it. An event that is no application, or whose case came
// by another way before, brings none.
func applicationIn(reg *register.Register, log protocol.LogID, seq uint64, e *protocol.Event) (n protocol.Number, sub protocol.Submission, ok bool) {
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
	if err != nil {
		return 0, sub, false
	}
	c, err := reg.CaseAt(printed, log, seq)
	if err != nil {
		return 0, sub, false
	}
	return c.Number, sub, true
}
