package web

import (
	"net/http"
	"strconv"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// charters hangs up the sheets that tell what a service costs and takes, for
// everybody (R-TR5). They are read on paper: on a wall, or in a hand.
func (s *pages) charters(offered func(*dcat.Set) []*dcat.Version) {
	s.api.Page("GET /charter", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.page(r, wordCharter)
		var groups []serviceGroup
		if set := s.house.Set(); set != nil {
			groups = grouped(p.Lang, offered(set))
		}
		s.show(w, r, http.StatusOK, charterList(p, groups))
	}))
	s.api.Page("GET /charter/{service}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("service")
		if set := s.house.Set(); set != nil {
			for _, v := range offered(set) {
				if v.ID == id {
					s.show(w, r, http.StatusOK, charterSheet(s.page(r, v.Name), v))
					return
				}
			}
		}
		s.failed(w, r, fault.New("web.charter", fault.NotFound, id, "no such service"))
	}))
}

// feeLines are a version's fees as a citizen reads them.
func feeLines(l Lang, v *dcat.Version) []line {
	list := make([]line, 0, len(v.Fees))
	for _, f := range v.Fees {
		text := l.Taka(f.Poisha)
		if f.Per != "" {
			text += " " + l.Say(wordPerPiece)
		}
		if f.When != nil || f.Rule != "" {
			text += " (" + l.Say(wordSometimes) + ")"
		}
		if f.Ceiling > f.Poisha {
			text += ", " + l.Say(wordAtMost) + " " + l.Taka(f.Ceiling)
		}
		list = append(list, line{Label: feeName(string(f.Kind)), Value: text})
	}
	return list
}

// wayLines are how a service is asked for, how long it takes and how one gets it.
func wayLines(l Lang, v *dcat.Version) []line {
	var channels, modes []string
	for _, c := range v.Channels {
		channels = append(channels, l.Say(channelName(string(c))))
	}
	number := func(n int) string { return l.Digits(strconv.Itoa(n)) }
	list := []line{
		{Label: wordCharterWay, Value: strings.Join(channels, ", ")},
		{Label: wordCharterTime, Value: number(v.SLADays) + " " + l.Say(wordDays)},
	}
	if v.InfoDays > 0 {
		list = append(list, line{Label: wordInfoDays, Value: number(v.InfoDays)})
	}
	p := v.Procedure
	if p == nil {
		return list
	}
	if p.FeeDays > 0 {
		list = append(list, line{Label: wordPayDays, Value: number(p.FeeDays)})
	}
	if p.Issue != nil {
		for _, m := range p.Issue.Modes {
			modes = append(modes, l.Say(modeName(string(m))))
		}
		list = append(list, line{Label: wordCharterGet, Value: strings.Join(modes, ", ")})
	}
	for _, a := range p.Appeals {
		list = append(list, line{Label: wordAppealTo, Value: l.Say(a.Name)})
	}
	return list
}

// everything is what a hub offers somewhere in its district.
func everything(set *dcat.Set) []*dcat.Version { return set.Services() }
