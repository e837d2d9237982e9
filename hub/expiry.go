package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// expirePause is how long a server waits where its part could not be done.
const expirePause = 2 * time.Second

// An expiringAnswer says how many blocks a server keeps unopened that are sealed to a key.
type expiringAnswer struct {
	Held int `cbor:"1,keyasint,omitempty"`
}

// answerExpiring says what lies here, sealed, for lack of a leader.
func (h *holding) answerExpiring(c *protocol.Call) answerFunc {
	q := &sealingCall{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "sealing key", q); err != nil {
		return failed(err)
	}
	return func(context.Context) (any, error) {
		n, err := h.sealedTo(q.Key)
		return &expiringAnswer{Held: n}, err
	}
}

// sealedTo counts the blocks that are held here in epochs which are sealed to a key.
func (h *holding) sealedTo(id identity.KeyID) (n int, err error) {
	for _, s := range h.store.Shelves() {
		for at := s.Base; at.Seq < s.Head.At.Seq; {
			epochs, blocks, err := h.store.Load(s.Head.Log, at, protocol.MaxBlockEvents)
			if err != nil || len(blocks) == 0 {
				return n, err
			}
			for i := range blocks {
				b := &blocks[i].Header
				if slices.ContainsFunc(epochs, func(e protocol.Epoch) bool { return e.ID == b.Epoch && e.WrapsTo(id) }) {
					n++
				}
				at = protocol.Position{Seq: b.Last, Hash: b.End}
			}
		}
	}
	return n, nil
}

// An expirer sees a sealing key of the district's to its end: see the register for the
// steps.
type expirer struct {
	*group
	keys    *openKeys
	opener  *opener
	papers  *papers
	holding *holding
	sweeper *sweeper
	dir     string
}

func expirerOf(h *Hub) *expirer {
	return &expirer{h.group, h.keys, h.papers.opener, h.papers, h.host.holding, h.sweeper, h.o.Dir}
}

// run does this server's part whenever there is one, until ctx ends. A server that comes
// back does it at once.
func (x *expirer) run(ctx context.Context) {
	said := ""
	for pause := time.Duration(0); rest(ctx, pause); {
		pause = sealkeepEvery
		for _, g := range x.register().Generations() {
			if g.ExpiringAt == 0 {
				continue
			}
			if err := x.step(ctx, g); err != nil && ctx.Err() == nil {
				pause = expirePause
				if said != err.Error() { // Once, though it is tried often.
					x.log.Warn("an old sealing key of the district is not gone yet", "generation", g.Number, "err", err)
				}
				said = err.Error()
			}
		}
	}
}

// step does what is due of a generation's end. Each may be repeated.
func (x *expirer) step(ctx context.Context, g *register.Generation) error {
	switch {
	case g.ExpiredAt != 0:
		return x.drop(ctx, g)
	case slices.Contains(x.register().Uncut(g), x.id):
		return x.cut(ctx, g)
	case x.leads() && len(x.register().Uncut(g)) == 0:
		return x.end(ctx, g)
	}
	return nil
}

// cut has Raft's log begin here behind the entry since which nothing is opened with the key.
func (x *expirer) cut(ctx context.Context, g *register.Generation) error {
	n, err := x.holding.sealedTo(g.Key())
	if err == nil && n > 0 {
		err = fault.New("hub.expire", fault.Conflict, x.id, heldText(n))
	}
	if err == nil {
		err = x.behind(ctx, g)
	}
	if err != nil {
		return err
	}
	said := &register.SealingCut{Key: g.Key(), Server: x.id}
	_, err = x.do(ctx, register.NewCommand(fmt.Sprintf("cut %s %d %s", g.Key(), g.ExpiringIndex, x.id), register.ActorHub, register.CutSealing, said))
	if err == nil {
		x.log.Info("Raft's log here holds nothing any more that is sealed to an old key of the district", "generation", g.Number, "entry", g.ExpiringIndex)
	}
	return err
}

// behind makes sure that Raft's log begins behind a generation's last entry.
func (x *expirer) behind(ctx context.Context, g *register.Generation) error {
	if x.sweeper.disk.log.journal.Oldest() > g.ExpiringIndex {
		return nil
	}
	return x.sweeper.cut(ctx, g.ExpiringIndex)
}

// end has the key expire, once nothing that the register holds needs it.
func (x *expirer) end(ctx context.Context, g *register.Generation) error {
	left, index, err := x.renew(ctx, g)
	if err == nil && len(left) > 0 {
		err = fault.New("hub.expire", fault.Conflict, left[0].Item, left[0].Why)
	}
	if err != nil {
		return err
	}
	ended := &register.SealingEnded{Key: g.Key(), Looked: index}
	_, err = x.do(ctx, register.NewCommand(fmt.Sprintf("end %s %d", g.Key(), index), register.ActorHub, register.EndSealing, ended))
	return err
}

// drop throws the key away on this server. A folder that was put back from a copy has its
// log cut first.
func (x *expirer) drop(ctx context.Context, g *register.Generation) error {
	if x.keys.district.find(g.Key()) != nil {
		if err := x.behind(ctx, g); err != nil {
			return err
		}
		if err := x.sweeper.snapshot(); err != nil { // Whoever writes a share of this folder finds what stands in the key's place.
			return err
		}
		if err := x.keys.forget(x.dir, g.Key()); err != nil {
			return err
		}
		x.opener.forget()
		x.papers.forgetEpochs()
		x.log.Info("an old sealing key of the district is gone from this server", "generation", g.Number, "key", g.Key().String())
	}
	if !slices.Contains(x.register().Holding(g), x.id) {
		return nil
	}
	said := &register.SealingCut{Key: g.Key(), Server: x.id}
	_, err := x.do(ctx, register.NewCommand(fmt.Sprintf("dropped %s %s", g.Key(), x.id), register.ActorHub, register.DropSealing, said))
	return err
}

func heldText(n int) string {
	return fmt.Sprintf("this server keeps %d blocks unopened that are sealed to the key: bring their box to where it hears, or wait until a leader has them", n)
}

// A lookout is what stands in the way of a key's end.
type lookout struct {
	openings []register.OpeningKept // That the register lacks,
	papers   []register.Confided    // of documents, still to be found out.
	left     []register.Obstacle
	index    uint64 // As of which entry.
}

// look goes through all that boxes sealed whole, and makes what opens it without an earlier
// key than the one that boxes seal to now.
func (x *expirer) look(ctx context.Context, g *register.Generation) (*lookout, error) {
	reg, to := x.register(), x.current()
	out := &lookout{}
	var err error
	out.index, err = reg.EachConfided(ctx, func(c *register.Confided) error {
		switch {
		case c.To == to.Key():
			return nil
		case c.Document != nil:
			out.papers = append(out.papers, *c)
			return nil
		}
		return x.add(out, reg, c, c.Text, to)
	})
	for i := range out.papers {
		if err == nil {
			err = x.paper(ctx, out, reg, &out.papers[i], to)
		}
	}
	if err == nil {
		err = x.aside(out, reg, g)
	}
	return out, err
}

// current is the generation that boxes seal to.
func (x *expirer) current() (to *register.Generation) {
	for _, g := range x.register().Generations() {
		if g.AnnouncedAt != 0 {
			to = g
		}
	}
	return to
}

// add makes the opening of one thing. What opens with no key of the district's, now or ever,
// loses nothing.
func (x *expirer) add(out *lookout, reg *register.Register, c *register.Confided, sealed *protocol.Confidential, to *register.Generation) error {
	if sealed.Key == to.Key() {
		return nil
	}
	if err := x.opener.lacks(reg, sealed.Key, c.To); err != nil {
		return err
	}
	o, err := x.opener.opening(reg, sealed, c.Name(), to)
	switch {
	case errors.Is(err, fault.NotFound) || errors.Is(err, fault.Damaged):
		x.log.Warn("something that a box sealed can't be opened", "log", c.Log.String(), "seq", c.Seq, "err", err)
		return nil
	case err != nil:
		return err
	}
	out.openings = append(out.openings, register.OpeningKept{Opening: *o, Log: c.Log, Seq: c.Seq})
	return nil
}

// paper does it for a document. One that is not here yet may be sealed to the key that is to
// go.
func (x *expirer) paper(ctx context.Context, out *lookout, reg *register.Register, c *register.Confided, to *register.Generation) error {
	known, err := reg.Paper(c.Document.Hash)
	switch {
	case errors.Is(err, fault.NotFound) || err == nil && known.Erased != 0 && known.Held == 0:
		return nil // It was erased by order, or stands in an event that no case is of.
	case err != nil:
		return err
	case known.Held == 0 && reg.LongGone(c.Log):
		return nil
	case known.Held == 0:
		out.left = append(out.left, register.Obstacle{Item: c.Log.String(), Why: "a document that this box sealed is not here, and may be sealed to the key: wait until the box has sent it"})
		return nil
	}
	_, content, err := x.papers.document(ctx, c.Document.Hash)
	if err != nil {
		return err
	}
	raw, ok := document.Enclosed(content)
	sealed := &protocol.Confidential{}
	if !ok || protocol.Unmarshal(raw, protocol.MaxDocument, "sealed document", sealed) != nil {
		return nil //nolint:nilerr // It can't be opened, whatever the key.
	}
	return x.add(out, reg, c, sealed, to)
}

// mostAside bounds what is looked through of what was set aside.
const mostAside = 1 << 20

// aside finds blocks that nobody could open, and that wait for a person.
func (x *expirer) aside(out *lookout, reg *register.Register, g *register.Generation) error {
	list, err := reg.Quarantined(mostAside)
	if err != nil {
		return err
	}
	for _, q := range list {
		if q.Size == 0 {
			continue
		}
		waits, err := reg.Matter(fmt.Sprintf("aside-%d-%d", q.Index, q.Place))
		if err != nil {
			return err
		}
		raw, err := reg.Block(q)
		if err != nil {
			return err
		}
		var b protocol.Block
		if err := protocol.Unmarshal(raw, protocol.MaxRPC, "block", &b); err != nil {
			return fault.Wrap("hub.expire", fault.Damaged, q.Log.String(), err)
		}
		e, err := reg.EpochOf(b.Header.Epoch)
		if waits != nil && err == nil && e.WrapsTo(g.Key()) {
			out.left = append(out.left, register.Obstacle{Item: q.Log.String(), Why: "a block of this box that nobody could open waits on the conflict desk: see to it there first"})
		}
	}
	return nil
}

// renew has the register keep what it lacks of what opens what boxes sealed whole, and says
// what is left in the way, as of which entry.
func (x *expirer) renew(ctx context.Context, g *register.Generation) ([]register.Obstacle, uint64, error) {
	out, err := x.look(ctx, g)
	if err != nil {
		return nil, 0, err
	}
	for some := range slices.Chunk(out.openings, register.MaxOpenings) {
		body := &register.OpeningsKept{List: some}
		id := fmt.Sprintf("openings %x", sha256.Sum256(protocol.Marshal(body)))
		if _, err := x.do(ctx, register.NewCommand(id, register.ActorHub, register.KeepOpenings, body)); err != nil {
			return nil, 0, err
		}
	}
	if len(out.openings) > 0 {
		x.log.Info("what boxes had sealed whole can be opened with the district's newest key", "count", len(out.openings))
	}
	return out.left, out.index, nil
}

// Expiry lets the district's earlier sealing keys expire. It may be called concurrently.
type Expiry struct{ x *expirer }

// ExpiryOf returns what lets sealing keys expire by way of this server.
func ExpiryOf(h *Hub) Expiry { return Expiry{expirerOf(h)} }

// Against says what stands against the expiry of a sealing key, nothing where it may expire.
// [fault.Unavailable]: a server of the group does not answer, or is of the version before.
func (e Expiry) Against(ctx context.Context, key identity.KeyID) ([]register.Obstacle, error) {
	g, list, err := e.asked(ctx, key)
	if err != nil {
		return nil, err
	}
	if g.ExpiredAt != 0 {
		return nil, nil
	}
	out, err := e.x.look(ctx, g)
	if err != nil {
		return nil, err
	}
	return append(list, out.left...), nil
}

// asked returns a generation, and what boxes and servers stand against its end.
func (e Expiry) asked(ctx context.Context, key identity.KeyID) (*register.Generation, []register.Obstacle, error) {
	const op = "hub.Expiry"
	x := e.x
	index, err := x.newest.ask(ctx, x.leaderIndex)
	if err != nil || !x.progress.wait(ctx, index) {
		return nil, nil, fault.New(op, fault.Unavailable, x.id, "this server does not know what the others do: send again")
	}
	g := x.register().GenerationOf(key)
	if g == nil {
		return nil, nil, fault.New(op, fault.NotFound, key.String(), "no such sealing key of the district")
	}
	if g.ExpiringAt != 0 {
		return g, nil, nil
	}
	list := x.register().Against(g)
	for _, s := range x.register().Servers() {
		n, err := x.heldBy(ctx, s, key)
		if err != nil {
			return nil, nil, err
		}
		if n > 0 {
			list = append(list, register.Obstacle{Item: s.ID, Why: heldText(n)})
		}
	}
	return g, list, nil
}

// heldBy asks a server how many blocks it keeps unopened. One of the version before knows
// no such call.
func (x *expirer) heldBy(ctx context.Context, s *register.Server, key identity.KeyID) (int, error) {
	if s.ID == x.id {
		return x.holding.sealedTo(key)
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	address := x.book.address(s.ID)
	if address == "" {
		return 0, fault.New("hub.Expiry", fault.Unavailable, s.ID, "where this server listens is not known")
	}
	var out expiringAnswer
	err := x.call(ctx, address, callExpiring, &sealingCall{Key: key}, &out)
	if errors.Is(err, fault.Invalid) {
		err = fault.New("hub.Expiry", fault.Unavailable, s.ID, "this server is of the version before, and lets no key expire: update it, and send again")
	}
	return out.Held, err
}

// Expire begins the end of a sealing key, for whoever asked: first all that boxes sealed to
// it whole gets an opening of the key that they seal to now. Asked again it answers the same.
//
// [fault.Conflict]: something stands against it, the first of which is named.
func (e Expiry) Expire(ctx context.Context, actor, id string, key identity.KeyID) (*register.Generation, error) {
	g, list, err := e.asked(ctx, key)
	if err != nil {
		return nil, err
	}
	if g.ExpiringAt == 0 {
		if len(list) == 0 {
			list, _, err = e.x.renew(ctx, g)
		}
		if err == nil && len(list) > 0 {
			err = fault.New("hub.Expiry", fault.Conflict, list[0].Item, list[0].Why+more(len(list)-1))
		}
		if err != nil {
			return nil, err
		}
	}
	res, err := e.x.do(ctx, register.NewCommand(id, actor, register.ExpireSealing, register.SealingNamed{Key: key}))
	if err != nil {
		return nil, err
	}
	began := &register.Generation{}
	return began, res.Decode(began)
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more: kendro hub key status --generation)", n)
}
