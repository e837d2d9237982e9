package node

import (
	"slices"
	"testing"

	"kendro/protocol"
)

// TestRow36BoxesFollowTheSealingKey: the district's key turns, and boxes with and without a link
// seal to the next one and say so. Then all servers are lost, and with them that key: the
// recovery share is older than it. Everything comes back, sealed to the key that is left.
func TestRow36BoxesFollowTheSealingKey(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 2)
	for _, m := range up.boxes {
		m.file(3)
		m.accepted()
	}
	older, by := up.Share()
	next := up.TurnKey("turn-1")
	up.Wait("every box to say that it seals to it", func() bool { return len(up.Leader().Hub.Register().Behind(2)) == 0 })
	for _, m := range up.boxes {
		if m.box.Turned() != next {
			t.Errorf("%s seals to %s", m.centre, m.box.Turned())
		}
		m.file(3)
		m.accepted()
	}
	up.BeginAnew(older, by)
	up.Wait("everything to come back", func() bool {
		reg := up.Leader().Hub.Register()
		return !slices.ContainsFunc(up.boxes, func(m *member) bool {
			return slices.ContainsFunc(m.filed, func(n protocol.Number) bool { _, err := reg.Case(n); return err != nil })
		})
	})
	if s := up.Leader().Hub.Register().Stats(); s.Quarantined+s.Unreadable+s.Held != 0 {
		t.Errorf("stats %+v; want nothing aside", s)
	}
	for _, m := range up.boxes {
		m.file(2)
		m.accepted()
		if m.box.Turned() == next {
			t.Errorf("%s still seals to a key that is lost", m.centre)
		}
	}
}
