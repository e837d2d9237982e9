package catalogue

import (
	"time"

	"kendro/domain/place"
)

// today is what x-kendro's not_after may name: the day on which the answers are
// given.
const today = "today"

// lateOf returns the questions for a date that may not lie in the future.
func lateOf(fields []Field) (list []Field) {
	for _, f := range fields {
		if f.NotAfter == today && f.Format == "date" {
			list = append(list, f)
		}
	}
	return list
}

// late finds dates that lie after the day of the answers. A zero day finds none.
func (f *Form) late(answer func(string) string, on time.Time) (found []FieldError) {
	if on.IsZero() || len(f.past) == 0 {
		return nil
	}
	day := on.Format(time.DateOnly)
	for _, x := range f.past {
		if answer(x.Name) > day { // Both are year-month-day.
			found = append(found, FieldError{Path: x.Path, Field: x.Label, Text: place.Name{
				BN: "তারিখটি আজকের পরে হতে পারে না (আজ " + banglaDigits(day) + ")।",
				EN: "This date can't be after today, " + day + ".",
			}})
		}
	}
	return found
}

// ValidateOn is [Form.Validate], and finds dates that lie after the day and may
// not: a birth, a purchase, a loss.
func (f *Form) ValidateOn(data []byte, on time.Time) []FieldError {
	if f.right(data, on) {
		return nil
	}
	return f.wrong(data, on)
}

// wrong is ValidateOn for any answers, by the library.
func (f *Form) wrong(data []byte, on time.Time) []FieldError {
	tree, err := parseTree(data)
	if err != nil {
		return []FieldError{unreadable(err)}
	}
	return f.checkOn(tree, on)
}

// right reports whether answers are as they should be, where that shows at a
// glance. Of any others it says false: what is wrong with them, if anything, is for
// the library to say.
func (f *Form) right(data []byte, on time.Time) bool {
	if f.plain == nil {
		return false
	}
	root, ok := scan(data)
	return ok && f.plain.holds(&root) && len(f.late(root.answer, on)) == 0
}

func (f *Form) checkOn(tree any, on time.Time) []FieldError {
	if found := f.check(tree); len(found) > 0 {
		return found
	}
	return f.late(answers(tree), on)
}
