// Package sim is kendro sim: a district for days of virtual time in a second of
// ours, with everything that can go wrong.
//
// Enter at [Command], or at [Run] for one seed. The boxes, their journals and
// what they believe, the session machine, the leader's judgement and the register
// are those that ship. Simulated are what lies under them: the disk, the link, the
// order that Raft gives, the clocks, and the people at the counters. One
// goroutine does it all; the seed decides everything, so that the same seed goes
// the same way again.
//
// It refuses to judge by what the parts say of themselves: whoever got a receipt
// is on a list of its own, and in the end every one of them must stand in the
// register exactly once.
package sim
