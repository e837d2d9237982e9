package demo

import (
	"context"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
	"kendro/web/api"
)

// An entry is one application in a box's journal.
type entry struct {
	log    string
	seq    uint64
	hash   string
	signed bool // The box's receipt for it verifies.
}

// journals reads the journals of all stopped boxes from copies of their folders.
func (d *drama) journals() (map[protocol.Number][]entry, error) {
	all := map[protocol.Number][]entry{}
	for i, n := range d.Nodes {
		copied := filepath.Join(d.Dir, "evidence", n.Name)
		if err := os.RemoveAll(copied); err != nil {
			return nil, fault.Wrap(op, fault.Unavailable, copied, err)
		}
		for _, part := range []string{"vault", filepath.Join("journal", "own")} {
			if err := os.CopyFS(filepath.Join(copied, part), os.DirFS(filepath.Join(n.Dir, "records", part))); err != nil {
				return nil, fault.Wrap(op, fault.Unavailable, copied, err)
			}
		}
		if err := d.readJournal(copied, d.logOf(i), all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// logOf returns the log of a node, as its receipts name it.
func (d *drama) logOf(node int) protocol.LogID {
	for _, f := range d.filed {
		if f.node == node {
			return f.answer.Receipt.Log
		}
	}
	return protocol.LogID{}
}

func (d *drama) readJournal(dir string, log protocol.LogID, all map[protocol.Number][]entry) error {
	vault, err := store.OpenVault(filepath.Join(dir, "vault"))
	if err != nil {
		return err
	}
	own, _, err := journal.Open(filepath.Join(dir, "journal", "own"), journal.Options{Name: "own", Cipher: vault})
	if err != nil {
		return err
	}
	defer own.Close() // A copy that nobody writes to.
	return box.Describe(own, log, func(at protocol.Head, n protocol.Number) error {
		proof := d.seen.proofs[n]
		all[n] = append(all[n], entry{
			log: at.Log.String(), seq: at.At.Seq, hash: at.At.Hash.String(),
			signed: proof.Log == at.Log && proof.Seq == at.At.Seq && proof.Hash == at.At.Hash && proves(proof),
		})
		return nil
	})
}

// proves checks a printed receipt as anybody could, offline.
func proves(p api.Proof) bool {
	receipt := protocol.Receipt{Log: p.Log, At: protocol.Position{Seq: p.Seq, Hash: p.Hash}, Signature: p.Signature}
	return protocol.LinkHash(p.Log, p.Seq, p.Prev, p.Event) == p.Hash && receipt.Verify(p.Signer)
}

// readProofs asks each box for the proof of every receipt it printed.
func (d *drama) readProofs(ctx context.Context) error {
	d.seen.proofs = map[protocol.Number]api.Proof{}
	for _, f := range d.filed {
		var p api.Proof
		if err := d.counter[f.node].Do(ctx, api.Call{Path: "/v1/receipts/" + f.answer.Number.String() + "/proof", Out: &p}); err != nil {
			return err
		}
		d.seen.proofs[f.answer.Number] = p
	}
	return nil
}
