// Package identity holds the keys of Kendro's machines and people: it makes
// them, certifies them, signs, verifies and seals with them.
//
// A machine has three kinds of key that never stand in for one another: a
// signing key ([Signer]) for what it says, a TLS key for the sessions it opens,
// and a sealing key ([SealingKey]) for what only it may read. A district has a
// certificate authority ([CA]) and a sealing key of its own.
//
// Enter at [NewCA] for a district, at [NewSigner] and [NewSealingKey] for a
// machine, at [NewEpoch] for sending and [OpenWrap] for receiving.
//
// The package refuses to decide who may do what: it says who somebody is.
// It reads no clock and no environment; times are arguments.
package identity
