// Package hub is the district office: one server of a Raft group that puts the
// records of all its centres in one order.
//
// # Enter
//
// [Init] founds a district, [Join] makes a machine one of its servers, [Open]
// and [Hub.Run] serve. [Hub.Do] asks the group for a change, [Hub.Register]
// answers questions on this server, [Hub.Fresh] says how old the answers are.
// [Recover] and [Export] work on a folder that no server has open.
//
// # How it works
//
// Every server accepts the sessions of nodes and the calls of other servers on
// one UDP port, and hands what changes anything to the leader. The leader judges
// (judge.go), gathers (propose.go) and proposes; each server applies what the
// group committed to its register (fsm.go). DESIGN.md has the rules of the disk:
// what is synced before what, and what a start makes of what it finds.
//
// # What it refuses
//
// It refuses to guess. A Raft log, vote, marker or register that is not what was
// written ends the start with [fault.Damaged] and the remedy, and a register that
// departs from the leader's stops the server. It never reads an officer's mind:
// without an answer an outcome is unknown, and the same ID may be sent again.
package hub
