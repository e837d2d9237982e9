package hubtest

import (
	"bytes"

	"kendro/domain/place"
	"kendro/hub"
	"kendro/replication/bundle"
)

// Stick is what the leader writes for a centre that comes by hand.
func (g *Group) Stick(c place.Centre) []byte {
	g.tb.Helper()
	raw := bytes.NewBufferString(bundle.Magic)
	if err := hub.NewMail(g.Leader().Hub).Export(g.tb.Context(), c, nil, 0, raw); err != nil {
		g.tb.Fatal(err)
	}
	return raw.Bytes()
}

// Bring hands a stick in at the leader.
func (g *Group) Bring(stick []byte) (*bundle.Report, error) {
	g.tb.Helper()
	return hub.NewMail(g.Leader().Hub).Import(g.tb.Context(), bytes.NewReader(stick))
}
