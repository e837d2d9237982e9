package catalogue

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"kendro/domain/place"
)

// hoursText are office hours as pack.yaml has them.
type hoursText struct {
	Days   []string   `yaml:"days"`
	Opens  string     `yaml:"opens"`
	Closes string     `yaml:"closes"`
	Office string     `yaml:"office"`
	From   string     `yaml:"from"`
	To     string     `yaml:"to"`
	Name   place.Name `yaml:"name"`
}

// loadHours takes the office hours of pack.yaml into the directory's calendar, where
// nothing is wrong with them.
func (p *Pack) loadHours(src *source) (found []Finding) {
	bad := func(i int, text string) {
		path := "$.calendar.hours"
		if i >= 0 {
			path += fmt.Sprintf("[%d]", i)
		}
		found = append(found, src.under(path, text))
	}
	c := p.Directory.Calendar
	for i, h := range p.Country.Calendar.Hours {
		opens, err := place.ParseTimeOfDay(h.Opens)
		closes, err2 := place.ParseTimeOfDay(h.Closes)
		if err != nil || err2 != nil {
			bad(i, fmt.Sprintf("hours: %q to %q: want times in quotes, such as \"09:00\"", clipText(h.Opens), clipText(h.Closes)))
		}
		c.Hours = append(c.Hours, place.Hours{
			Days: h.Days, Opens: opens, Closes: closes, Office: h.Office, From: h.From, To: h.To, Name: nfcName(h.Name),
		})
	}
	if len(found) == 0 {
		p.Directory.WrongHours(bad)
	}
	if len(found) > 0 {
		c.Hours = nil // They are told here, with their lines.
	}
	return found
}

// under returns a finding at the value of a path, or at the whole file if it isn't there.
func (s *source) under(path, text string) Finding {
	at, err := yaml.PathString(path)
	if err != nil {
		return Finding{File: s.name, Text: text}
	}
	file, err := parser.ParseBytes(s.text, 0)
	if err != nil {
		return Finding{File: s.name, Text: text}
	}
	node, err := at.FilterFile(file)
	if err != nil || node.GetToken() == nil {
		return Finding{File: s.name, Text: text}
	}
	return s.at(node.GetToken(), text)
}
