package finder

import (
	"errors"
	"slices"
	"testing"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

func paper(form, applicant string) *protocol.Submission {
	return &protocol.Submission{Form: []byte(form), Applicant: []byte(applicant)}
}

// TestMatching: each thing that an application says finds it, in either script and any digits; all that is asked for must fit.
func TestMatching(t *testing.T) {
	papers := []*protocol.Submission{
		paper(`{"khatian_no":"123"}`, `{"name_bn":"আব্দুল করিম","name_en":"Abdul Karim","mobile":"01712345678","identifiers":[{"kind":"nid","value":"1234567890"}]}`),
		paper(`{"khatian_no":"77/1"}`, `{"name_bn":"রহিমা খাতুন","mobile":"01812345678"}`),
		paper(`{}`, `[]`),
	}
	papers[1].Elsewhere = &protocol.Elsewhere{System: "old", Number: "JSR-5"}
	x := New()
	for i, sub := range papers {
		if at, ok := x.Add(EntryOf(sub)); !ok || at != uint32(i) {
			t.Fatalf("added at %d, %v; want %d", at, ok, i)
		}
	}
	x.Settle()
	for _, tt := range []struct {
		q    Query
		want []uint32
	}{
		{Query{Text: "Karim"}, []uint32{0}},
		{Query{Text: "কারিম"}, []uint32{0}},
		{Query{Text: "rohima khatun"}, []uint32{1}},
		{Query{Text: "রহিমা করিম"}, nil},
		{Query{Text: "০১৭১২-৩৪৫৬৭৮"}, []uint32{0}},
		{Query{Text: "1234567890"}, []uint32{0}},
		{Query{Text: "jsr-5"}, []uint32{1}},
		{Query{Fields: map[string]string{"khatian_no": "১২৩"}}, []uint32{0}},
		{Query{Text: "karim", Fields: map[string]string{"khatian_no": "77/1"}}, nil},
	} {
		got, err := x.Matching(tt.q)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%+v finds %v, %v; want %v", tt.q, got, err, tt.want)
		}
		for _, at := range got {
			p, err := catalogue.ApplicantOf(papers[at].Applicant)
			if err != nil || !tt.q.Holds(papers[at]) || tt.q.Fit(&p, papers[at].Elsewhere) < 60 {
				t.Errorf("%+v does not hold of what it found, or fits it badly: %v", tt.q, err)
			}
		}
	}
	if _, err := x.Matching(Query{Text: "?"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a question that says nothing: %v", err)
	}
	if other := (Query{Fields: map[string]string{"khatian_no": "5"}}); other.Holds(papers[0]) {
		t.Error("a field holds that says something else")
	}
}
