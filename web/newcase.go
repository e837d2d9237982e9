package web

import (
	"slices"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// newCases hangs up the pages on which an application is taken in: of a box, or of an
// office, whose clerk enters what reached it.
func newCases(s *pages, start string) *counter {
	c, title := &counter{pages: s}, s.title()
	s.api.Page(start, s.known(title, c.services))
	s.api.Page("GET "+s.base+"/apply/{service}", s.known(title, c.fresh))
	s.api.Page("POST "+s.base+"/apply/{service}", s.known(title, c.typed))
	s.api.Page("GET "+s.base+"/receipt/{number}", s.known(title, c.receipt))
	if s.base != "" {
		s.api.Page("GET "+s.base+"/documents/{sha256}", s.known(title, c.scan))
		s.api.Page("GET "+s.base+"/entered/{number}", s.known(title, c.visit))
		s.api.Page("POST "+s.base+"/entered/{number}/{act}", s.known(title, c.visited))
	}
	return c
}

// enteredActs are what a clerk enters on a case that his office took in: what came by post
// or fax.
var enteredActs = []string{"supplement", "withdrawal"}

// visits is before the number in the path of a case, after its application.
func (p *page) visits() string {
	if p.Base == "" {
		return "/cases/"
	}
	return p.Base + "/entered/"
}

// title is what the sign-in is called.
func (s *pages) title() place.Name {
	if s.base == "" {
		return wordSignInTitle
	}
	return wordDeskTitle
}

// scansOf is where scans lie that no case has yet.
func scansOf(p *page) string { return p.Base + "/documents/" }

// channels are those by which a service takes what comes in here.
func (s *pages) channels(v *dcat.Version) []dcat.Channel {
	if s.base == "" {
		return v.Channels
	}
	return slices.DeleteFunc(slices.Clone(v.Channels), func(c dcat.Channel) bool { return c == dcat.AtCentre })
}

// channelFor is how most applications come in here.
func (c *counter) channelFor(v *dcat.Version) string {
	switch here := c.channels(v); {
	case c.base != "" && slices.Contains(here, dcat.Post):
		return string(dcat.Post)
	case c.base != "" && len(here) > 0:
		return string(here[0])
	case v.Allows(dcat.AtCentre) || len(v.Channels) == 0:
		return string(dcat.AtCentre)
	case v.Allows(dcat.Counter):
		return string(dcat.Counter)
	}
	return string(v.Channels[0])
}
