// Package link carries Kendro's sessions over QUIC: one UDP port for everything,
// mutual TLS 1.3 under the district's authority, and one protocol for each kind of
// talk ([ALPNSync], [ALPNRaft], [ALPNHub], [ALPNEnrol]) with the roles that may
// speak it.
//
// Enter at [Open] for an [Endpoint], which hands out a net.Conn for each stream:
// [Endpoint.Accept] by protocol, [Endpoint.Dial] by address and protocol.
// [RunSession] drives a replication.Session over such a stream against a host.
// [DialEnrol] is for a machine that has no certificate yet.
//
// The package refuses to speak to anyone whom the district's authority has not
// certified for a role that the protocol admits, enrolment excepted, to send
// anything before the handshake is done (0-RTT), and to decide what is said.
package link
