// Package search finds applications in a district's register: by receive number,
// mobile, identifier, words of a name in either script, or what a form says, such
// as a khatian's number; and cases of people who are very like one another.
//
// Enter at [Index.Follow], which reads the uplinks of the register and goes on where
// it stopped, and [Index.Find]. The index lies in memory and is made anew at every
// start, beside everything else: nothing waits for it, and an answer says when it is
// not complete yet. An application takes some 130 bytes.
//
// It refuses to say who may see what it found: the caller asks that of each hit.
package search
