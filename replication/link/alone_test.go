package link_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// answering is a hub that has an event in the inbox for every block that it takes.
type answering struct{ *memHost }

func (a answering) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	a.memHost.Store(ctx, peer, b, func(at protocol.Position, ack *protocol.Ack, err error) {
		done(at, ack, err)
		if err == nil {
			a.file(inboxLog, 1)
		}
	})
}

// TestOneAlone: of one application on an open session where nothing follows, the
// acknowledgement and what the inbox says of it share a packet.
func TestOneAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
		node, hub := hostPair(t)
		serve(t, v.server, answering{hub})
		stop := dialing(t, v.node, func() string { return v.addr }, node)
		const records = 20
		var out, in uint64
		var packets int
		for i := range uint64(records + 2) {
			if i == 2 { // The hello and the introductions are over.
				out, in = v.node.Metered()
				packets = v.net.passed()
			}
			node.file(upLog, 1)
			node.until(t, "the acknowledgement", time.Minute, func() bool {
				return node.acked.Seq == i+1 && node.logs[inboxLog].head().Seq == i+1
			})
			<-time.After(time.Second)
		}
		outNow, inNow := v.node.Metered()
		packets = v.net.passed() - packets
		bytes, each := (outNow-out+inNow-in)/records, float64(packets)/records
		t.Logf("one alone: %d bytes in %.1f packets", bytes, each)
		if bytes > 590 || each > 4.1 {
			t.Errorf("one alone costs %d bytes in %.1f packets; want at most 590 in 4: the block, what answers it, that it arrived, and the transport's word on that", bytes, each)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestHoldIsDropped: the byte that keeps a way open is counted, and neither answered nor
// noticed by what goes on in the connection.
func TestHoldIsDropped(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNHub}, nil)
	client := d.open(t, subject(identity.RoleServer, "s2"), nil, nil)
	echo(t, server, link.ALPNHub)
	c, err := client.Dial(t.Context(), server.Addr().String(), link.ALPNHub)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, before := server.Metered()
	for range 50 {
		c.(*link.Conn).Hold()
	}
	got := make([]byte, 5)
	if _, err := c.Write([]byte("still")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "still" {
		t.Errorf("got %q, %v; want what was said", got, err)
	}
	if _, after := server.Metered(); after < before+50 {
		t.Errorf("%d bytes came; want the fifty at least", after-before)
	}
}
