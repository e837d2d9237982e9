package replication_test

import (
	"testing"

	"kendro/protocol"
	"kendro/replication"
)

// TestInquiryOnlyToWhoAnswers: a peer whose hello promises no answers is asked nothing, and
// neither is one that has not said hello; an answer goes to whoever asked.
func TestInquiryOnlyToWhoAnswers(t *testing.T) {
	ask := &protocol.Inquiry{ID: 1, Number: 4100109292280148}
	answer := &protocol.Inquiry{ID: 1, Number: 4100109292280148, Fault: &protocol.Failure{}}
	for _, c := range []struct {
		name            string
		hello           *protocol.Hello
		asks, answering bool
	}{
		{name: "before the hello"},
		{name: "of before", hello: &protocol.Hello{Version: 1}, answering: true},
		{name: "answers", hello: &protocol.Hello{Version: 1, Answers: true}, asks: true, answering: true},
	} {
		s := replication.NewSession(replication.Config{})
		s.Start()
		if c.hello != nil {
			if _, err := s.Receive(&protocol.Message{Hello: c.hello}); err != nil {
				t.Fatal(err)
			}
		}
		if asks, answers := len(replication.Inquire(s, ask)) == 1, len(replication.Inquire(s, answer)) == 1; asks != c.asks || answers != c.answering {
			t.Errorf("%s: asked %v, answered %v; want %v, %v", c.name, asks, answers, c.asks, c.answering)
		}
	}
}
