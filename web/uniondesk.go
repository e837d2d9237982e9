package web

import (
	"net/http"
	"strconv"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the desk that a union has at its centre's box.
var (
	wordLease      = name("ইউনিয়ন এখানে নিজে সিদ্ধান্ত দেয়", "The union decides here by itself")
	wordLeaseUntil = name("মেয়াদ", "Until")
	wordDaysLeft   = name("বাকি দিন", "Days left")
	wordNumbers    = name("অব্যবহৃত সনদ নম্বর", "Certificate numbers left")
	wordLeaseLow   = name("অনেক দিন জেলার সাথে সংযোগ হয়নি। মেয়াদ বা নম্বর শেষ হওয়ার আগে যন্ত্রটি একবার ইন্টারনেটে যুক্ত করুন; নতুন মেয়াদ ও নম্বর নিজে থেকেই আসবে।", "This box has not heard from the district for long. Connect it once before the time or the numbers run out; new ones come by themselves.")
	wordLeaseOver  = name("মেয়াদ শেষ। এখন অনুমোদন, নামঞ্জুর বা ইস্যু করলে তা উপরের দপ্তরের নিশ্চিতকরণের অপেক্ষায় থাকবে।", "The time is over. What is approved, rejected or issued now waits for the office above to confirm it.")
	wordLeaseEnded = name("জেলা এই ইউনিয়নের নিজে সিদ্ধান্ত দেওয়ার ব্যবস্থা ফিরিয়ে নিয়েছে। জেলার ডেস্কের পাতায় কাজ করুন।", "The district has taken back what this union decided by itself. Work at the district’s desk.")
	wordLeaseYet   = name("এই যন্ত্রের মেয়াদ এখনো শুরু হয়নি। জেলার সাথে পরের সংযোগে আসবে।", "The lease is not this box’s yet. It comes with the next link to the district.")
	wordAtDistrict = name("নথিটি জেলার ডেস্কে আছে, অথবা সেখানে নিশ্চিতকরণের অপেক্ষায়; এখানে কিছু করা যায় না।", "The case is at the district’s desks, or waits there to be confirmed. Nothing can be done here.")
	wordLikelySame = name("সম্ভবত একই ব্যক্তির অন্য আবেদন এই যন্ত্রে আছে:", "This box has other applications that are likely the same person’s:")
	wordNoNumbers  = name("সনদের কোনো নম্বর বাকি নেই। জেলার সাথে পরের সংযোগে নতুন নম্বর আসবে; কিছু হারায়নি।", "No certificate number is left. More come with the next link to the district; nothing is lost.")
)

// barWords say why nothing can be done about a case at its union's box.
var barWords = map[string]place.Name{"ended": wordLeaseEnded, "not-yet": wordLeaseYet, "elsewhere": wordAtDistrict}

// unionDesk hangs the desk of the union onto a box's pages: the hub's, on the cases of this
// box. It calls GET /v1/leases, GET /v1/asides and POST /v1/asides/{id}/read beside what [Desk] calls for tasks and cases.
func unionDesk(s *pages) {
	s.staff = []link{{"/desk", wordTasks, ""}, {"/desk/asides", wordAsides, ""}, {"/desk/search", wordSearch, ""}, {"/track", wordTrack, ""}, {"/verify", wordVerify, ""}, {"/charter", wordCharter, ""}}
	d := &desk{s}
	d.caseFiles(wordSignInTitle)
	d.api.Page("GET /desk/asides", s.known(wordSignInTitle, asideDesk{d}.list))
	d.api.Page("POST /desk/asides/{id}", s.known(wordSignInTitle, asideDesk{d}.read))
	d.api.Page("GET /desk/search", s.known(wordSignInTitle, d.find))
	d.api.Page("GET /search", s.known(wordSignInTitle, d.find))
}

// leased is the words of one lease for the desk.
type leased struct {
	Service place.Name
	Facts   []line
	Warning place.Name // Empty: none.
}

// leases are what the union may decide at this box, nil at a hub.
func (d *desk) leases(r *http.Request, l Lang) ([]leased, error) {
	if d.house.Centre == "" {
		return nil, nil
	}
	var list api.LeaseList
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/leases", Out: &list}); err != nil {
		return nil, err
	}
	out := make([]leased, 0, len(list.Leases))
	for i := range list.Leases {
		out = append(out, d.leaseOf(&list.Leases[i], l))
	}
	return out, nil
}

func (d *desk) leaseOf(x *api.Lease, l Lang) leased {
	out := leased{Service: place.Name{BN: x.Service, EN: x.Service}}
	if set := d.house.Set(); set != nil {
		if v, ok := set.Current(x.Service); ok {
			out.Service = v.Name
		}
	}
	now := d.house.Clock()
	switch {
	case !x.Allowed:
		out.Warning = wordLeaseEnded
	case x.Until == nil || x.From != nil && now.Before(x.From.Time):
		out.Warning = wordLeaseYet
	case now.After(x.Until.Time):
		out.Warning = wordLeaseOver
	default:
		days := int(x.Until.Sub(now).Hours()) / 24
		out.Facts = []line{{Label: wordLeaseUntil, Value: l.Moment(x.Until.Time)}, {Label: wordDaysLeft, Value: l.Digits(strconv.Itoa(days))}}
		if x.Low {
			out.Warning = wordLeaseLow
		}
	}
	if x.Left != nil && x.Allowed && x.Until != nil {
		out.Facts = append(out.Facts, line{Label: wordNumbers, Value: l.Digits(strconv.FormatUint(*x.Left, 10))})
		if *x.Left == 0 {
			out.Warning = wordNoNumbers
		}
	}
	return out
}

// homeOf is where a person begins: an officer of the union at its desk.
func (s *pages) homeOf(role access.Role) string {
	if s.staff != nil && role == access.Officer {
		return "/desk"
	}
	return s.home
}
