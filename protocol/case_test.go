package protocol

import (
	"testing"

	"kendro/identity"
)

// caseVectors are what centres and the hub tell each other about cases.
func caseVectors(t *testing.T) map[string][]byte {
	t.Helper()
	const number = 4100109292280148
	uplink := LogID{Channel: Uplink, Name: "41-0010", Incarnation: 0xc0ffee}
	return map[string][]byte{
		"supplement-answers": Marshal(&Supplement{Form: []byte(`{"mouza":"x"}`), Originals: []string{"nid"}, Text: "x"}),
		"correction": Marshal(&Correction{
			Form: []byte(`{"mouza":"x"}`), Applicant: []byte(`{"mobile":"01700000001"}`), Reason: "misheard",
			FormSaw: []byte(`{"mouza":"y"}`), ApplicantSaw: []byte(`{"mobile":"01700000000"}`),
		}),
		"correction-word": Marshal(&CorrectionWord{
			Number: number, Log: uplink, At: Position{Seq: 2, Hash: Hash{3}}, Taken: []string{"form.mouza"}, Waits: []string{"applicant.mobile"}, Why: "x",
		}),
		"correction-sealed": Marshal(&Correction{Secret: &Confidential{Key: identity.KeyID{4}, Sealed: []byte{5}}}),
		"correction-word-sealed": Marshal(&CorrectionWord{
			Number: number, Log: uplink, At: Position{Seq: 2, Hash: Hash{3}}, Sealed: "waits",
		}),
		"standing-corrected": Marshal(&Standing{Number: number, Stage: "UNDER_REVIEW", Since: 5, Version: 9, Aftermath: Aftermath{Correction: "waits"}}),
		"payment":            Marshal(&Payment{Means: MeansChallan, Fees: []Fee{{Kind: "government", Poisha: 2000}}, Reference: "C1", PaidAt: 7}),
		"voiding":            Marshal(&Voiding{Log: uplink, At: Position{Seq: 4, Hash: Hash{5}}, Fees: []Fee{{Kind: "government", Poisha: 2000}}, Reason: "counted twice"}),
		"withdrawal":         Marshal(&Withdrawal{Reason: "x"}),
		"hand-over":          Marshal(&HandOver{Proof: "nid", Text: "x"}),
		"appeal":             Marshal(&Appeal{Text: "x"}),
		"appeal-sealed":      Marshal(&Appeal{Secret: &Confidential{Key: identity.KeyID{4}, Sealed: []byte{5}}}),
		"submission-sealed":  Marshal(&Submission{Channel: "centre", Secret: &Confidential{Key: identity.KeyID{4}, Sealed: []byte{5}}}),
		"secret":             Marshal(&Secret{Form: []byte(`{}`), Applicant: []byte(`{}`), Text: "x"}),
		"aside":              Marshal(&Aside{Number: number, Log: uplink, At: Position{Seq: 2, Hash: Hash{3}}, Kind: "overpayment", Text: "x", Outcome: "refund"}),
		"aside-act": Marshal(&Aside{
			Number: number, Log: uplink, At: Position{Seq: 2, Hash: Hash{3}}, Kind: AsideConfirm, Text: "x", Outcome: OutcomeConfirmed, Act: &AsideAct{
				Action: "issue", Actor: "chairman", Post: "chairman@local-41-09-17", At: 5, Since: 7, Owner: "uno@uno-41-09",
				Certificate: "TL-41-09-17-000003", Words: "x", Settled: 9,
			},
		}),
		"aside-seen":        Marshal(&AsideSeen{Log: uplink, At: Position{Seq: 2, Hash: Hash{3}}, Outcome: OutcomeConfirmed}),
		"submission-posted": Marshal(&Submission{Channel: "post", Form: []byte(`{}`), Applicant: []byte(`{}`), PostedOn: "2026-11-20"}),
		"submission-elsewhere": Marshal(&Submission{
			Channel: "online", Form: []byte(`{}`), Applicant: []byte(`{}`), Elsewhere: &Elsewhere{System: "e-filing", Number: "EF-77", On: "2025-01-05"},
		}),
		"submission-despite": Marshal(&Submission{Channel: "counter", Form: []byte(`{}`), Applicant: []byte(`{}`), Despite: "another plot"}),
		"standing-refund":    Marshal(&Standing{Number: number, Stage: "WITHDRAWN", Since: 5, Version: 9, Aftermath: Aftermath{Refund: &RefundWord{Due: 2000, Paid: 500}}}),
		"standing-posted":    Marshal(&Standing{Number: number, Stage: "POSTED", Since: 5, Version: 9, Mode: "post", Article: "RR123456789BD"}),
		"standing-asked-anew": Marshal(&Standing{
			Number: number, Stage: "INFO_REQUESTED", Since: 5, Version: 2, Items: []string{"form.purpose"},
			Question: Question{Moved: true, Under: &Pin{Service: "land-record-copy", Version: 2, Hash: [8]byte{6}}},
		}),
		"standing-asked-until": Marshal(&Standing{
			Number: number, Stage: "INFO_REQUESTED", Since: 5, Version: 4, Reason: "which?", Items: []string{"nid"}, Question: Question{SupplyBy: 1},
		}),
		"standing-unanswered": Marshal(&Standing{
			Number: number, Stage: "UNDER_REVIEW", Since: 5, Version: 5, Reason: "which?", Items: []string{"nid"}, Question: Question{SupplyBy: 1, Unanswered: true},
		}),
		"standing-fee-due": Marshal(&Standing{
			Number: number, Stage: "FEE_DUE", Since: 5, Version: 7, Owed: 14000, PayBy: 9, Mode: "post", Primary: 1, Overdue: true, AppealBy: 11,
		}),
	}
}

func TestPaymentsAreChecked(t *testing.T) {
	fee := func(kind string, poisha int64) []Fee { return []Fee{{Kind: kind, Poisha: poisha}} }
	for name, p := range map[string]Payment{
		"no means":     {Fees: fee("government", 1)},
		"no fees":      {Means: MeansCash},
		"nothing":      {Means: MeansCash, Fees: fee("government", 0)},
		"less":         {Means: MeansCash, Fees: fee("government", -5)},
		"no kind":      {Means: MeansCash, Fees: fee("", 5)},
		"far too much": {Means: MeansCash, Fees: fee("government", 1<<50)},
	} {
		if p.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	good := Payment{Means: MeansCash, Fees: []Fee{{Kind: "government", Poisha: 70}, {Kind: "service_charge", Poisha: 30}}}
	if err := good.Check(); err != nil || good.Total() != 70 {
		t.Errorf("total = %d, %v; want 70: a service charge is the centre's", good.Total(), err)
	}
}
