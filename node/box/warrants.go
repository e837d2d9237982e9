package box

import "kendro/protocol"

// Warrants returns the authority's words on orders of erasure that this box was ever told,
// by whichever register: it keeps them for one that begins anew. It reads journal/in.
func (b *Box) Warrants() (list []protocol.Warrant, err error) {
	known := map[string]bool{}
	err = scan("in", b.in.Load(), 1, func(seq uint64, raw []byte) error {
		r, err := decodeIn(seq, raw)
		if err != nil {
			return err
		}
		if r.What != inEvent || r.Log.Channel != protocol.Inbox && r.Log.Channel != protocol.InboxBase {
			return nil
		}
		e, err := protocol.DecodeEvent(r.Raw)
		if err != nil || e.Kind != protocol.ErasureWarranted || known[string(e.Payload)] {
			return nil //nolint:nilerr // What this version can't read it can't pass on.
		}
		var w protocol.Warrant
		if reads(&e, &w) && len(w.Erasure.Cases) == 1 {
			known[string(e.Payload)] = true
			list = append(list, w)
		}
		return nil
	})
	return list, err
}
