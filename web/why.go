package web

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"kendro/domain/place"
)

// wordWhy is the label of a reason.
var wordWhy = name("কারণ", "Why")

// becauseWords are the register's reasons for not taking something, in Bangla, by their text or, where
// a number or a name follows, by how it begins. A test finds the reasons that lack here.
var becauseWords = map[string]string{ //nolint:gosec // Sentences, no credentials.
	// Of what came from a centre.
	"the event cannot be read":                                                 "কেন্দ্র যা পাঠিয়েছে তা পড়া যায়নি।",
	"this kind of event is not known here":                                     "জেলার সার্ভার এই ধরনের তথ্য চেনে না।",
	"this version of the service is not known here":                            "সেবাটির এই সংস্করণ জেলার কাছে নেই।",
	"the service has no desk to go to":                                         "সেবাটির জন্য কোনো টেবিল ঠিক করা নেই।",
	"it was filed after the box was revoked":                                   "কেন্দ্রের যন্ত্র বাতিলের পরে এটি জমা হয়েছে।",
	"a recovered event whose receipt no box of this centre gave":               "উদ্ধার করা তথ্য; এর রসিদ এই কেন্দ্রের কোনো যন্ত্র দেয়নি।",
	"it names a case that is not here":                                         "এই নম্বরের কোনো নথি জেলায় নেই।",
	"another centre took the application in":                                   "আবেদনটি অন্য কেন্দ্র নিয়েছে।",
	"the service was withdrawn before this came":                               "এটি আসার আগেই সেবাটি প্রত্যাহার হয়েছে।",
	"the service was withdrawn, and its box could know when it took this in":   "সেবাটি প্রত্যাহার হয়েছে, আর আবেদন নেওয়ার সময় যন্ত্রটির তা জানার কথা।",
	"its box has the hash alone, and no order to erase it is known here":       "যন্ত্রটিতে এটি মোছা হয়েছে, কিন্তু মোছার কোনো আদেশ জেলার জানা নেই।",
	"it was brought within its term, and the case was decided before it came ": "সময়ের মধ্যেই আনা হয়েছিল, কিন্তু এখানে পৌঁছানোর আগে নিষ্পত্তি হয়ে গেছে। সিদ্ধান্তটি আবার দেখুন।",
	"only what was asked for may be supplied":                                  "যা চাওয়া হয়নি তা এসেছে।",

	// Of money.
	"more was paid than was owed":                                      "পাওনার চেয়ে বেশি টাকা জমা হয়েছে।",
	"a fee was paid on a case that is another one once more":           "নথিটি অন্য একটি নথির অনুলিপি, আর এতে ফি জমা হয়েছে।",
	"a payment of this number counts for the case already":             "এই নম্বরের জমা এই আবেদনে আগেই ধরা হয়েছে।",
	"it names a payment that another centre took":                      "যে জমা বাতিল করতে চাওয়া হয়েছে তা অন্য কেন্দ্র নিয়েছিল।",
	"the payment was voided before":                                    "জমাটি আগেই বাতিল করা হয়েছে।",
	"no payment of this case stands there, or it was settled already":  "সেখানে এই আবেদনের কোনো জমা নেই, অথবা তার নিষ্পত্তি হয়ে গেছে।",
	"the centre's own charge is above the ceiling of the version":      "কেন্দ্রের সেবামূল্য এই সেবার নির্ধারিত সীমার বেশি।",
	"the term has ended, and a part of the fee was paid":               "ফির একাংশ জমা আছে, আর মেয়াদ শেষ হয়েছে।",
	"what is owed is demanded once more, and nothing else":             "যা বাকি আছে কেবল তা-ই আবার চাওয়া যায়।",
	"too much waits with a decision before it that is to be confirmed": "আগের একটি সিদ্ধান্ত নিশ্চিত হওয়ার অপেক্ষায় আছে, তার সাথে আর কিছু রাখা যায় না।",
	"the case was erased by order before it came":                      "এটি আসার আগেই নথিটি আদেশে মুছে ফেলা হয়েছে।",
	"no fee is due now": "এখন কোনো ফি বাকি নেই।",
	"no demand is open": "কোনো ফি দাবি করা নেই।",
	"the date of the payment can't be believed: an officer decides":   "জমার তারিখ বিশ্বাসযোগ্য নয়; কর্মকর্তা সিদ্ধান্ত দেবেন।",
	"it was paid after the term":                                      "মেয়াদের পরে জমা হয়েছে।",
	"so much was not paid":                                            "এত টাকা জমা হয়নি।",
	"what was paid for is not a review":                               "যে ফি জমা হয়েছে তা পর্যালোচনার নয়।",
	"the fee is not paid":                                             "ফি জমা হয়নি।",
	"nothing is issued before the fee is paid, or nothing at all":     "ফি জমা না হলে কিছু ইস্যু করা যায় না, অথবা এই সেবায় কিছু ইস্যু হয় না।",
	"the hub sets the first delivery date, an officer moves it":       "সরবরাহের প্রথম তারিখ জেলা ঠিক করে; কর্মকর্তা কেবল তা বদলান।",
	"it goes by post":                                                 "এটি ডাকে যাবে।",
	"it was not asked for by post":                                    "এটি ডাকে চাওয়া হয়নি।",
	"another renewal of the same certificate was issued before":       "একই সনদের আরেকটি নবায়ন আগে ইস্যু হয়েছে।",
	"the certificate before it was renewed already: ":                 "আগের সনদটি এর মধ্যে আরেকবার নবায়ন হয়েছে।",
	"the certificate before it does not hold: ":                       "আগের সনদটি আর বৈধ নয়।",
	"the certificate before it is not known here, or ends otherwise ": "আগের সনদটি জেলার রেজিস্টারে নেই, অথবা তার মেয়াদ যন্ত্রের জানা মেয়াদের মতো নয়।",
	"the number of the certificate is used, or none of the lease's":   "সনদের নম্বরটি আগে ব্যবহার হয়েছে, অথবা এই যন্ত্রকে দেওয়া নম্বরের মধ্যে নেই।",
	"the certificate is dated otherwise than the service allows":      "সনদের মেয়াদ সেবার নিয়মের সাথে মেলে না।",
	"nothing was issued that could be taken back":                     "এমন কিছু ইস্যু হয়নি যা বাতিল করা যায়।",
	"it was changed by somebody else since the centre saw it":         "কেন্দ্র দেখার পরে অন্য কেউ এটি বদলেছেন।",
	"a decision or a note rests on it":                                "একটি সিদ্ধান্ত বা মন্তব্য এর ওপর নির্ভর করে।",
	"with it the service asks for something else, and a decision ":    "এটি বদলালে সেবাটির অন্য কিছু লাগে, আর একটি সিদ্ধান্ত দেওয়া হয়ে গেছে।",
	"the answers are sealed: nothing here can be put right":           "উত্তরগুলো সিল করা; এখানে কিছু সংশোধন করা যায় না।",
	"no desk hears the appeal":                                        "এই আপিল শোনার কোনো টেবিল নেই।",
	"the date of the appeal can't be believed: an officer decides":    "আপিলের তারিখ বিশ্বাসযোগ্য নয়; কর্মকর্তা সিদ্ধান্ত দেবেন।",
	"the service knows no appeal from here":                           "এই অবস্থায় সেবাটিতে আপিলের সুযোগ নেই।",
	"the time for an appeal has passed":                               "আপিলের সময় পেরিয়ে গেছে।",

	// Of what a union's officer did, or anybody at a case that was not so any more.
	"the officer had no such post at that time, or the case did not lie ":  "কর্মকর্তা তখন ওই পদে ছিলেন না, অথবা নথিটি তখন তাঁর টেবিলে ছিল না।",
	"the case is worked at the hub's desks":                                "নথিটির কাজ এখন জেলার ডেস্কে হয়।",
	"it was decided under no lease of this box":                            "এই যন্ত্রে সিদ্ধান্ত দেওয়ার অনুমতি তখন ছিল না।",
	"it was decided after the end of the lease":                            "যন্ত্রটির অনুমতির মেয়াদ শেষ হওয়ার পরে সিদ্ধান্তটি দেওয়া হয়েছে।",
	"it can't be believed when it was decided":                             "যন্ত্রের ঘড়ি ভুল; কখন সিদ্ধান্ত হয়েছে তা নিশ্চিত নয়।",
	"the decision before it was not confirmed":                             "এর আগের সিদ্ধান্তটি নিশ্চিত হয়নি।",
	"what comes of it is more than the register can keep":                  "এতে যা হতো, তা রেজিস্টারে রাখা যায় না।",
	"the entry is full: send again":                                        "এইবার জায়গা হয়নি; আবার পাঠাতে হবে।",
	"the answers are sealed: what puts them right is to be sealed as well": "উত্তরগুলো সিল করা; সংশোধনও সিল করে পাঠাতে হয়।",
	"a decision is stated on the grievance as it was":                      "অভিযোগটি যেমন ছিল, তার ওপর একটি সিদ্ধান্ত দেওয়া হয়ে গেছে।",
	"its sealed names can't be read":                                       "সিল করা নামগুলো পড়া যায়নি।",
	"put right: ":                                                          "যে উত্তরের ওপর সিদ্ধান্তটি ছিল, তা পরে সংশোধন হয়েছে।",
	"the case is not decided":                                              "নথিটির সিদ্ধান্ত হয়নি।",
	"not possible while the case is ":                                      "নথিটি তখন যে অবস্থায় ছিল, তাতে এটি করা যায় না।",
	"not possible after the approval":                                      "অনুমোদনের পরে এটি করা যায় না।",
	"the case has a desk":                                                  "নথিটির টেবিল ঠিক করা আছে।",
	"the case stays where it is":                                           "নথিটি যেখানে আছে সেখানেই থাকে।",
	"another officer of your post has taken the case: ":                    "একই পদের আরেকজন কর্মকর্তা নথিটি নিয়েছেন।",
	"state your preliminary decision first, then ":                         "তার আগে নিজের প্রাথমিক সিদ্ধান্ত লিপিবদ্ধ করতে হয়।",
	"it came from no desk: there is none to return it to":                  "নথিটি কোনো টেবিল থেকে আসেনি; ফেরত দেওয়ার টেবিল নেই।",
	"it was taken from no other desk: there is none to give it back to":    "নথিটি অন্য টেবিল থেকে নেওয়া হয়নি; ফিরিয়ে দেওয়ার টেবিল নেই।",
	"a rule of the service does not hold: ":                                "সেবার একটি নিয়ম মেলেনি।",
	"a required check is not done: ":                                       "একটি আবশ্যিক যাচাই করা হয়নি।",
	"the term has not ended":                                               "মেয়াদ এখনো শেষ হয়নি।",
	"it goes back to a desk before this one, and from no case that ":       "নথি কেবল আগের টেবিলে ফেরত যায়, আর আবেদনকারীর অপেক্ষায় থাকলে যায় না।",
	"the case is decided: it can't be withdrawn any more":                  "নথিটির সিদ্ধান্ত হয়ে গেছে; আর প্রত্যাহার করা যায় না।",
	"nobody is above this desk":                                            "এই টেবিলের ওপরে কেউ নেই।",
}

// because puts the register's reason into words; false for one that is not among those known.
func because(text string) (place.Name, bool) {
	bn, ok := becauseWords[text]
	for begins, words := range becauseWords {
		if !ok && strings.HasSuffix(begins, " ") && strings.HasPrefix(text, begins) {
			bn, ok = words, true
		}
	}
	first, size := utf8.DecodeRuneInString(text)
	return place.Name{BN: bn, EN: string(unicode.ToUpper(first)) + text[size:] + "."}, ok
}
