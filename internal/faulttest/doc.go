// Package faulttest kills, cuts and flips, and then counts what is left. Its
// tests run whole districts as processes of the real binary; they stand behind
// the build tag fault and are run by make fault.
//
// Enter at TestNodeKilledUnderIntake, TestLeaderKilledUnderLoad,
// TestServersRebuiltFromSnapshots, TestDiskFull,
// TestFailingCalls, TestNodePowerCut, TestServerPowerCut and TestDamagedFileIsFound. Each prints its
// figures, and ends with one line that says what held. By default a slice runs;
// make fault FAULT_ARGS=-full runs the campaigns of which docs/benchmarks.md
// tells.
//
// It refuses to look inside a daemon that runs: what counts is what clients were
// told, and what lies on the disks afterwards.
package faulttest
