package hub

import (
	"crypto/sha256"
	"errors"
	"sync"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// Bounds of what is remembered.
const (
	maxEpochKeys = 4096
	maxOpened    = 64
)

// An opener opens what boxes sealed to the district. It implements
// register.Opener and may be used concurrently.
type opener struct {
	packer *protocol.Packer
	keys   *generations

	mu     sync.Mutex                           // Guards what follows.
	epochs map[protocol.Hash]*identity.EpochKey // By the introduction: two may bear one ID.
	opened map[protocol.Hash][]protocol.Item    // By header and introduction: what this server judged and will apply.
}

func newOpener(packer *protocol.Packer, keys *generations) *opener {
	return &opener{
		packer: packer, keys: keys,
		epochs: map[protocol.Hash]*identity.EpochKey{}, opened: map[protocol.Hash][]protocol.Item{},
	}
}

// Open returns the events of a block. Without the key of the district that the
// epoch was sealed to it is [fault.NotFound]; everything else that does not open
// is [fault.Damaged], on every server.
func (o *opener) Open(b *protocol.Block, epoch *protocol.Epoch) ([]protocol.Item, error) {
	if items := o.recall(b, epoch); items != nil {
		return items, nil
	}
	if !b.Header.Sealed() {
		return o.packer.Open(b, nil)
	}
	if epoch == nil || epoch.ID != b.Header.Epoch {
		return nil, fault.New("hub.open", fault.Internal, b.Header.Epoch.String(), "the epoch's introduction was not given")
	}
	key, err := o.key(epoch)
	if err != nil {
		return nil, err
	}
	return o.packer.Open(b, key)
}

// openingPurpose binds what opens one text or document to it.
const openingPurpose = "kendro-opening-1 "

// unsealer returns what opens a text or a document that a box sealed whole: the key that it
// was sealed to, or its opening. [fault.NotFound]: there is neither.
func (o *opener) unsealer(reg *register.Register, c *protocol.Confidential, name protocol.Hash) (protocol.Unsealer, error) {
	const op = "hub.open"
	if k := o.keys.find(c.Key); k != nil {
		return k, nil
	}
	kept, err := reg.Opening(name)
	if errors.Is(err, fault.NotFound) {
		if g := reg.GenerationOf(c.Key); g != nil && g.ExpiredAt != 0 {
			return nil, fault.New(op, fault.NotFound, c.Key.String(), "it came after the key of the district's that it was sealed to had expired: have it said anew")
		}
		return nil, fault.New(op, fault.NotFound, c.Key.String(), "it was sealed to another key than the district's")
	}
	if err != nil {
		return nil, err
	}
	k := o.keys.find(kept.Key)
	if k == nil {
		return nil, fault.New(op, fault.NotFound, kept.Key.String(), "its opening is sealed to a key that is not here")
	}
	raw, err := k.Unseal(openingPurpose+string(name[:]), kept.Sealed)
	return identity.Opening(raw), err
}

// opening returns what opens a text or a document, sealed to another key of the district's,
// once it has been seen that it does.
func (o *opener) opening(reg *register.Register, c *protocol.Confidential, name protocol.Hash, to *register.Generation) (*register.Opening, error) {
	by, err := o.unsealer(reg, c, name)
	if err != nil {
		return nil, err
	}
	one, is := by.(identity.Opening)
	if k, whole := by.(*identity.SealingKey); whole && !is {
		if one, err = k.Opening(c.Sealed); err != nil {
			return nil, err
		}
	}
	if err := tried(c, one); err != nil {
		if tried(c, by) == nil { // Else it opens nowhere, and nothing is lost with the key.
			err = fault.New("hub.open", fault.Internal, name.String(), "it opens with its key, and not with what was taken out of that")
		}
		return nil, err
	}
	sealed, err := identity.SealTo(to.Public, openingPurpose+string(name[:]), one)
	return &register.Opening{Name: name, Key: to.Key(), Sealed: sealed}, err
}

// tried returns nil where something opens.
func tried(c *protocol.Confidential, by protocol.Unsealer) error {
	_, err := c.Reveal(by)
	if err != nil {
		_, err = c.RevealDocument(by)
	}
	return err
}

// lacks returns [fault.Unavailable] where something may open with a key of the district's that
// is not on this server.
func (o *opener) lacks(reg *register.Register, keys ...identity.KeyID) error {
	for _, id := range keys {
		if g := reg.GenerationOf(id); g != nil && g.ExpiredAt == 0 && o.keys.find(id) == nil {
			return fault.New("hub.open", fault.Unavailable, id.String(), "this sealing key of the district is not on this server yet")
		}
	}
	return nil
}

// forget lets go of all that was opened with keys that may be gone.
func (o *opener) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.epochs)
	clear(o.opened)
}

// reveal opens a text that a box sealed whole.
func (o *opener) reveal(reg *register.Register, c *protocol.Confidential) (*protocol.Secret, error) {
	by, err := o.unsealer(reg, c, c.Name())
	if err != nil {
		return nil, err
	}
	return c.Reveal(by)
}

// read opens what the box sealed of an application, if it did.
func (o *opener) read(reg *register.Register, s *protocol.Submission) error {
	if s.Secret == nil {
		return nil
	}
	secret, err := o.reveal(reg, s.Secret)
	if err == nil {
		s.Form, s.Applicant = secret.Form, secret.Applicant
	}
	return err
}

// document opens a document that its box sealed to the district.
func (o *opener) document(reg *register.Register, d protocol.Document, sealed []byte) (protocol.Document, []byte, error) {
	c := &protocol.Confidential{}
	if err := protocol.Unmarshal(sealed, protocol.MaxDocument, "sealed document", c); err != nil {
		return d, nil, fault.Wrap("hub.document", fault.Damaged, d.Hash.String(), err)
	}
	by, err := o.unsealer(reg, c, d.Hash)
	if err != nil {
		return d, nil, err
	}
	content, err := c.RevealDocument(by)
	if err != nil {
		return d, nil, err
	}
	kind, err := document.Check(content)
	d.Size, d.Type = uint32(len(content)), uint8(kind)
	return d, content, fault.Wrap("hub.document", fault.Damaged, d.Hash.String(), err)
}

// nameOf tells an opening apart from every other that could give other events.
// The header holds the hash of the body.
func nameOf(b *protocol.Block, e *protocol.Epoch) protocol.Hash {
	raw := protocol.Marshal(&b.Header)
	if e != nil {
		raw = append(raw, protocol.Marshal(e)...)
	}
	return sha256.Sum256(raw)
}

// judged keeps what the leader opened until it is applied here.
func (o *opener) judged(b *protocol.Block, e *protocol.Epoch, items []protocol.Item) {
	name := nameOf(b, e)
	o.mu.Lock()
	defer o.mu.Unlock()
	for h := range o.opened {
		if len(o.opened) < maxOpened {
			break
		}
		delete(o.opened, h)
	}
	o.opened[name] = items
}

// recall returns, once, what was opened before.
func (o *opener) recall(b *protocol.Block, e *protocol.Epoch) []protocol.Item {
	o.mu.Lock()
	none := len(o.opened) == 0
	o.mu.Unlock()
	if none {
		return nil
	}
	name := nameOf(b, e)
	o.mu.Lock()
	defer o.mu.Unlock()
	items := o.opened[name]
	delete(o.opened, name)
	return items
}

// key opens an epoch's key with whichever of the district's keys it was sealed to.
func (o *opener) key(e *protocol.Epoch) (*identity.EpochKey, error) {
	name := protocol.Hash(sha256.Sum256(protocol.Marshal(e)))
	o.mu.Lock()
	known := o.epochs[name]
	o.mu.Unlock()
	if known != nil {
		return known, nil
	}
	var last error
	for _, k := range o.keys.all() {
		key, err := identity.OpenWrap(k, e.ID, e.Wraps)
		if errors.Is(err, fault.NotFound) {
			last = err
			continue
		}
		if err != nil {
			return nil, err
		}
		o.mu.Lock()
		if len(o.epochs) >= maxEpochKeys {
			clear(o.epochs)
		}
		o.epochs[name] = key
		o.mu.Unlock()
		return key, nil
	}
	return nil, last
}

// Reveal opens what a box sealed to the district: [fault.NotFound] where none of its keys
// opens it. Who may read it, the caller has to ask. It may be called concurrently.
func (d Documents) Reveal(c *protocol.Confidential) (*protocol.Secret, error) {
	return d.papers.opener.reveal(d.papers.register(), c)
}
