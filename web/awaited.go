package web

import (
	"net/http"

	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the page on what waits for other authorities' registers.
var (
	wordAwaited       = name("অন্য দপ্তরের রেজিস্টার", "Other registers")
	wordAwaitedHint   = name("অনুমোদিত যে আবেদন অন্য দপ্তরের রেজিস্টারের নম্বরের অপেক্ষায় আছে। উত্তর না আসা পর্যন্ত কিছু হারায় না, দপ্তরের সময়ও গোনা হয় না।", "Approved applications that wait for a number from another authority’s register. Nothing is lost while it is silent, and the office’s time stands still.")
	wordAwaitedNone   = name("কিছু অপেক্ষায় নেই।", "Nothing waits.")
	wordAwaitedCount  = name("অপেক্ষমাণ", "Waiting")
	wordAwaitedOldest = name("সবচেয়ে পুরোনো", "The oldest since")
	wordAwaitedState  = name("অবস্থা", "State")
	wordAwaitedFine   = name("ঠিক আছে", "No trouble")
	wordAwaitedUnset  = name("এই সার্ভারে রেজিস্টারটির ঠিকানা বসানো হয়নি; কাউকে জিজ্ঞাসা করা হচ্ছে না। সার্ভারের দায়িত্বে যিনি আছেন তাঁকে বলুন।", "This server’s settings have no address of the register, so nobody is asked. Tell whoever runs the servers.")
	wordAwaitedThere  = name("রেজিস্টারের সঙ্গে কথা বলে অন্য সার্ভার; বাধা থাকলে তার পাতায় দেখা যাবে:", "Another server calls the registers; what stands in the way is on its page:")
	wordAwaitedSince  = name("বাধা শুরু", "Trouble since")
	wordAwaitedAgain  = name("আবার জিজ্ঞাসা", "Asked again")
	wordAwaitedAt     = name("ঠিকানা", "Address")
	wordAwaitedDetail = name("কারিগরি বিবরণ (ইংরেজি)", "Technical detail")
	wordAwaitedTries  = name("জিজ্ঞাসা করা হয়েছে", "Asked")
	wordAwaitedSaid   = name("কী জানা গেছে", "What came of it")
	wordAwaitedCases  = name("অপেক্ষমাণ আবেদন", "Applications that wait")
	wordAwaitedMore   = name("সব দেখানো হয়নি; সবচেয়ে পুরোনোগুলো আগে।", "Not all are shown; the oldest come first.")
	wordAwaitedByDesk = name("যে ডেস্কের", "Desk")
	wordAwaitedNotYet = name("এখনো হয়নি", "Not yet")
)

// troubleWords are what may stand between a hub and another register, and what a case of
// it may hear.
var troubleWords = map[string]place.Name{
	"files":       name("পরিচয়ের ফাইল (সনদ বা টোকেন) নেই, খোলা, বা ঠিক নয়: সার্ভারের দায়িত্বে যিনি আছেন তিনি ঠিক করবেন", "A file of the settings (certificate or token) is gone, open to others or not what it should be: whoever runs the servers puts it right"),
	"unreachable": name("রেজিস্টারে পৌঁছানো যাচ্ছে না", "The register can’t be reached"),
	"server":      name("ওপাশের সার্ভার নিজেকে রেজিস্টার বলে প্রমাণ করতে পারছে না; কিছু পাঠানো হয়নি", "Who answers can’t show that it is the register: nothing was sent to it"),
	"handshake":   name("রেজিস্টার সংযোগ কেটে দিচ্ছে: সে অন্য সনদ চায়", "The register breaks off the connection: it wants another certificate"),
	"denied":      name("রেজিস্টার অনুমতি দিচ্ছে না: সে অন্য টোকেন বা সনদ চায়", "The register does not let this server in: it wants another token or certificate"),
	"fails":       name("রেজিস্টার ত্রুটি জানাচ্ছে", "The register answers with an error"),
	"answer":      name("রেজিস্টারের উত্তর বোঝা যায় না", "The register’s answer makes no sense"),
	"own":         name("এই সার্ভার আবেদনটি পড়তে বা উত্তর লিখে রাখতে পারেনি", "This server could not read the application or keep the answer"),
	"pending":     name("রেজিস্টারে আছে, সিদ্ধান্ত হয়নি", "The register has it and has not decided"),
}

func troubleName(what string) place.Name {
	if n, ok := troubleWords[what]; ok {
		return n
	}
	return place.Name{BN: what, EN: what}
}

// state is how the way to a register is, in a sentence.
func (l Lang) state(c *api.ConnectorStatus) string {
	switch {
	case !c.Set:
		return l.Say(wordAwaitedUnset)
	case c.Trouble == "":
		return l.Say(wordAwaitedFine)
	}
	return l.Say(troubleName(c.Trouble))
}

// awaited shows what waits for other registers. Who may see what is the call's to say.
func (d *desk) awaited(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	list := new(api.AwaitedList)
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.AwaitedPath, Out: list}); err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, awaitedPage(d.page(r, wordAwaited), awaitedView{list, d}))
}

type awaitedView struct {
	*api.AwaitedList
	d *desk
}

// desk names a case's desk, and who has it there.
func (v awaitedView) desk(l Lang, c *api.AwaitedCase) string {
	text := l.Say(v.d.deskCalled(c.Seat))
	if c.Holder != "" {
		text += " (" + c.Holder + ")"
	}
	return text
}

// said is what came of the last time that a case was asked about.
func (v awaitedView) said(l Lang, c *api.AwaitedCase) string {
	if c.Asked == nil {
		return l.Say(wordAwaitedNotYet)
	}
	text := l.Moment(c.Asked.Time)
	if c.Said != "" {
		text += ": " + l.Say(troubleName(c.Said))
	}
	return text
}
