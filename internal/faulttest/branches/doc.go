// Package branches puts boxes back to older copies of their disks and runs copies
// of them side by side, against a real group of three servers, and then counts:
// each printed receipt one case, each copy noticed, no honest box accused.
//
// Enter at TestRestoredBoxes and TestCopiedBoxes. A slice runs with every test;
// make fault FAULT_ARGS=-full runs fifty of each.
//
// It refuses to reach into a running box: it files as the counter does, and reads
// the register and the stopped box's own answers.
package branches
