// Package protocol holds every byte that Kendro writes to a wire or a disk for
// another Kendro to read: events and the logs they stand in, the blocks that
// carry them, receipts, acknowledgements, the messages of a sync session, join
// tokens, and the receive number.
//
// The encoding is deterministic CBOR (RFC 8949 §4.2) with integer keys;
// kendro.cddl is its schema and testdata holds golden vectors. What was signed
// is verified as received and never encoded again, so that fields which only a
// newer version knows survive as signed bytes.
//
// Enter at [Event], [Block] and [Message]. Limits are constants in limits.go,
// and no decoder allocates by a length that it has not checked.
//
// The package refuses to store, send or decide anything.
package protocol
