package box

import (
	"kendro/document"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
)

// seal puts in place of a document that was uploaded the same sealed to the district: this
// box can't read it again. What was here in the open is thrown away, unless another case
// has it too.
func (b *Intake) seal(d protocol.Document) (protocol.Document, error) {
	const op = "box.seal"
	if document.Type(d.Type) == document.Sealed {
		return d, nil
	}
	open := d.Hash
	_, content, err := b.papers.tray.Describe(open)
	if err != nil {
		return d, err
	}
	to, err := b.memory.district()
	if err != nil {
		return d, err
	}
	secret, err := protocol.ConcealDocument(to, content)
	if err != nil {
		return d, err
	}
	kept := document.Enclose(protocol.Marshal(secret))
	if len(kept) > document.MaxStored {
		return d, fault.New(op, fault.Invalid, "document", "longer than 1.9 MiB, which is all that can be sealed: scan fewer pages, or with less resolution")
	}
	d.Size, d.Type = uint32(len(kept)), uint8(document.Sealed)
	if d.Hash, err = b.papers.tray.Put(kept); err != nil {
		return d, err
	}
	if err := b.papers.tray.Note(cabinet.Kept{Original: open, Stored: d.Hash}); err != nil {
		return d, err
	}
	other, err := b.papers.isNamed(open)
	if err != nil || other {
		return d, err
	}
	return d, b.papers.tray.Remove(open)
}

// isNamed reports whether a record of this box names a document.
func (b *Papers) isNamed(h protocol.Hash) (named bool, err error) {
	x := papersIndex{b.index}
	err = b.view(func(tx *store.Tx) error {
		for _, key := range [][]byte{x.paperKey(h), x.heldKey(h)} {
			has, err := tx.Has(key)
			if named = named || has; err != nil {
				return err
			}
		}
		return nil
	})
	return named, err
}
