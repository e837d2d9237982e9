package web

import (
	"net/http"

	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the page on what offices propose to change in the catalogue.
var (
	wordProposals   = name("প্রস্তাব", "Proposals")
	wordProposedNow = name("অপেক্ষমাণ", "Waiting")
	wordProposedEnd = name("যা হয়েছে", "What became of them")
	wordNoProposals = name("আপনার অফিসের কোনো প্রস্তাব নেই।", "Your office has proposed nothing.")
	wordHasNow      = name("এখন আছে", "In force")
	wordWanted      = name("চাওয়া হয়েছে", "Asked for")
	wordWhyWanted   = name("কারণ", "Reason")
	wordProposedBy  = name("প্রস্তাবক", "By")
	wordSettledSo   = name("যিনি নিষ্পত্তি করেছেন তাঁর কথা", "What was said to it")
	wordInRelease   = name("সংস্করণ", "Release")
	wordFateIs      = name("অবস্থা", "State")
)

// fateWords are what may become of a proposal.
var fateWords = map[string]place.Name{
	"merged":   name("আর কেউ ভিন্ন কিছু চায়নি; পরের সংস্করণে যেতে পারে", "Nobody wants otherwise: it can go into the next release"),
	"conflict": name("অন্যরা ভিন্ন কিছু চেয়েছে; যিনি প্রকাশ করেন তিনি বেছে নেবেন", "Others want otherwise: whoever publishes chooses"),
	"accepted": name("গৃহীত; পরের সংস্করণের অপেক্ষায়", "Accepted: it waits for a release"),
	"declined": name("গৃহীত হয়নি", "Declined"),
	"replaced": name("পরের প্রস্তাব এর জায়গা নিয়েছে", "Replaced by a later one"),
	"in-force": name("কার্যকর হয়েছে", "In force"),
}

func fateName(state string) place.Name {
	if n, ok := fateWords[state]; ok {
		return n
	}
	return place.Name{BN: state, EN: state}
}

// proposals shows an office what it has proposed, and what became of it. Who may see what is
// the call's to say.
func (d *desk) proposals(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	list := new(api.ProposalList)
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.ProposalsPath, Out: list}); err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, proposalsPage(d.page(r, wordProposals), list))
}
