package web

import (
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/protocol"
	"kendro/web/api"
)

// TestDutiesSayWhatAPaperIsWorth: whoever holds a certificate that the district refused, took back or has yet to confirm is
// told so before all else, and a refused one is his to bring back, whatever the stage.
func TestDutiesSayWhatAPaperIsWorth(t *testing.T) {
	for state, want := range map[string]string{
		protocol.CertificateRefused: wordPaperNone.EN, protocol.CertificateWaits: wordPaperWaits.EN, protocol.CertificateRevoked: wordPaperGone.EN,
		protocol.CertificateConfirmed: wordNothingDue.EN, "": wordNothingDue.EN,
	} {
		track := &api.Tracking{Stage: application.UnderReview.String(), Rulings: api.Rulings{Paper: state}}
		list := duties(EN, track)
		if len(list) == 0 || list[0] != want {
			t.Errorf("%q: %q; want %q first", state, list, want)
		}
		refused := state == protocol.CertificateRefused
		if owes(track) != refused || refused && slices.Contains(list, wordNothingDue.EN) {
			t.Errorf("%q: the citizen is waited for: %v, and told %q", state, owes(track), list)
		}
	}
}
