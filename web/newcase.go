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
	return c
}

// title is what the sign-in is called.
func (s *pages) title() place.Name {
	if s.base == "" {
		return wordSignInTitle
	}
	return wordDeskTitle
}

// scansOf is where scans lie that no case has yet; an office shows none before.
func scansOf(p *page) string {
	if p.Base == "" {
		return "/documents/"
	}
	return ""
}

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
