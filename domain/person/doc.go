// Package person says whether two papers speak of the same citizen: by numbers, and
// by names that are spelt in two scripts and many ways.
//
// Enter at [Compare]. [Person.Keys] gives what an index holds, so that a few
// candidates are compared and not everybody.
//
// It refuses to merge people: what it finds is a likeness with its reasons, for
// somebody to look at. Links are made and taken back by a person.
package person
