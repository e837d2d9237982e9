// Package register is the district's register: the state that every server of a
// hub holds and that Raft keeps equal. It is the only place where the logs of
// the centres meet.
//
// # Enter
//
// [Open] gives a [Register]; [Register.Apply] takes one committed [Entry] after
// the other; the other methods answer questions, at any time and from any
// goroutine, as of the newest entry applied.
//
// # Determinism
//
// Servers apply the same entries at different times, on different machines, and
// again after a restart. So Apply looks at nothing but the entry and the state:
// no clock (the time is the entry's), no random source, no order of a map, no
// network. Whatever depends on a library that may change (a form's schema, an
// office's calendar, a signature) was judged by the leader and stands in the
// entry. Even the words of a refusal are state; DESIGN.md says what follows.
//
// # What it refuses
//
// It does not know Raft, opens no connection and checks no signature of a
// machine. An entry that cannot be read stops the server with a [Defect]:
// skipping it would let the servers drift apart unseen.
package register
