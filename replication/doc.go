// Package replication makes two copies of logs equal: it decides what the two
// ends of a sync session say to each other.
//
// Two parties say which logs they hold, up to where, and which they want. Whoever
// is ahead on a log that the other wants streams blocks from the other's head on;
// the reader says what is durable, with a signed acknowledgement or with its
// head, and that opens the window for more. Cost grows with what is missing,
// never with what is stored. Everything may be repeated: a block that is already
// there is answered with the head, a gap is asked for again and never skipped.
//
// Enter at [NewSession]. A [Session] is a pure machine: messages and answers of
// the disk go in, [Action] values come out. Package link runs it over QUIC against
// a [Host], which is the whole of what a session needs from a node or a hub.
//
// The package refuses to read a clock, a disk or a network, to start a goroutine,
// and to look into a block: it sees positions and hashes, never what was sealed.
// Two different hashes for one position are a fork, once a host has verified who signed
// them; it stops the log and tells.
package replication
