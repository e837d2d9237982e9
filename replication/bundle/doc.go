// Package bundle carries one side of sync sessions on a file, for a USB stick
// where no link is: a line that names the format, then the messages that a session
// would send, each after its length. Two files make a session: what a centre has
// for its hub, and the hub's answer with acknowledgements, decisions and services.
//
// Enter by [Export], [Import] and [Read]. Whatever a message claims is verified by
// the same [replication.Host] as over a link: blocks, epochs and acknowledgements
// are signed, blocks are sealed, and a copied, lost or altered stick costs a delay
// and nothing else. Both directions may be repeated and broken off at any byte.
//
// The package refuses files that don't begin with its line. It keeps no state and
// knows no folder: what a reader has already is told to it.
package bundle
