// Package node is the box in a centre: it takes applications with no network at
// all, and brings them to the district's hub whenever there is one.
//
// Enter at [Enrol], which makes a folder the box of a centre, and at [Open] and
// [Node.Run], which work in it. What is kept is package box's, what is answered
// over HTTP is package counter's; node introduces them to the hub.
//
// The package refuses to lead: a hub's word about a case is final, and a box
// that finds itself behind what others hold of its own log takes nothing more.
package node
