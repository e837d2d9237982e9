// Package gossip lets the nodes of one upazila find each other and hear how far
// each holds its log, by memberlist, encrypted under the upazila's key.
//
// It carries hints and nothing else: who is there, where, and signed heads. Any
// holder of the key could forge a membership message; that costs a delay. A head
// is believed only with the signature of the centre it speaks for. Identity,
// custody and revocation ride elsewhere, and everything works with gossip off.
//
// Enter at [Open], then [Gossip.Run]; [Advert.Sign] makes what Options.Advert
// returns.
//
// The package refuses to store anything, to speak without a key, and to keep
// adverts of centres that Options.Neighbours does not know.
package gossip
