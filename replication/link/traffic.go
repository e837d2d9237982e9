package link

import (
	"net"
	"sync/atomic"

	"kendro/protocol"
)

// A Purpose is what bytes on the wire are for.
type Purpose uint8

// The purposes, in the order in which a session sends. [Overhead] is what is left
// of the UDP payload: handshakes, headers, the transport's own acknowledgements and
// whatever it had to send again.
const (
	Acks         Purpose = iota // Acknowledgements, heads, wishes, refusals.
	Applications                // Blocks of uplinks.
	Inbox                       // Blocks of inboxes.
	Catalogue                   // Blocks of the catalogue.
	Documents                   // What is carried of documents.
	Sessions                    // Hellos and the introductions of epochs.
	Servers                     // Raft and calls among the servers of a hub.
	Other                       // Enrolment, and what a later version has.
	Overhead
	purposes
)

func (p Purpose) String() string {
	return [...]string{"acks", "applications", "inbox", "catalogue", "documents", "sessions", "servers", "other", "overhead"}[p]
}

// Purposes lists all purposes.
func Purposes() []Purpose {
	out := make([]Purpose, purposes)
	for i := range out {
		out[i] = Purpose(i)
	}
	return out
}

// traffic counts what the streams of an endpoint carry, by purpose. It is safe for
// concurrent use.
type traffic struct{ out, in [purposes]atomic.Uint64 }

// Traffic returns the bytes sent and received for a purpose, as the streams carry
// them; [Overhead] is the rest of what [Endpoint.Metered] counts.
func (e *Endpoint) Traffic(p Purpose) (out, in uint64) {
	if p != Overhead {
		return e.traffic.out[p].Load(), e.traffic.in[p].Load()
	}
	out, in = e.Metered()
	for i := range Overhead {
		out -= min(out, e.traffic.out[i].Load()) // Bytes that wait to be sent are counted already.
		in -= min(in, e.traffic.in[i].Load())
	}
	return out, in
}

// streamPurpose is what a whole stream is for. A session counts its messages
// itself; its stream counts as Overhead, which nobody reads.
func streamPurpose(alpn string) Purpose {
	switch alpn {
	case ALPNRaft, ALPNHub:
		return Servers
	case ALPNSync:
		return Overhead
	}
	return Other
}

// purposeOf sorts the messages of a session.
func purposeOf(m *protocol.Message) Purpose {
	switch {
	case m.Block != nil:
		switch m.Block.Header.Log.Channel {
		case protocol.Uplink:
			return Applications
		case protocol.Inbox, protocol.InboxBase:
			return Inbox
		case protocol.Catalogue, protocol.CatalogueBase:
			return Catalogue
		}
	case m.Hello != nil, m.Epoch != nil:
		return Sessions
	case m.Heads != nil, m.Want != nil, m.Ack != nil, m.Passed != nil, m.Refused != nil, m.Busy != nil, m.Base != nil, m.Fare != nil, m.Inquiry != nil, m.Forgotten != nil:
		return Acks
	case m.Offer != nil, m.Chunk != nil, m.Taken != nil:
		return Documents
	}
	return Other
}

// metered returns the counters of a session's stream; one that is not of an
// endpoint, as in tests and over files, counts for itself.
func metered(c net.Conn) *traffic {
	if c, ok := c.(*Conn); ok {
		return c.traffic
	}
	return new(traffic)
}
