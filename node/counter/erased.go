package counter

import (
	"context"
	"encoding/json"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// erased answers about cases that were erased by order.
type erased struct{ *counter }

// of returns what is left of a case that was erased by order, for whoever may read
// cases here; nil where it was not.
func (c erased) of(ctx context.Context, number string) (*box.Erased, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.ReadCase, c.readable()); err != nil {
		return nil, err
	}
	n, err := protocol.ParseNumber(number)
	if err != nil {
		return nil, err
	}
	return c.Box.Erased(n)
}

// note says who had it erased, under which law.
func (c erased) note(w *protocol.ErasedCase) *api.ErasureNote {
	if w == nil {
		return nil
	}
	name := place.Name{BN: w.By.Post, EN: w.By.Post}
	if set := c.set(); set != nil {
		if p, ok := set.Directory.Post(w.By.Post); ok {
			name = p.Name
		}
	}
	return &api.ErasureNote{At: api.Millis(w.At), By: api.NamedOf(w.By.Post, name), Basis: w.Basis}
}

// record is the record of an erased case.
func (c erased) record(g *box.Erased) *recordAnswer {
	at := api.Millis(g.Word.At)
	r := &api.Record{
		Number: g.Number, Stage: g.Word.Stage, Custody: api.Erased, Centre: c.Box.Centre(), Form: json.RawMessage(`{}`), Applicant: json.RawMessage(`{}`),
		Documents: []api.DocumentNote{}, Fees: []protocol.Fee{}, SubmittedAt: api.TimeOf(g.Issued), Since: at, History: []api.HistoryEntry{},
	}
	r.Erased = c.note(&g.Word)
	if g.Receipt != nil {
		receipt := api.ReceiptOf(*g.Receipt, g.Issued)
		r.Receipt = &receipt
	}
	return &recordAnswer{ETag: api.ETag(0), Body: r}
}

// proof proves the receipt of an erased case: its place and hash, signed.
func (c erased) proof(g *box.Erased) (*api.Proof, error) {
	if g.Receipt == nil {
		return nil, fault.New("counter.Proof", fault.NotFound, "receipt", "no receipt of this number was printed here")
	}
	r := g.Receipt
	return &api.Proof{
		Number: g.Number, Log: r.Log, Seq: r.At.Seq, Prev: g.Prev, Hash: r.At.Hash, Event: protocol.ErasedRaw(r.At.Hash),
		Signature: r.Signature, Signer: c.Signer, Certificate: c.Certificate, Authority: c.Authority,
	}, nil
}
