// Package catalogue makes services out of files and keeps their promises: it
// reads a country pack's YAML, lints it, compiles forms, encodes and hashes
// versions, builds and signs releases, and checks what a counter sends in.
//
// Enter at [LoadPack] or [Build] to make a release, at [Joiner] and the decoders to
// read the hub's catalogue log, at [NewIntake] to check an application against a
// release, and at [Sample] for a plausible one.
//
// It refuses to guess. A file with one unknown key is a finding, a form with an
// unknown field is an error, and nothing is allocated by a length that was not
// checked against the limits below. It never reads the network or the clock.
package catalogue

// The limits. Whatever is longer is refused before it is parsed.
const (
	MaxFile      = 256 << 10 // One source file of a pack.
	MaxTable     = 4 << 20   // One list of areas.
	MaxFiles     = 2000      // Source files of a pack.
	MaxSchema    = 48 << 10  // The form of one version, as JSON.
	MaxVersion   = 60 << 10  // One encoded version.
	MaxRelease   = 1 << 20   // One encoded release: some 10,000 services.
	MaxDirectory = 8 << 20   // One encoded directory: a whole nation.
	MaxBody      = 48 << 10  // One application as posted.
	MaxPart      = 32 << 10  // The body of one parcel.
	MaxErrors    = 20        // Field errors told at once; the rest wait for the next try.
	maxDepth     = 16        // Nesting of a posted body or a source file.
)
