package catalogue

import "slices"

// Former is what the next release has to know of versions that are no longer in force: no
// number is given out twice, and a category that was once used may be used again. It grows with
// the services, not with the releases.
type Former struct {
	Numbers    map[string]int `json:"numbers" doc:"The highest number of each service of which a lower one is in force, or none"`
	Categories []Category     `json:"categories" doc:"That no service in force has"`
}

// Former returns what is known of versions that are not in force.
func (s *Set) Former() Former {
	f := Former{Numbers: map[string]int{}, Categories: []Category{}}
	note := func(id string, number int) {
		if now, ok := s.current[id]; !ok || number > now.Number {
			f.Numbers[id] = max(f.Numbers[id], number)
		}
	}
	for id, number := range s.former.Numbers {
		note(id, number)
	}
	for _, v := range s.all {
		note(v.ID, v.Number)
	}
	inForce := categories(s.Services(), nil)
	f.Categories = append(f.Categories, s.Categories()[len(inForce):]...)
	return f
}

// With returns the set as one that knows of former versions without holding them.
func (s *Set) With(f Former) *Set {
	out := *s
	out.former = f
	return &out
}

// Last returns the highest number that a version of the service carries, 0 before the first.
func (s *Set) Last(serviceID string) int {
	last := s.former.Numbers[serviceID]
	if known := s.VersionsOf(serviceID); len(known) > 0 {
		last = max(last, known[len(known)-1].Number)
	}
	return last
}

// Categories returns those of every service that ever was, first those in force: of one that
// got another name that is the one in force.
func (s *Set) Categories() []Category {
	list := categories(s.all, categories(s.Services(), nil))
	for _, c := range s.former.Categories {
		list = withCategory(list, c)
	}
	return list
}

// categories adds those of the versions that the list lacks.
func categories(versions []*Version, list []Category) []Category {
	for _, v := range versions {
		list = withCategory(list, v.Category)
	}
	return list
}

func withCategory(list []Category, c Category) []Category {
	if slices.ContainsFunc(list, func(have Category) bool { return have.Code == c.Code }) {
		return list
	}
	return append(list, c)
}
