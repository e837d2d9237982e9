// Package arch holds the map of Kendro's packages and keeps the code to it.
//
// It has no code of its own, only tests. Enter at map_test.go: mayImport says
// which folder may import which, oneHome which folder alone may know a heavy
// library, pure which packages must not touch the outside world. The other rules
// (package docs, no init, no hidden clock, sizes) are in rules_test.go, and each
// is shown in planted_test.go to fail on a source that breaks it. pages_test.go
// follows the links between the pages of the documentation.
//
// A new folder begins with a line in mayImport. It refuses exceptions without a
// reason: whatever is longer than the rule allows stands in excused with a
// sentence that says why.
package arch
