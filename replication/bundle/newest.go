package bundle

import (
	"cmp"
	"slices"

	"kendro/protocol"
)

// newest keeps the furthest position of each log.
type newest map[protocol.LogID]protocol.Position

func (n newest) note(h protocol.Head) {
	if at, ok := n[h.Log]; !ok || h.At.Seq > at.Seq {
		n[h.Log] = h.At
	}
}

// heads lists them by channel, name and incarnation.
func (n newest) heads() []protocol.Head {
	list := make([]protocol.Head, 0, len(n))
	for log, at := range n {
		list = append(list, protocol.Head{Log: log, At: at})
	}
	slices.SortFunc(list, func(a, b protocol.Head) int {
		return cmp.Or(cmp.Compare(a.Log.Channel, b.Log.Channel), cmp.Compare(a.Log.Name, b.Log.Name), cmp.Compare(a.Log.Incarnation, b.Log.Incarnation))
	})
	return list
}
