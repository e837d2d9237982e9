package place

import (
	"cmp"
	"slices"
)

// A Training is one that entrepreneurs are sent to (R-CE7): a tag by which a service
// asks for it, and its name.
type Training struct {
	Tag  string `cbor:"1,keyasint" json:"tag"`
	Name Name   `cbor:"2,keyasint" json:"name"`
}

// MaxTraining bounds a training's tag, in bytes.
const MaxTraining = 64

// Training returns the training with this tag.
func (d *Directory) Training(tag string) (Training, bool) {
	i, ok := slices.BinarySearchFunc(d.Trainings, tag, func(t Training, tag string) int { return cmp.Compare(t.Tag, tag) })
	if !ok {
		return Training{}, false
	}
	return d.Trainings[i], true
}

// TrainingName is what a training is called; its tag, where the directory doesn't
// know it.
func (d *Directory) TrainingName(tag string) Name {
	if t, ok := d.Training(tag); ok {
		return t.Name
	}
	return Name{BN: tag, EN: tag}
}

func (d *Directory) checkTrainings(bad func(string, ...any)) {
	for i, t := range d.Trainings {
		if i > 0 && d.Trainings[i-1].Tag >= t.Tag {
			bad("training %s is double or out of order", t.Tag)
		}
		if t.Tag == "" || len(t.Tag) > MaxTraining || !t.Name.Complete() {
			bad("training %q lacks a tag of 1 to 64 bytes, or a name in bn or en", t.Tag)
		}
	}
}
