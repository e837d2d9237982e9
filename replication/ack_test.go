package replication_test

import (
	"testing"

	"kendro/protocol"
	"kendro/replication"
)

// An acknowledgement is believed in nothing before its signature is verified, which
// is the host's: one that was altered on the way says neither that the log forked
// nor that its end is lost.
func TestAlteredAckAccusesNobody(t *testing.T) {
	log := names["up"]
	e := &events{}
	e.grow(log, 3, "")
	for name, at := range map[string]protocol.Position{
		"another hash at the head": {Seq: 3, Hash: protocol.Hash{1}},
		"another hash before it":   {Seq: 2, Hash: protocol.Hash{1}},
		"beyond the head":          {Seq: 9, Hash: protocol.Hash{1}},
	} {
		s := replication.NewSession(replication.Config{Have: []protocol.Head{{Log: log, At: e.head(log)}}})
		hello := &protocol.Hello{Version: protocol.SessionVersion, Want: []protocol.LogID{log}}
		if _, err := s.Receive(&protocol.Message{Hello: hello}); err != nil {
			t.Fatal(err)
		}
		s.Loaded(log, nil, []protocol.Block{e.block(log, 1, 2, [16]byte{}), e.block(log, 3, 3, [16]byte{})})
		actions, err := s.Receive(&protocol.Message{Ack: &protocol.Ack{Log: log, At: at}})
		if err != nil {
			t.Fatal(err)
		}
		handed := false
		for _, a := range actions {
			switch a := a.(type) {
			case replication.Note:
				t.Errorf("%s: notes %v", name, a.What)
			case replication.Send:
				t.Errorf("%s: sends %s", name, describe(a.Message))
			case replication.Acknowledged:
				handed = true
			}
		}
		if !handed || !s.Outstanding() {
			t.Errorf("%s: handed over %v, an answer due %v; want both", name, handed, s.Outstanding())
		}
	}
}

// What a box has forgotten is told to a peer whose hello says that it hears it, to no
// other, and not before its hello; who hears it hands it on.
func TestForgottenIsToldToWhoHears(t *testing.T) {
	word := &protocol.Forgotten{Log: names["up"], At: protocol.Position{Seq: 3}, Since: 5}
	for hears, want := range map[bool]int{true: 1, false: 0} {
		s := replication.NewSession(replication.Config{})
		if early := replication.Forget(s, word); len(early) != 0 {
			t.Errorf("before the hello %d messages are sent", len(early))
		}
		if _, err := s.Receive(&protocol.Message{Hello: &protocol.Hello{Version: protocol.SessionVersion, Forgets: hears}}); err != nil {
			t.Fatal(err)
		}
		if got := replication.Forget(s, word); len(got) != want {
			t.Errorf("to one who hears it (%v) %d messages are sent; want %d", hears, len(got), want)
		}
	}
	s := replication.NewSession(replication.Config{Forgets: true})
	hello, ok := s.Start()[0].(replication.Send)
	if !ok || !hello.Message.Hello.Forgets {
		t.Error("who hears it does not say so")
	}
	if _, err := s.Receive(&protocol.Message{Hello: &protocol.Hello{Version: protocol.SessionVersion}}); err != nil {
		t.Fatal(err)
	}
	actions, err := s.Receive(&protocol.Message{Forgotten: word})
	if err != nil || len(actions) != 1 || actions[0] != any(replication.Forgot{Forgotten: word}) {
		t.Errorf("it is handed on as %v, %v", actions, err)
	}
}
