package box

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// A Code names something that keeps the box from part of its work.
type Code string

// The blockers.
const (
	NotSynced         Code = "not_synced"           // No users or no catalogue yet.
	JournalBehind     Code = "journal_behind"       // Records were missing here, or stood otherwise at the hub: the log was given up.
	Forked            Code = "log_forked"           // A copy of this box is about: it works under its spare slot.
	DiskFull          Code = "disk_full"            // Too little room for intake.
	IndexDamaged      Code = "index_damaged"        // The scrub found a difference; it is being rebuilt.
	InboxIncomplete   Code = "inbox_incomplete"     // A part of what the hub said is damaged here; it is fetched again.
	RecordsMissing    Code = "records_missing"      // Own records were lost here; they are fetched back from the hub.
	JournalDamaged    Code = "journal_damaged"      // Records of the own log can't be read here; the log of the box names them.
	CatalogueRefused  Code = alarmRelease           // A release not signed by the catalogue's key.
	CatalogueConflict Code = alarmTwin              // Two releases with one number.
	CatalogueLacks    Code = "catalogue_incomplete" // The newest release waits for its parts.
	CatalogueOld      Code = "catalogue_old"        // The hub was not heard of for longer than a service's version may go without.
	HubUnreachable    Code = "hub_unreachable"      // No session with any server.
	CertificateOld    Code = "certificate_expired"  // No session until it is renewed.
	HubRefuses        Code = "hub_refuses"          // The hub does not let this box in: it was revoked.
	DocumentsDamaged  Code = "documents_damaged"    // Documents that no hub holds can't be read here; the log names them.
	DocumentsRefused  Code = "documents_refused"    // The disk fills: text is taken, documents are not.
	RegisterAnew      Code = "register_anew"        // The district's register began anew: what it lacks is sent again.
)

// words say what is wrong and what to do.
var words = map[Code]place.Name{
	NotSynced: {
		BN: "এই যন্ত্র এখনও কেন্দ্রীয় সার্ভার থেকে সেবা তালিকা ও ব্যবহারকারী পায়নি। ইন্টারনেটে যুক্ত করুন; একবার পেলে আর সংযোগ লাগবে না।",
		EN: "This box has not yet received the services and users from the hub. Connect it to the internet once; after that it works without.",
	},
	JournalBehind: {
		BN: "এই যন্ত্রে পুরোনো কপি বসানো হয়েছিল। ছাপানো সব রসিদ ও নম্বর বৈধ; আবেদন নেওয়া চলছে, হারানো অংশ কেন্দ্রীয় সার্ভার থেকে ফিরিয়ে আনা হচ্ছে। জেলা অপারেটরকে জানান।",
		EN: "An older copy of this box's disk was put back. Every printed receipt and number stays valid; intake goes on, and what was lost comes back from the hub. Tell the district's operator.",
	},
	Forked: {
		BN: "এই যন্ত্রের একটি নকল চলছে। আবেদন নেওয়া চলছে, কিছু হারাবে না। জেলা অপারেটরকে জানান: নকলটি খুঁজে বন্ধ করতে হবে, তারপর যন্ত্রটি আবার নথিভুক্ত করতে হবে।",
		EN: "A copy of this box is running. Intake goes on and nothing is lost. Call the district's operator: the copy has to be found and switched off, and this box enrolled again.",
	},
	DiskFull: {
		BN: "ডিস্ক প্রায় পূর্ণ, তাই নতুন আবেদন নেওয়া যাচ্ছে না। জায়গা খালি করুন, অথবা kendro node ballast চালান।",
		EN: "The disk is nearly full, so no application can be taken. Free some space, or run kendro node ballast.",
	},
	IndexDamaged: {
		BN: "অনুসন্ধান সূচি নষ্ট হয়েছিল; খাতা থেকে আবার তৈরি হচ্ছে। কিছু হারায়নি।",
		EN: "The index was damaged and is being built again from the journals. Nothing is lost.",
	},
	InboxIncomplete: {
		BN: "কেন্দ্রীয় সার্ভারের পাঠানো কিছু তথ্য এই ডিস্কে নষ্ট হয়েছিল; আবার আনা হচ্ছে। কোনো আবেদন হারায়নি।",
		EN: "Part of what the hub had sent was damaged on this disk and is being fetched again. No application is lost.",
	},
	RecordsMissing: {
		BN: "ডিস্কের ত্রুটিতে এই যন্ত্রের কিছু আবেদন এখানে নেই; কেন্দ্রীয় সার্ভার থেকে ফিরিয়ে আনা হচ্ছে। ছাপানো সব রসিদ বৈধ। এখানে না পেলে একটু পরে আবার দেখুন, অথবা জেলা কার্যালয়ে জিজ্ঞাসা করুন।",
		EN: "A failing disk has lost some of this box's applications here; they are fetched back from the hub. Every printed receipt stays valid. Ask again in a moment, or ask the district office.",
	},
	JournalDamaged: {
		BN: "ডিস্কের ত্রুটিতে খাতার কিছু আবেদন এখানে আর পড়া যায় না; বাকি সব ঠিক আছে। জেলা অপারেটরকে জানান: ডিস্ক বদলাতে হবে।",
		EN: "A failing disk has damaged some applications in this box's journal; all others are whole. Call the district's operator: the disk has to be replaced, and kendro audit verify names the records.",
	},
	CatalogueRefused: {
		BN: "একটি সেবা তালিকা সঠিক চাবিতে স্বাক্ষরিত নয়, তাই চালু করা হয়নি। জেলা অপারেটরকে জানান।",
		EN: "A release of the catalogue was not signed by the right key and was not activated. Tell the district's operator.",
	},
	CatalogueConflict: {
		BN: "একই নম্বরের দুটি সেবা তালিকা এসেছে; আগেরটি চালু আছে। জেলা অপারেটরকে জানান।",
		EN: "Two releases of the catalogue carry one number; the first stays in force. Tell the district's operator.",
	},
	CatalogueLacks: {
		BN: "নতুন সেবা তালিকার সব অংশ এখনও আসেনি; আগেরটি চালু আছে।",
		EN: "Parts of the newest catalogue have not arrived yet; the one before stays in force.",
	},
	CatalogueOld: {
		BN: "অনেক দিন কেন্দ্রীয় সার্ভারের সঙ্গে যোগাযোগ হয়নি, তাই সেবা তালিকা পুরোনো হয়ে থাকতে পারে। আবেদন নেওয়া চলছে; যন্ত্রটি ইন্টারনেটে যুক্ত করুন।",
		EN: "The hub was not heard of for so long that the catalogue may be out of date: fees or forms may have changed. Intake goes on; connect this box to the internet.",
	},
	HubUnreachable: {
		BN: "কেন্দ্রীয় সার্ভারের সঙ্গে সংযোগ নেই। আবেদন নেওয়া চলছে; সংযোগ ফিরলে নিজেই পাঠানো হবে।",
		EN: "No server of the hub can be reached. Intake goes on; everything is sent when the link is back.",
	},
	HubRefuses: {
		BN: "কেন্দ্রীয় সার্ভার এই যন্ত্রকে আর গ্রহণ করে না (যন্ত্রটি বাতিল করা হয়েছে?)। জেলা অপারেটরকে জানান: যন্ত্রটি আবার নথিভুক্ত করতে হবে।",
		EN: "The hub no longer lets this box in (was it revoked?). Call the district's operator: the box has to be enrolled again.",
	},
	DocumentsDamaged: {
		BN: "ডিস্কের ত্রুটিতে পাঠানোর আগেই কিছু দলিল নষ্ট হয়েছে। আবেদনগুলো ঠিক আছে; দলিলগুলো আবার আপলোড করুন।",
		EN: "A failing disk has damaged documents before they were sent. Their applications are whole; the documents have to be uploaded again, and the box's log names them.",
	},
	DocumentsRefused: {
		BN: "ডিস্ক ৮৫% এর বেশি পূর্ণ, তাই নতুন দলিল আপলোড নেওয়া হচ্ছে না; আবেদন নেওয়া চলছে, মূল দলিল কাউন্টারে দেখা যাবে। জায়গা খালি করুন বা ইন্টারনেটে যুক্ত করুন।",
		EN: "The disk is more than 85 % full, so no new document is taken. Applications are, with originals seen at the counter. Connect the box, so that documents can leave it, or free some space.",
	},
	RegisterAnew: {
		BN: "জেলার সব সার্ভার নষ্ট হয়েছিল; নিবন্ধন নতুন করে শুরু হয়েছে এবং এই যন্ত্র তার সব আবেদন আবার পাঠাচ্ছে। ছাপানো সব রসিদ ও নম্বর বৈধ; আবেদন নেওয়া চলছে।",
		EN: "Every server of the district was lost, and its register began anew: this box is sending its applications again. Every printed receipt and number stays valid, and intake goes on.",
	},
	CertificateOld: {
		BN: "এই যন্ত্রের সনদের মেয়াদ শেষ; আবেদন নেওয়া চলছে, কিন্তু পাঠানো বন্ধ। জেলা অপারেটরকে জানান।",
		EN: "This box's certificate has expired. Intake goes on, but nothing can be sent. Tell the district's operator.",
	},
}

// closing are the blockers that close intake.
var closing = []Code{NotSynced, DiskFull}

// Closes reports whether a blocker with this code closes intake.
func (c Code) Closes() bool { return slices.Contains(closing, c) }

// Words say in both languages what is wrong and what to do.
func (c Code) Words() place.Name { return words[c] }

// A Blocker stands from Since until somebody clears it.
type Blocker struct {
	Code  Code
	Since time.Time
	Retry time.Time // When it is tried again by itself; zero if it isn't.
}

// Blockers are what stands in the way just now. All methods may be called
// concurrently.
type Blockers struct {
	clock func() time.Time

	mu   sync.Mutex // Guards list.
	list []Blocker
}

// Raise notes a blocker, or when a standing one is tried again.
func (b *Blockers) Raise(code Code, retry time.Time) {
	now := b.clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(code); i >= 0 {
		b.list[i].Retry = retry
		return
	}
	b.list = append(b.list, Blocker{Code: code, Since: now, Retry: retry})
	slices.SortFunc(b.list, func(x, y Blocker) int { return cmp.Compare(x.Code, y.Code) })
}

// Clear takes a blocker away.
func (b *Blockers) Clear(code Code) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(code); i >= 0 {
		b.list = slices.Delete(b.list, i, i+1)
	}
}

// List returns what stands in the way, sorted by code.
func (b *Blockers) List() []Blocker {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// Closed returns nil while applications can be taken, else [fault.Unavailable]
// with the code of the first reason.
func (b *Blockers) Closed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.list {
		if x.Code.Closes() {
			return fault.New("box.File", fault.Unavailable, string(x.Code), words[x.Code].EN)
		}
	}
	return nil
}

// Standing reports whether a blocker stands.
func (b *Blockers) Standing(code Code) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.find(code) >= 0
}

func (b *Blockers) find(code Code) int {
	return slices.IndexFunc(b.list, func(x Blocker) bool { return x.Code == code })
}
