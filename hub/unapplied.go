package hub

import (
	"maps"
	"strings"
	"sync"

	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/protocol"
)

// A union asks an applicant, and has his answer, while no hub hears of it. All of it may
// then come in one block, or in blocks that follow at once: the leader judges the answer
// before the register has the application. unapplied are the answers of such cases as the
// leader has judged them, until they are applied. It may be used concurrently.
type unapplied struct {
	mu   sync.Mutex // Guards list.
	list map[protocol.Number]judged
}

// A judged is an application with all that was brought to it up to a place of its log.
type judged struct {
	log     protocol.LogID
	seq     uint64
	version *dcat.Version
	form    []byte
}

// maxUnapplied bounds the applications that are kept so: more than may be under way.
const maxUnapplied = 4096

// note keeps the answers of an application as of a place of its log.
func (u *unapplied) note(reg *register.Register, n protocol.Number, a judged) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.list == nil {
		u.list = map[protocol.Number]judged{}
	}
	if len(u.list) >= maxUnapplied {
		maps.DeleteFunc(u.list, func(_ protocol.Number, old judged) bool { return old.applied(reg) })
	}
	if len(u.list) < maxUnapplied {
		u.list[n] = a
	}
}

// of returns the answers of a case that the register has not all of.
func (u *unapplied) of(reg *register.Register, n protocol.Number) (judged, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	a, ok := u.list[n]
	if ok && a.applied(reg) {
		delete(u.list, n)
		return judged{}, false
	}
	return a, ok
}

// applied reports whether the register has the log up to there.
func (a *judged) applied(reg *register.Register) bool {
	at, _, err := reg.Cursor(a.log)
	return err == nil && at.Seq >= a.seq
}

// filed notes an application that its union may decide before the hub hears of it. made is
// the log for which its number was drawn.
func (u *unapplied) filed(reg *register.Register, made protocol.LogID, nonce []byte, a judged) {
	district, slot, _ := strings.Cut(made.Name, "-")
	n, err := protocol.MintNumber(district, slot, nonce)
	if err == nil && a.version.DecidedAtNode() {
		u.note(reg, n, a)
	}
}
