package web

import (
	"net/http"
	"strings"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

type trackView struct {
	Typed  string
	Wrong  string
	Answer *api.Tracking
}

func (v trackView) where() place.Name {
	switch {
	case v.Answer.Office != nil:
		return v.Answer.Office.Name()
	case v.Answer.Stage == application.Submitted.String():
		return wordAtCentre
	}
	return wordNoOffice
}

// source says whose word it is, of another centre's case.
func (v trackView) source(l Lang) string {
	switch v.Answer.Source {
	case api.FromHub:
		return l.Say(wordHubSays)
	case api.FromMemory:
		return l.Say(wordKnownAsOf) + " " + l.Moment(v.Answer.AsOf.Time)
	}
	return ""
}

func (v trackView) next() place.Name {
	if v.Answer.NextStep == nil {
		return wordFinished
	}
	return v.Answer.NextStep.Name()
}

// track shows where an application is (R-TR3).
func (s *pages) track(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, wordTrack)
	v := trackView{Typed: r.URL.Query().Get("number")}
	if v.Typed == "" {
		s.show(w, r, http.StatusOK, trackPage(p, v))
		return
	}
	answer, err := s.lookUp(r, v.Typed)
	if err == nil {
		v.Answer = answer
		s.show(w, r, http.StatusOK, trackPage(p, v))
		return
	}
	v.Wrong = p.Say(wordsFor(err))
	if fault.KindOf(err) == fault.Invalid {
		v.Wrong = p.Say(wordBadNumber)
	}
	if fault.KindOf(err) == fault.Unavailable {
		v.Wrong = p.Say(wordAskElsewhere)
	}
	p.Problems = []problem{{Anchor: "number", Text: v.Wrong}}
	s.show(w, r, api.ProblemOf(err).Status, trackPage(p, v))
}

func (s *pages) lookUp(r *http.Request, typed string) (*api.Tracking, error) {
	n, err := protocol.ParseNumber(typed)
	if err != nil {
		return nil, err
	}
	answer := &api.Tracking{}
	return answer, api.Inside(s.api, r).Do(r.Context(), api.Call{Path: "/v1/track/" + n.String(), Out: answer})
}

// A mark is one tick of a slip.
type mark struct {
	Sign string
	Text string
	On   bool
}

// marks are the ticks of a custody, in order: all that has been reached.
func marks(l Lang, c api.Custody) []mark {
	if aside, ok := asideWords[c]; ok {
		return []mark{{Sign: "!", Text: l.Say(aside), On: true}}
	}
	reached := 0
	for i, step := range custodyWords {
		if strings.HasPrefix(string(c), string(step.Mark)) {
			reached = i
		}
	}
	list := make([]mark, 0, len(custodyWords))
	for i, step := range custodyWords {
		if step.Mark == "REPLICATED" && i != reached {
			continue // Only while it is all there is.
		}
		m := mark{Sign: "○", Text: l.Say(step.Name), On: i <= reached}
		if m.On {
			m.Sign = "✓"
		}
		list = append(list, m)
	}
	return list
}

func stageName(stage string) place.Name {
	if n, ok := stageWords[stage]; ok {
		return n
	}
	return place.Name{BN: stage, EN: stage}
}

func actionName(action string) place.Name {
	if n, ok := actionWords[action]; ok {
		return n
	}
	return place.Name{BN: action, EN: action}
}

func feeName(kind string) place.Name {
	if n, ok := feeWords[kind]; ok {
		return n
	}
	return place.Name{BN: kind, EN: kind}
}

func channelName(channel string) place.Name {
	if n, ok := channelWords[channel]; ok {
		return n
	}
	return place.Name{BN: channel, EN: channel}
}

func total(charges []protocol.Fee) int64 {
	var sum int64
	for _, c := range charges {
		sum += c.Poisha
	}
	return sum
}
