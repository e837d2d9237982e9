package catalogue

import (
	"maps"
	"slices"

	"kendro/domain/fault"
)

// MergeAnswers puts answers in the place of those that a form has. It returns the
// whole form and the answers alone, both canonical, and the names of the answers.
// What is no JSON object is [fault.Invalid].
func MergeAnswers(form, answers []byte) (merged []byte, names []string, canonical []byte, err error) {
	const op = "catalogue.MergeAnswers"
	tree, err := parseTree(form)
	if err != nil {
		return nil, nil, nil, fault.Wrap(op, fault.Invalid, "form", err)
	}
	more, err := parseTree(answers)
	if err != nil {
		return nil, nil, nil, fault.Wrap(op, fault.Invalid, "answers", err)
	}
	all, ok := tree.(map[string]any)
	with, ok2 := more.(map[string]any)
	if !ok || !ok2 {
		return nil, nil, nil, fault.New(op, fault.Invalid, "answers", "want an object of answers by their names")
	}
	all = maps.Clone(all)
	maps.Copy(all, with)
	if merged, err = writeTree(all); err != nil {
		return nil, nil, nil, err
	}
	canonical, err = writeTree(with)
	return merged, slices.Sorted(maps.Keys(with)), canonical, err
}
