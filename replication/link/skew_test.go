package link_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// before speaks as a build does that knows no shorthand: it says a hello without
// it, writes whole messages, and can't read a short length or an unknown kind.
type before struct {
	t    *testing.T
	conn net.Conn
}

func (b before) says(m *protocol.Message) {
	b.t.Helper()
	if _, err := b.conn.Write(protocol.EncodeMessage(m)); err != nil {
		b.t.Fatal(err)
	}
}

// hears returns the next message that says something.
func (b before) hears() *protocol.Message {
	b.t.Helper()
	_ = b.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	m, err := protocol.ReadMessage(b.conn)
	if err != nil || m.Empty() {
		b.t.Fatalf("a peer of before reads %+v, %v", m, err)
	}
	return m
}

// TestServerOfBefore: a node of this build sends block after block to a server that
// knows no shorthand, and takes its whole acknowledgements.
func TestServerOfBefore(t *testing.T) {
	node, hub := hostPair(t)
	a, b := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- link.RunSession(t.Context(), a, replication.Peer{}, node) }()
	server := before{t, b}
	if m := server.hears(); m.Hello == nil || m.Hello.Shorthand == 0 {
		t.Fatalf("got %+v; want a hello that offers shorthand", m)
	}
	server.says(&protocol.Message{Hello: &protocol.Hello{Version: 1, Want: []protocol.LogID{upLog}, Cert: []byte("the certificate")}})
	for seq := uint64(1); seq <= 5; seq++ {
		node.file(upLog, 1)
		m := server.hears()
		if m.Epoch != nil {
			m = server.hears()
		}
		if m.Block == nil || m.Block.Header.Last != seq {
			t.Fatalf("got %+v; want event %d in a block", m, seq)
		}
		if err := m.Block.Verify(node.signer.Public()); err != nil {
			t.Fatal(err)
		}
		ack := &protocol.Ack{Log: upLog, At: protocol.Position{Seq: seq, Hash: m.Block.Header.End}, Index: seq}
		ack.Sign(hub.signer)
		server.says(&protocol.Message{Ack: ack})
		node.until(t, "acknowledged", 10*time.Second, func() bool { return node.acked.Seq == seq })
	}
	_ = b.Close()
	if err := <-ended; !errors.Is(err, fault.Unavailable) {
		t.Fatalf("got %v; want Unavailable", err)
	}
}

// TestNodeOfBefore: a server of this build takes the blocks of a node that knows no
// shorthand, and acknowledges in full.
func TestNodeOfBefore(t *testing.T) {
	node, hub := hostPair(t)
	a, b := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- link.RunSession(t.Context(), a, replication.Peer{}, hub) }()
	box := before{t, b}
	box.says(&protocol.Message{Hello: &protocol.Hello{Version: 1, Want: []protocol.LogID{inboxLog}}})
	if m := box.hears(); m.Hello == nil {
		t.Fatalf("got %+v; want a hello", m)
	}
	var from protocol.Position
	node.seal = nil
	for seq := uint64(1); seq <= 5; seq++ {
		node.file(upLog, 1)
		_, blocks, err := node.Load(t.Context(), replication.Peer{}, upLog, from, 1)
		if err != nil {
			t.Fatal(err)
		}
		box.says(&protocol.Message{Block: &blocks[0]})
		m := box.hears()
		if m.Ack == nil || m.Ack.At.Seq != seq || m.Ack.Verify(hub.signer.Public()) != nil {
			t.Fatalf("got %+v; want event %d acknowledged", m, seq)
		}
		from = m.Ack.At
	}
	hub.seal = nil
	hub.file(inboxLog, 1)
	if m := box.hears(); m.Block == nil || m.Block.Verify(hub.signer.Public()) != nil {
		t.Fatalf("got %+v; want the inbox's event", m)
	}
	_ = b.Close()
	if err := <-ended; !errors.Is(err, fault.Unavailable) {
		t.Fatalf("got %v; want Unavailable", err)
	}
}
