package protocol

// Sizes in bytes, and counts.
const (
	MaxEvent       = 64 << 10  // One encoded event.
	MaxBlockEvents = 256       // Events in a block.
	MaxBlockBody   = 256 << 10 // A block's sealed body.
	MaxBlockPlain  = 2 << 20   // A block's events, inflated.
	MaxMessage     = 320 << 10 // One message of a session: a block and its header.
	MaxHeads       = 4096      // Logs named in one message.
	MaxChannels    = 16        // Channels named in a hello.
	MaxWraps       = 16        // Recipients of an epoch.
	MaxName        = 128       // Names of logs, users, posts, services.
	MaxText        = 4 << 10   // A reason or note in a message.
	MaxCert        = 4 << 10   // A certificate.
	MaxAddresses   = 32        // Addresses of a district's servers.
	MaxRPC         = 1 << 20   // A request or answer between servers of a hub.
	MaxToken       = 8 << 10   // A join token as text.
	MaxDocument    = 2 << 20   // A document as it is kept.
	MaxDocuments   = 16        // Documents of one application.
	MaxReturned    = 512       // Logs, names and logins in a box's request to return.
	MaxOffered     = 256       // Documents named in one offer.
	DocumentChunk  = 31 << 10  // A piece of a document; sealed and headed it stays below 32 KiB.
)

// Versions of what is written.
const (
	SessionVersion = 1 // The newest that this build speaks.
	OldestSession  = 1 // The oldest.
	CodecPlain     = 0 // A block body as it is.
	CodecZstd      = 1 // A block body compressed by zstd (RFC 8878), no dictionary.

	// CodecDictionary1 is zstd with the dictionary in dictionary/1.zdict. It is sent
	// only to who says that it reads it.
	CodecDictionary1 = 2

	// CodecLeaning is zstd over events that were compressed against earlier ones of
	// their log, see [Leaning]. It is sent only to who says that it reads it.
	CodecLeaning = 3

	// CodecErased is zstd over the hashes that stand in the places of erased events, see
	// [ErasedRaw]. It is sent only to who says that it reads it.
	CodecErased = 4
)

// Contexts of signatures, see identity.Signer.Sign.
const (
	contextReceipt = "kendro-receipt-1"
	contextBlock   = "kendro-block-1"
	contextAck     = "kendro-ack-1"
	contextEpoch   = "kendro-epoch-1"
	contextBase    = "kendro-base-1"

	contextRefounding = "kendro-refounding-1"
	contextReturn     = "kendro-return-1"
	contextShelved    = "kendro-shelved-1"
	contextWarrant    = "kendro-warrant-1"

	contextAttestation = "kendro-certificate-1"
)
