// Package api is the outside of a node and of a hub: the JSON of every HTTP
// call, and the plumbing that all calls share.
//
// Enter at [New], which makes a server out of routes ([Register] for an ordinary
// call, [API.Raw] for a hot one, [API.Page] for a page), at [Serve] to run it,
// and at [Client] to call one. Errors leave as RFC 9457 problems ([ProblemOf])
// and arrive at the client as the same kind of [kendro/domain/fault] again.
//
// The package refuses to decide: what a call does is its handler's, who may do
// what is [kendro/domain/access]'s, and it keeps nothing on disk.
package api
