package hub

import (
	"crypto/sha256"
	"errors"
	"sync"

	"kendro/document"
	"kendro/domain/fault"
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

// read opens what the box sealed of an application, if it did.
func (o *opener) read(s *protocol.Submission) error {
	if s.Secret == nil {
		return nil
	}
	secret, err := s.Secret.Reveal(o.keys.all())
	if err == nil {
		s.Form, s.Applicant = secret.Form, secret.Applicant
	}
	return err
}

// document opens a document that its box sealed to the district.
func (o *opener) document(d protocol.Document, sealed []byte) (protocol.Document, []byte, error) {
	c := &protocol.Confidential{}
	if err := protocol.Unmarshal(sealed, protocol.MaxDocument, "sealed document", c); err != nil {
		return d, nil, fault.Wrap("hub.document", fault.Damaged, d.Hash.String(), err)
	}
	content, err := c.RevealDocument(o.keys.all())
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

// Reveal opens what a box sealed to the district: [fault.NotFound] where it was sealed to
// none of its keys. Who may read it, the caller has to ask. It may be called concurrently.
func (d Documents) Reveal(c *protocol.Confidential) (*protocol.Secret, error) {
	return c.Reveal(d.papers.opener.keys.all())
}
