package catalogue

import (
	"errors"
	"io/fs"
	"slices"

	"kendro/domain/place"
)

// maxTrainings bounds what one service asks of whoever takes it in.
const maxTrainings = 8

// loadTrainings reads the trainings that entrepreneurs are sent to. Without the file
// there is none.
func (p *Pack) loadTrainings(fsys fs.FS) []Finding {
	if _, err := fs.Stat(fsys, trainingsFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	src, found := readSource(fsys, trainingsFile)
	if len(found) > 0 {
		return found
	}
	var list []struct {
		Tag  string     `yaml:"tag"`
		Name place.Name `yaml:"name"`
	}
	found = src.decode(&list)
	for _, t := range list {
		switch {
		case !serviceID.MatchString(t.Tag) || len(t.Tag) > place.MaxTraining:
			found = append(found, src.find(t.Tag, 0, "training: want a tag of small letters, digits and single hyphens, such as bmet-demo"))
		case !t.Name.Complete():
			found = append(found, src.find(t.Tag, 0, "training "+t.Tag+": name lacks bn or en"))
		}
		p.Directory.Trainings = append(p.Directory.Trainings, place.Training{Tag: t.Tag, Name: nfcName(t.Name)})
	}
	return found
}

// training checks what a service asks of whoever takes it in.
func (l *linter) training() {
	if len(l.v.Training) > maxTrainings {
		l.bad("training", 0, "training: %d tags: the limit is %d", len(l.v.Training), maxTrainings)
	}
	for i, tag := range l.v.Training {
		if slices.Contains(l.v.Training[:i], tag) {
			l.bad(tag, 1, "training %q is double", tag)
			continue
		}
		if l.dir == nil {
			continue
		}
		if _, ok := l.dir.Training(tag); !ok {
			l.bad(tag, 0, "training %q is not in %s: declare it there with a name in bn and en", tag, trainingsFile)
		}
	}
}
