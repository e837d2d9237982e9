// Package web draws the pages: the counter of a centre, the desk of an office
// and the public's tracking, in Bangla first and in English at a click.
//
// Enter at [Counter] and [Desk], which hang their pages onto a server's
// [kendro/web/api.API]. A page does nothing that the API can't: it calls its own
// server's calls with its user's session, and turns what comes back into words.
//
// The package refuses to need JavaScript, to fetch anything from elsewhere, and
// to show a citizen or an officer an error that isn't in its table of words.
package web
