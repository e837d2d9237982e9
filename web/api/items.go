package api

import (
	"encoding/json"

	"kendro/domain/place"
	"kendro/protocol"
)

// An Item is what somebody has to decide about beside the procedure: what a centre
// sent and the case did not wait for, or what the register could not place.
type Item struct {
	ID        string          `json:"id"`
	Number    protocol.Number `json:"number,omitempty" doc:"Of the case; absent where it is about none"`
	Kind      string          `json:"kind"`
	Since     Time            `json:"since,omitzero"`
	Due       *Date           `json:"due"`
	Overdue   bool            `json:"overdue,omitempty"`
	Owner     string          `json:"owner" doc:"post@office"`
	Text      string          `json:"text"`
	Poisha    int64           `json:"poisha,omitempty"`
	Centre    string          `json:"centre"`
	Outcomes  []string        `json:"outcomes,omitempty" doc:"What may come of it; absent where it ends by what is to be done"`
	Desks     []string        `json:"desks,omitempty" doc:"To which a case without a desk may go, post@office"`
	Outcome   string          `json:"outcome,omitempty" doc:"refund, credit, applied, dismissed, again, accepted, honoured, refused, confirmed, routed or put-right; absent while it is open"`
	Words     string          `json:"words,omitempty"`
	SettledBy string          `json:"settled_by,omitempty"`
	Charged   bool            `json:"charged,omitempty" doc:"The centre is liable for what comes of it"`
	Disputed
	PaidOut
	Advice
}

// Disputed is what a correction changes, or wants to. Its members stand among the item's.
type Disputed struct {
	Fields  []string `json:"fields,omitempty" doc:"Of a correction: the answers that somebody has to decide about"`
	Changes []Change `json:"changes,omitempty" doc:"Of a correction, in a record: what is there now, and what the centre wants"`
	Reason  string   `json:"reason,omitempty" doc:"Of a correction, in a record: the centre's"`
}

// PaidOut is what there is to say of a refund. Its members stand among the item's.
type PaidOut struct {
	Voucher string `json:"voucher,omitempty" doc:"Of a refund that was paid: the number of its voucher"`
	PaidOn  *Date  `json:"paid_on,omitempty" doc:"Of a refund that was paid: the day"`
	Of      string `json:"of,omitempty" doc:"Of a refund: withdraw, reject, or the kind of the item that it comes of"`
}

// A Change is an answer that was put right, or that a centre wants put right.
type Change struct {
	Field string          `json:"field" doc:"form.NAME or applicant.NAME"`
	Was   json.RawMessage `json:"was,omitempty" doc:"Absent where there was none"`
	Is    json.RawMessage `json:"is,omitempty" doc:"Absent where it was taken away"`
}

// Advice is what is to be done about an item. Its members stand among the item's.
type Advice struct {
	Name place.Name `json:"name" doc:"What it is"`
	Do   place.Name `json:"do" doc:"What its owner is to do"`
	Says place.Name `json:"says" doc:"What the citizen is told meanwhile"`
}

// AdviceOn returns what is to be done about a kind of item; false for a kind that
// nobody has written about.
func AdviceOn(kind string) (Advice, bool) {
	a, ok := advice[kind]
	return a, ok
}

func words(bn, en string) place.Name { return place.Name{BN: bn, EN: en} }

// paidKept is what is told of money that has no place yet.
var paidKept = words("আপনার টাকা লিপিবদ্ধ আছে এবং হারাবে না। দপ্তর সিদ্ধান্ত নিয়ে আপনাকে জানাবে।", "Your money is on record and is not lost. The office decides and tells you.")

// applicationKept is what is told of an application that waits for a person.
var applicationKept = words("আপনার আবেদন নিরাপদে আছে। দপ্তর যাচাই করে আপনাকে জানাবে; নতুন করে আবেদন করতে হবে না।", "Your application is safe. The office looks at it and tells you; there is no need to apply again.")

var advice = map[string]Advice{
	"overpayment": {
		words("বেশি টাকা জমা হয়েছে", "More was paid than was owed"),
		words("দুটি রসিদ মিলিয়ে দেখুন। বাড়তি টাকা ফেরত দিন, অথবা আবেদনকারীর সম্মতিতে পরের ফিতে সমন্বয় করুন।", "Compare the receipts. Pay the surplus back, or set it off against a later fee if the applicant agrees."),
		paidKept,
	},
	"doubtful-date": {
		words("জমার তারিখ নিয়ে সন্দেহ", "A payment whose date can’t be believed"),
		words("চালান বা রসিদ দেখুন। সময়ের মধ্যে জমা হয়ে থাকলে নথির পাতায় এই জমাটি বেছে নিয়ে লিপিবদ্ধ করুন; বিষয়টি তাতেই নিষ্পত্তি হয়। এটি খোলা থাকা পর্যন্ত মেয়াদ শেষ হয় না।", "Look at the challan or the receipt. If it was paid in time, choose this payment on the case’s page and book it: that settles this. The term does not lapse while it is open."),
		paidKept,
	},
	"late-payment": {
		words("মেয়াদের পরে জমা", "Paid after the term"),
		words("জমার তারিখ দেখুন। মেয়াদের পরে হলে টাকা ফেরত দিন; আবেদনকারী নতুন আবেদন করতে পারেন।", "Look at the day of the payment. If it was late, pay it back; the applicant may apply anew."),
		paidKept,
	},
	"late-withdrawal": {
		words("সিদ্ধান্তের পরে প্রত্যাহার এসেছে", "A withdrawal that came after the decision"),
		words("প্রত্যাহারের তারিখ সিদ্ধান্তের আগে কি না দেখুন। ইস্যু করা কাগজ বহাল থাকে; ফি ফেরতের সিদ্ধান্ত নিন।", "See whether it was dated before the decision. What is issued stands; decide about the fee."),
		words("আপনার প্রত্যাহার পৌঁছেছে। তার আগেই সিদ্ধান্ত হয়েছিল; দপ্তর আপনাকে জানাবে।", "Your withdrawal has arrived. The case was decided before; the office tells you what comes of it."),
	},
	"unasked": {
		words("না চাওয়া তথ্য এসেছে", "What came was not asked for"),
		words("যা এসেছে তা দেখুন। দরকার হলে নথি থেকে সেই তথ্য চেয়ে নিন, তারপর নিষ্পত্তি করুন।", "Look at what came. If you need it, ask for it on the case, then settle this."),
		words("আপনার দেওয়া তথ্য পৌঁছেছে; দপ্তর দেখছে।", "What you brought has arrived; the office looks at it."),
	},
	"correction": {
		words("পর্যালোচনার সময়ে সংশোধন এসেছে", "A correction during the review"),
		words("নথিতে কী আছে আর কেন্দ্র কী চায় মিলিয়ে দেখুন। গ্রহণ করলে নতুন উত্তর বসবে, আর তার ওপর নির্ভর করা প্রাথমিক সিদ্ধান্ত আবার দিতে হবে।", "Compare what the case has and what the centre wants. Accepted, the new answer stands, and a decision that rested on the old one has to be stated again."),
		words("আপনার সংশোধন পৌঁছেছে; দপ্তর দেখছে।", "Your correction has arrived; the office looks at it."),
	},
	"late-appeal": {
		words("আপিল গ্রহণের অবস্থা নেই", "An appeal that the case did not wait for"),
		words("আপিলের তারিখ ও মেয়াদ দেখুন। সময়মতো হলে আপিল কর্মকর্তাকে নথিটি হাতে নিতে বলুন, তারপর নিষ্পত্তি করুন।", "Look at its day and at the term. If it was in time, ask the appellate officer to take the case up, then settle this."),
		words("আপনার আপিল পৌঁছেছে; দপ্তর দেখছে।", "Your appeal has arrived; the office looks at it."),
	},
	"handed-over-early": {
		words("ইস্যুর আগেই হস্তান্তর লেখা হয়েছে", "Handed over before anything was issued"),
		words("কেন্দ্রে জিজ্ঞাসা করুন কী দেওয়া হয়েছে। ভুল হলে বাতিল করুন।", "Ask the centre what was handed over. If it was a mistake, dismiss it."),
		words("আপনার আবেদন চলছে। কাগজ প্রস্তুত হলে জানানো হবে।", "Your application goes on. You are told when it is ready."),
	},
	"likely-duplicate": {
		words("একই বিষয়ে আগের আবেদন আছে", "An earlier application is about the same"),
		words("দুটি নথি মিলিয়ে দেখুন। একই হলে নথিটি অনুলিপি হিসেবে চিহ্নিত করুন; ভিন্ন হলে বাতিল করুন, তারপর অনুমোদন করা যাবে।", "Compare the two cases. If they are one, mark this as a duplicate; if they are two, dismiss this, and the case can be approved."),
		applicationKept,
	},
	"refused-outside": {
		words("অন্য দপ্তরের নিবন্ধন গ্রহণ করেনি", "Another authority’s register refused it"),
		words("কারণ দেখুন। সেখানে ঠিক হলে আবার জিজ্ঞাসা করুন; নম্বর নিজে পেলে নথিতে লিখুন।", "See why. Once it is put right there, ask again; if you have the number yourself, note it on the case."),
		applicationKept,
	},
	"second-number": {
		words("একই আবেদনে দ্বিতীয় নম্বর", "A second number for one application"),
		words("প্রথম নম্বর বহাল থাকে। অন্য দপ্তরকে দ্বিতীয়টি বাতিল করতে বলুন।", "The first number stands. Have the other authority cancel the second."),
		applicationKept,
	},
	"second-fee": {
		words("দ্বিতীয় আবেদনে ফি জমা হয়েছে", "A fee was paid on a second application"),
		words("নথিটি অন্য নথির অনুলিপি। এর জন্য জমা টাকা ফেরত দিন, অথবা সম্মতিতে পরের ফিতে সমন্বয় করুন।", "The case is another one once more. Pay back what was paid for it, or set it off against a later fee if the applicant agrees."),
		paidKept,
	},
	"service-withdrawn": {
		words("প্রত্যাহার হওয়া সেবায় আবেদন", "Filed under a service that was withdrawn"),
		words("কেন্দ্রের যন্ত্র তখন প্রত্যাহারের কথা জানত কি না বিবরণে দেখুন। গ্রহণ করলে নথিটি আগের সংস্করণে চলবে; প্রত্যাখ্যান করলে নথি শেষ হয় এবং জমা টাকা ফেরতের বিষয় খোলে।", "See below whether its box could know. If you accept it, the case goes on under its own version; if you refuse it, the case ends, and what was paid is an item to pay back."),
		words("আপনার আবেদন ও টাকা নিরাপদে আছে। সেবাটি এর মধ্যে বন্ধ হয়েছে; আবেদন চলবে, না টাকা ফেরত হবে, দপ্তর জানাবে।", "Your application and your money are safe. The service has ended meanwhile; the office tells you whether the application goes on or the money is paid back."),
	},
	"after-revocation": {
		words("বাতিল যন্ত্র থেকে আসা তথ্য", "Sent by a box that was revoked before"),
		words("আবেদনকারীর রসিদ দেখুন। রসিদ ঠিক থাকলে মেনে নিন; তথ্যটি তখন একবারই কার্যকর হয়। দায় কেন্দ্রের।", "Look at the applicant’s receipt. If it is right, honour it: it then counts, once. The centre is liable for it."),
		applicationKept,
	},
	"refund-owed": {
		words("টাকা ফেরত দিতে হবে", "Money to pay back"),
		words("আবেদনকারীকে টাকা ফেরত দিন, তারপর “টাকা ফেরত” বেছে নিয়ে ভাউচারের নম্বর ও তারিখ লিখুন। নামঞ্জুর আবেদনে আপিলের সময় শেষ হলে দিন।", "Pay it back to the applicant, then choose “pay it back” with the number and the day of the voucher. Of a rejected case, once no appeal can come."),
		words("আপনার টাকা ফেরত দেওয়া হবে। রসিদ ও পরিচয়পত্র নিয়ে এই দপ্তরে আসুন।", "Your money is paid back. Come to this office with your receipt and a paper that shows who you are."),
	},
	"refund-asked": {
		words("টাকা ফেরত দিতে হবে কি না", "Is money owed back?"),
		words("আবেদনটি প্রত্যাহার বা নামঞ্জুর হয়েছে, আর সেবাটির নিয়মে ফেরতের কথা নেই। কী কাজ হয়েছে দেখে বলুন কত টাকা ফেরত পাবেন; কিছু না পেলে কারণ লিখে বাতিল করুন।", "The case was withdrawn or rejected, and its service does not say what is owed back. See what was done for it and say how much; if nothing is, dismiss this with the reason."),
		paidKept,
	},
	"paid-in-part": {
		words("মেয়াদ শেষ, ফির একাংশ জমা আছে", "The term has ended, and a part of the fee was paid"),
		words("বাকি টাকা দেওয়ার জন্য আবেদনকারীকে আরেকবার সময় দিন, অথবা জমা টাকা ফেরত দিন। ফেরত দিলে নথি মেয়াদোত্তীর্ণই থাকে। কিছুই না হলে কারণ লিখে বাতিল করুন।", "Give the applicant another term for the rest, or pay back what he paid: the case then stays lapsed. If neither is right, dismiss this with the reason."),
		words("ফির একাংশ জমা আছে, আর বাকি টাকার সময় শেষ হয়েছে। টাকা ফেরত হবে, না আরেকবার সময় পাবেন, দপ্তর জানাবে।", "A part of the fee was paid, and the time for the rest is over. The office tells you whether it is paid back or you have another term."),
	},
	"second-renewal": {
		words("একই সনদের দ্বিতীয় নবায়ন", "A second renewal of one certificate"),
		words("সনদটির আরেকটি নবায়ন আগে ইস্যু হয়েছে, তাই এটি আর ইস্যু করা যায় না। টাকা ফেরত বেছে নিলে নথি শেষ হয় এবং ফি ফেরত পাওনা হয়; টাকা জমা না থাকলে প্রত্যাখ্যান করুন।", "Another renewal of the certificate was issued before, so this one can’t be issued. Choose “pay it back”: the case ends and the fee is owed back; if nothing was paid, refuse it."),
		words("আপনার সনদের আরেকটি নবায়ন আগেই হয়েছে। এই আবেদনের টাকা নিয়ে দপ্তর আপনাকে জানাবে।", "Your certificate was renewed by another application. The office tells you about the money for this one."),
	},
	"payment-voided": {
		words("কেন্দ্র একটি জমা বাতিল করেছে", "A centre voided a payment"),
		words("কেন্দ্রের কাছে কারণ ও নগদ হিসাব দেখুন। কারণ ঠিক হলে গ্রহণ করুন; না হলে প্রত্যাখ্যান করুন, দায় তখন কেন্দ্রের।", "See the reason and the centre’s cash. Accept it if it is a good one; else refuse it, and the centre is liable."),
		words("আপনার একটি জমা বাতিল করা হয়েছে; রসিদ থাকলে কেন্দ্রে দেখান। টাকা দিয়ে থাকলে তা হারাবে না।", "A payment of yours was voided. If you have its receipt, show it at the centre: money that you paid is not lost."),
	},
	"decision-to-confirm": {
		words("ইউনিয়নের সিদ্ধান্ত নিশ্চিত করতে হবে", "A decision of a union to confirm"),
		words("ইউনিয়ন মেয়াদের পরে সিদ্ধান্ত নিয়েছে। কারণ ও নথি দেখুন। নিশ্চিত করলে সিদ্ধান্ত ও সনদ বহাল থাকে; প্রত্যাখ্যান করলে সনদ বাতিল হয় এবং নথি টেবিলে ফেরে।", "The union decided it when its lease was over. See why, and the case. If you confirm it, the decision and its certificate stand; if you refuse it, the certificate is worth nothing and the case is back at its desk."),
		words("আপনার সনদ অস্থায়ী। উপজেলা কার্যালয় নিশ্চিত করলে জানানো হবে।", "Your certificate is provisional. You are told when the office above has confirmed it."),
	},
	"act-at-union": {
		words("ইউনিয়নের কাজ নথির সাথে মেলে না", "What the union did does not fit the case"),
		words("বিবরণে কারণ দেখুন। ইউনিয়নের সাথে কথা বলুন; দরকার হলে কাজটি টেবিলে করুন, তারপর নিষ্পত্তি করুন।", "See the reason below and speak with the union. Do at the desk what has to be done, then settle this."),
		applicationKept,
	},
	"untrained": {
		words("প্রশিক্ষণ ছাড়া আবেদন নেওয়া হয়েছে", "Taken in without the training that the service asks for"),
		words("আবেদন বৈধ এবং চলছে। বিবরণে দেখুন কে নিয়েছেন: প্রশিক্ষণ হয়ে থাকলে নথিভুক্ত করুন, না হলে প্রশিক্ষণে পাঠান, তারপর “বাতিল” বেছে নিন।", "The application stands and goes on. See below who took it in: note the training if it was done, else send that person to one, then choose “dismissed”."),
		applicationKept,
	},
	"charge-above-ceiling": {
		words("সেবামূল্য সীমার বেশি নেওয়া হয়েছে", "A service charge above the ceiling"),
		words("রসিদ দেখুন। বাড়তি টাকা কেন্দ্র থেকে আবেদনকারীকে ফেরত দিতে বলুন, তারপর “টাকা ফেরত” বেছে নিন।", "Look at the receipt. Have the centre pay the surplus back, then choose “pay it back”."),
		paidKept,
	},
	"held": {
		words("আবেদন যাচাইয়ের জন্য আলাদা আছে", "An application that was set aside"),
		words("কারণ দেখুন ও কেন্দ্রের সাথে কথা বলুন। এর মধ্যে ঠিক হয়ে থাকলে গ্রহণ করুন: নথিটি চলবে। না হলে কারণ লিখে প্রত্যাখ্যান করুন: নথি শেষ হয়, জমা টাকা ফেরতের বিষয় খোলে, আর আবেদন নতুন করে নেওয়া যায়।", "See the reason and speak with the centre. If it is right by now, accept it and the case goes on. Else refuse it with the reason: the case ends, what was paid is an item to pay back, and it can be filed anew."),
		applicationKept,
	},
	"unrouted": {
		words("কোনো টেবিল পায়নি", "No desk was found"),
		words("এই এলাকায় সেবার প্রথম পদের দপ্তর নেই। তালিকায় দপ্তর বা পদ যোগ করে প্রকাশ করলে নথি নিজে থেকেই টেবিলে যায়; দেরি না করে এখানেই একটি টেবিলে পাঠাতেও পারেন।", "No office of this area has the post of the first step. Once it is in the directory that is published, the case goes there by itself; or send it to a desk here and now."),
		applicationKept,
	},
	"number-twice": {
		words("একই নম্বর দুটি আবেদনে", "One number on two receipts"),
		words("নথিটির নতুন নম্বর কেন্দ্রকে জানানো হয়েছে। আবেদনকারী নতুন রসিদ পেয়েছেন কি না নিশ্চিত হোন, যন্ত্রটি পরীক্ষা করান, তারপর নিষ্পত্তি করুন।", "The centre was told the case’s new number. Make sure that the applicant has a new receipt, have the box looked at, then settle this."),
		words("আপনার আবেদনের নতুন নম্বর হয়েছে। পুরোনো রসিদ নিয়ে কেন্দ্রে আসুন।", "Your application has a new number. Bring your old receipt to the centre."),
	},
	"box-copied": {
		words("কেন্দ্রের যন্ত্রের নকল দেখা গেছে", "A copy of a centre’s box was seen"),
		words("যন্ত্রটি বদলানো বা পুরোনো ডিস্ক চালানো হয়েছে কি না কেন্দ্রে জিজ্ঞাসা করুন। কারিগরি শাখা যন্ত্রটি নতুন করে যুক্ত করবে; নকলটি সরানো হয়ে থাকলে নিষ্পত্তি করুন।", "Ask the centre whether an old disk was put in. The technical staff enrol the box anew; settle this once the copy is gone."),
		applicationKept,
	},
	"unopened-block": {
		words("কেন্দ্রের পাঠানো তথ্য খোলা যায়নি", "Records of a centre that can’t be opened"),
		words("কারিগরি শাখাকে জানান। তথ্য হুবহু রাখা আছে; কেন্দ্রের রসিদের সাথে মিলিয়ে দেখুন, দরকারি আবেদন নতুন করে নিন, তারপর নিষ্পত্তি করুন।", "Tell the technical staff. The records are kept as they came: compare them with the centre’s receipts, have filed anew what is needed, then settle this."),
		applicationKept,
	},
	"no-case": {
		words("অচেনা আবেদনের তথ্য এসেছে", "News of a case that is not here"),
		words("নম্বরটি কেন্দ্রের রসিদের সাথে মিলিয়ে দেখুন। টাকা হলে যে নথির জন্য জমা হয়েছিল তার নম্বরে প্রয়োগ করুন, অথবা ফেরত দিন।", "Compare the number with the centre’s receipt. If it was money, apply it to the case that was meant, or pay it back."),
		paidKept,
	},
	"unreadable": {
		words("কেন্দ্রের একটি তথ্য পড়া যায়নি", "A record of a centre that can’t be read"),
		words("কারিগরি শাখাকে জানান; কেন্দ্রের সফটওয়্যার হালনাগাদ কি না দেখুন। রসিদ ধরে যা দরকার নতুন করে নিন, তারপর নিষ্পত্তি করুন।", "Tell the technical staff; see whether the centre’s software is the newest. Have taken anew, by its receipt, what is needed, then settle this."),
		applicationKept,
	},
	"clock-off": {
		words("কেন্দ্রের ঘড়ি ভুল ছিল", "A centre’s clock was far off"),
		words("কেন্দ্রকে ঘড়ি ঠিক করতে বলুন। তারিখের ওপর কিছু নির্ভর করলে নথির আইনি তারিখ দেখুন, তারপর নিষ্পত্তি করুন।", "Have the centre put its clock right. Where something hangs on the day, look at the case’s legal date, then settle this."),
		words("আপনার আবেদন গৃহীত হয়েছে। কেন্দ্রের ঘড়ি ভুল থাকায় তারিখটি দপ্তর ঠিক করেছে।", "Your application is accepted. The centre’s clock was wrong, so the office has set its date."),
	},
	"likely-person": {
		words("একই ব্যক্তির একই সেবার দুটি আবেদন", "Two applications of one person for one service"),
		words("দুটি নথি মিলিয়ে দেখুন এবং নথির পাতায় বলুন একই ব্যক্তি কি না। একই আবেদন হলে পরেরটি অনুলিপি হিসেবে চিহ্নিত করুন; না হলে বাতিল করুন।", "Compare the two and say on the case’s page whether they are one person. If it is one application, mark the later as its duplicate; if not, dismiss this."),
		applicationKept,
	},
	"document-missing": {
		words("কাগজের স্ক্যান পৌঁছায়নি", "A scan has not arrived"),
		words("কেন্দ্রের যন্ত্র চালু ও সংযুক্ত কি না জিজ্ঞাসা করুন। যন্ত্র নষ্ট হলে নথি থেকে শুধু সেই কাগজ চেয়ে নিন।", "Ask whether the centre’s box is on and connected. If it is lost, ask on the case for that document alone."),
		words("আপনার আবেদন গৃহীত হয়েছে। একটি কাগজ পৌঁছাতে দেরি হচ্ছে; দরকার হলে জানানো হবে।", "Your application is accepted. One document is late; you are told if it is needed again."),
	},
}
