package web

import (
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

func name(bn, en string) place.Name { return place.Name{BN: bn, EN: en} }

// The words of the pages. A page that uses a word that isn't here doesn't
// compile; a test makes sure that each stands in both languages.
var (
	wordKendro       = name("কেন্দ্র", "Kendro")
	wordCounter      = name("ডিজিটাল সেন্টার", "Digital centre")
	wordOffice       = name("জেলা কার্যালয়", "District office")
	wordSkip         = name("মূল অংশে যান", "Skip to the content")
	wordLanguage     = name("English", "বাংলা")
	wordTextSize     = name("লেখার আকার", "Text size")
	wordNormal       = name("সাধারণ", "Normal")
	wordLarge        = name("বড়", "Large")
	wordLarger       = name("আরও বড়", "Larger")
	wordContrast     = name("উচ্চ বৈসাদৃশ্য", "High contrast")
	wordContrastOff  = name("সাধারণ রং", "Normal colours")
	wordSignIn       = name("প্রবেশ করুন", "Sign in")
	wordSignOut      = name("বের হোন", "Sign out")
	wordSignInTitle  = name("কাউন্টারে প্রবেশ", "Sign in to the counter")
	wordDeskTitle    = name("কর্মকর্তার প্রবেশ", "Officers’ sign-in")
	wordUser         = name("ব্যবহারকারীর নাম", "User name")
	wordPassword     = name("পাসওয়ার্ড", "Password")
	wordServices     = name("সেবা", "Services")
	wordNewCase      = name("নতুন আবেদন", "New application")
	wordElsewhere    = name("অন্য সিস্টেমে", "In another system")
	wordFindService  = name("সেবা খুঁজুন", "Find a service")
	wordFind         = name("খুঁজুন", "Find")
	wordTraining     = name("প্রশিক্ষণ প্রয়োজন:", "Needs a training:")
	wordTrainingDo   = name("প্রশিক্ষণ নেওয়া কেউ প্রবেশ করলে এই সেবা নিতে পারবেন। প্রশিক্ষণ হয়ে থাকলে উপজেলা নির্বাহী কর্মকর্তার কার্যালয়কে নথিভুক্ত করতে বলুন।", "Somebody of this centre who has it can sign in and take the application. If you have done it, ask the UNO’s office to put it on record.")
	wordShowAll      = name("সব সেবা দেখুন", "Show all services")
	wordCategories   = name("বিভাগ", "Categories")
	wordNoService    = name("এই নামে কোনো সেবা পাওয়া যায়নি। সেবার বা বিভাগের নামের একটি ছোট অংশ লিখে দেখুন, যেমন “জন্ম” বা “ভূমি”।", "No service of that name was found. Try a short part of its name or of its category, such as “birth” or “land”.")
	wordNoCatalogue  = name("সেবার তালিকা এখনো আসেনি। জেলা কার্যালয়ের সাথে একবার সংযোগ হলে আবেদন নেওয়া যাবে।", "The list of services has not arrived yet. Applications can be taken once this box has reached the district office.")
	wordToday        = name("আজকের রসিদ", "Today’s receipts")
	wordNoneToday    = name("আজ এখনো কোনো আবেদন নেওয়া হয়নি।", "No application has been taken today.")
	wordTrack        = name("আবেদনের অবস্থা", "Track an application")
	wordTrackHint    = name("রসিদের ১৬ অঙ্কের নম্বর লিখুন; বাংলা বা ইংরেজি অঙ্ক, ফাঁকা থাকলেও চলবে।", "Write the 16 digits on the receipt, in Bangla or English digits; spaces do no harm.")
	wordNumber       = name("গ্রহণ নম্বর", "Receive number")
	wordShow         = name("দেখুন", "Show")
	wordApplicant    = name("আবেদনকারী", "Applicant")
	wordArea         = name("ইউনিয়ন বা পৌরসভা", "Union or paurashava")
	wordAnswers      = name("আবেদনের তথ্য", "Details of the application")
	wordDocuments    = name("কাগজপত্র", "Documents")
	wordOriginals    = name("কাউন্টারে মূল কপি দেখা হলে টিক দিন, অথবা PDF, JPEG বা PNG স্ক্যান সংযুক্ত করুন।", "Tick what was shown as an original at the counter, or attach a scan as PDF, JPEG or PNG.")
	wordSeen         = name("মূল কপি দেখা হয়েছে", "Original seen")
	wordScanned      = name("স্ক্যান সংযুক্ত আছে", "Scan enclosed")
	wordScanMissing  = name("স্ক্যান এখনো পৌঁছায়নি", "Scan has not arrived yet")
	wordScanAttach   = name("স্ক্যান বা ছবি সংযুক্ত করুন", "Attach a scan or a picture")
	wordScanPhoto    = name("ক্যামেরায় ছবি তুলুন", "Take a picture")
	wordScanDrop     = name("এই স্ক্যান বাদ দিন", "Leave this scan out")
	wordScanBad      = name("এই ফাইল নেওয়া যায় না। ২ মেগাবাইটের কম PDF, অথবা ১২ মেগাবাইট ও ১২ মেগাপিক্সেলের মধ্যে JPEG বা PNG ছবি দিন।", "This file can’t be taken. Attach a PDF below 2 MB, or a JPEG or PNG within 12 MB and 12 megapixels.")
	wordScanNoRoom   = name("ডিস্কে এখন স্ক্যানের জায়গা নেই। একটু পরে আবার চেষ্টা করুন, অথবা মূল কপি দেখে টিক দিয়ে স্ক্যান ছাড়াই আবেদন নিন।", "There is no room for scans just now. Try again later, or tick the original and go on without the scan.")
	wordScanNotHere  = name("এই স্ক্যানটি এখানে নেই। জমা হওয়ার পর এখনো পৌঁছায়নি, অথবা জেলা কার্যালয়ে রাখা আছে।", "This scan is not here. It has not arrived yet, or only the district office keeps it.")
	wordOptional     = name("ঐচ্ছিক", "optional")
	wordPostmark     = name("ডাকের তারিখ", "Postmark")
	wordPostmarkHint = name("শুধু ডাক বা ফ্যাক্সে আসা কাগজে: খামের সিল বা ফ্যাক্সের তারিখ। মেয়াদ গণনা শুরু হয় আজ থেকে।", "Only for what came by post or fax: the day on the envelope or the fax. The office’s clock starts today.")
	wordChannel      = name("আবেদনের মাধ্যম", "How it came")
	wordFees         = name("ফি", "Fees")
	wordTotal        = name("মোট", "Total")
	wordFree         = name("কোনো ফি নেই", "No fee")
	wordSteps        = name("যেভাবে নিষ্পত্তি হয়", "How it is decided")
	wordDays         = name("কার্যদিবসে নিষ্পত্তি", "working days to a decision")
	wordChoose       = name("বেছে নিন", "Choose")
	wordYes          = name("হ্যাঁ", "Yes")
	wordNo           = name("না", "No")
	wordAddRow       = name("আরও একটি যোগ করুন", "Add another")
	wordRow          = name("ক্রমিক", "No.")
	wordContinue     = name("পরের ধাপ: মিলিয়ে দেখা", "Continue: read back")
	wordReview       = name("মিলিয়ে দেখুন", "Read back to the applicant")
	wordReviewHint   = name("আবেদনকারীকে পড়ে শোনান। সব ঠিক থাকলে জমা দিন।", "Read it out to the applicant. If all is right, submit.")
	wordSubmit       = name("জমা দিন ও রসিদ নিন", "Submit and print the receipt")
	wordEdit         = name("সংশোধন করুন", "Change something")
	wordThereIs      = name("কিছু তথ্য ঠিক করতে হবে", "Some answers need correcting")
	wordReceipt      = name("আবেদনের রসিদ", "Receipt")
	wordFiled        = name("আবেদন গ্রহণ করা হয়েছে", "The application has been taken")
	wordKeep         = name("এই নম্বর যত্নে রাখুন। এটি দিয়ে যেকোনো কেন্দ্রে আবেদনের অবস্থা জানা যাবে।", "Keep this number. With it you can ask at any centre where your application is.")
	wordService      = name("সেবা", "Service")
	wordTakenAt      = name("গ্রহণের সময়", "Taken at")
	wordCentre       = name("কেন্দ্র", "Centre")
	wordCustody      = name("আবেদন কতদূর পৌঁছেছে", "How far it has come")
	wordLog          = name("লগ ও ক্রম", "Log and sequence")
	wordStage        = name("অবস্থা", "Stage")
	wordWhere        = name("কোথায় আছে", "Where it is")
	wordSince        = name("কবে থেকে", "Since")
	wordNext         = name("পরের ধাপ", "Next step")
	wordExpected     = name("নিষ্পত্তির সম্ভাব্য তারিখ", "Expected by")
	wordAsOf         = name("সর্বশেষ জানা", "As of")
	wordUnknownYet   = name("এখনো জানা যায়নি", "Not known yet")
	wordNoOffice     = name("কোনো দপ্তরে নেই", "With no office")
	wordAtCentre     = name("আবেদন নেওয়া কেন্দ্রে", "At the centre that took it")
	wordFinished     = name("আর কোনো ধাপ নেই", "No further step")
	wordTasks        = name("কাজের তালিকা", "Tasks")
	wordSearch       = name("নথি খুঁজুন", "Find a case")
	wordSearchFor    = name("গ্রহণ নম্বর, মোবাইল, পরিচয় নম্বর বা নাম", "Receive number, mobile, identifier or name")
	wordOrField      = name("অথবা ফরমের একটি নম্বর", "Or a number in the form")
	wordAnyField     = name("যেকোনো", "Any")
	wordFieldSays    = name("নম্বরটি লিখুন", "The number")
	wordIndexing     = name("খোঁজার তালিকা তৈরি হচ্ছে; কিছু নথি এখনো পাওয়া নাও যেতে পারে।", "The index is being built: some cases may not be found yet.")
	wordNothingFound = name("আপনার দপ্তরে এমন কোনো নথি পাওয়া যায়নি।", "No such case was found among those that you may read.")
	wordFindMore     = name("আরও নথি আছে। নামের আরেকটি অংশ, মোবাইল বা খতিয়ান নম্বর যোগ করুন।", "There are more. Add a word of the name, a mobile or a khatian number.")
	wordAlike        = name("এই ব্যক্তির একই আবেদন আগে নেওয়া হয়ে থাকতে পারে", "This may have been applied for already")
	wordDespite      = name("একই রকম আবেদন থাকতেও নেওয়ার কারণ", "Why it was filed again")
	wordDespiteHint  = name("কেন আবার আবেদন নেওয়া হচ্ছে, লিখুন; কর্মকর্তা এটি দেখবেন।", "Say why it is filed again; the officer reads it.")
	wordAlikeHint    = name("নিচের আবেদন একই বিষয়ের হলে নতুন করে জমা দেবেন না: আবেদনকারীকে আগের গ্রহণ নম্বর দিন। ভিন্ন বিষয় বা ভিন্ন ব্যক্তি হলে জমা দিন।", "If one of these is the same matter, don’t submit again: give the applicant its number. If it is another matter or another person, go on.")
	wordBackToCase   = name("নথিতে ফিরুন:", "Back to case")
	wordSayTie       = name("এই দুই আবেদনকারী একই ব্যক্তি কি না, জানান", "Say whether these two applicants are one person")
	wordIsOnePerson  = name("দুই নথির আবেদনকারী কি একই ব্যক্তি?", "Are the applicants of the two cases one person?")
	wordOnePerson    = name("একই ব্যক্তি", "One person")
	wordTwoPeople    = name("ভিন্ন ব্যক্তি", "Different people")
	wordTieOpen      = name("আগের মত ফিরিয়ে নেওয়া হলো", "Taken back: not known")
	wordWhatSeen     = name("কী দেখে বলছেন", "What you saw")
	wordWriteDown    = name("লিখে রাখুন", "Keep")
	wordSimilar      = name("একই ব্যক্তির সম্ভাব্য অন্য নথি", "Other cases that may be the same person’s")
	wordNoName       = name("নাম নেই", "No name")
	wordMine         = name("আমার কাজ", "Mine")
	wordColleagues   = name("দপ্তরের সব কাজ", "The whole office")
	wordNoTasks      = name("এখন কোনো কাজ নেই।", "There is nothing to do just now.")
	wordDue          = name("শেষ তারিখ", "Due")
	wordOverdue      = name("মেয়াদ পেরিয়েছে", "Overdue")
	wordHolder       = name("যাঁর কাছে", "Held by")
	wordNobody       = name("কেউ নেননি", "Nobody yet")
	wordMore         = name("পরের পাতা", "Next page")
	wordHistory      = name("নথির ইতিহাস", "History")
	wordCase         = name("নথি", "Case file")
	wordTake         = name("নথি নিন", "Take the case")
	wordTakeHint     = name("নথি নিলে আপনার সহকর্মীরা দেখবেন যে এটি আপনার কাছে।", "Your colleagues will see that you have it.")
	wordNotDoneNow   = name("কাজটি হয়নি", "That was not done")
	wordNoPage       = name("এই ঠিকানায় কোনো পাতা নেই", "There is no page at this address")
	wordNoPageDo     = name("ঠিকানাটি মিলিয়ে দেখুন, অথবা উপরের তালিকা থেকে বেছে নিন।", "Compare the address, or choose from the list above.")
	wordNote         = name("মন্তব্য লিখুন", "Write a note")
	wordNoteText     = name("মন্তব্য", "Note")
	wordDecide       = name("প্রাথমিক সিদ্ধান্ত", "Preliminary decision")
	wordOpinion      = name("মতামত", "Opinion")
	wordForApproval  = name("অনুমোদনের পক্ষে", "For approval")
	wordForRejection = name("নামঞ্জুরের পক্ষে", "For rejection")
	wordOtherOpinion = name("অন্যান্য", "Other")
	wordGrounds      = name("কারণ ও যুক্তি", "Grounds")
	wordDecideButton = name("সিদ্ধান্ত লিপিবদ্ধ করুন", "Record the decision")
	wordForward      = name("পরের টেবিলে পাঠান", "Forward")
	wordForwardRule  = name("আপনার প্রাথমিক সিদ্ধান্ত লিপিবদ্ধ না করা পর্যন্ত নথি পাঠানো যাবে না।", "You can’t forward a case before you have recorded your own preliminary decision.")
	wordEndRule      = name("এই ধাপে নিষ্পত্তির আগে আপনার প্রাথমিক সিদ্ধান্ত প্রয়োজন।", "At this step your preliminary decision must come before the final one.")
	wordRemark       = name("মন্তব্য (ঐচ্ছিক)", "Remark (optional)")
	wordApprove      = name("অনুমোদন করুন", "Approve")
	wordReject       = name("নামঞ্জুর করুন", "Reject")
	wordReason       = name("নামঞ্জুরের কারণ", "Reason for rejection")
	wordReasonText   = name("আবেদনকারীর জন্য ব্যাখ্যা", "Explanation for the applicant")
	wordDecidedBy    = name("প্রাথমিক সিদ্ধান্ত দিয়েছেন", "Preliminary decision by")
	wordHeldByOther  = name("নথিটি আপনার একজন সহকর্মীর কাছে আছে।", "A colleague has this case.")
	wordNotYourDesk  = name("নথিটি এখন আপনার টেবিলে নেই; আপনি শুধু পড়তে পারেন।", "This case does not lie at your desk; you can only read it.")
	wordDone         = name("কাজটি সম্পন্ন হয়েছে।", "Done.")
	wordChanged      = name("এর মধ্যে নথিটি বদলেছে", "The case has changed meanwhile")
	wordChangedHint  = name("নিচে নতুন অবস্থা দেখুন, তারপর আবার সিদ্ধান্ত নিন। আপনার লেখা রেখে দেওয়া হয়েছে।", "Look at its new state below, then decide again. What you wrote has been kept.")
	wordBack         = name("ফিরে যান", "Back")
	wordTrackLink    = name("আপনার আবেদন এখন কোথায় আছে, তা এখানে জানুন।", "See where your application is now.")
	wordHubSays      = name("জেলা দপ্তর এইমাত্র জানিয়েছে।", "The district’s office has said so just now.")
	wordKnownAsOf    = name("জেলা দপ্তরকে এখন জিজ্ঞেস করা যাচ্ছে না। এই কেন্দ্র এতটুকুই জানে, যখন সর্বশেষ জিজ্ঞেস করা হয়েছিল:", "The district’s office can’t be asked now. This is what this centre knows, from when it asked last:")
	wordAskElsewhere = name("নম্বরটি ঠিক আছে, কিন্তু আবেদনটি কোথায় আছে তা এই কেন্দ্র এখন জানে না। সংযোগ এলে আবার দেখুন, অথবা যে কেন্দ্রে আবেদন নেওয়া হয়েছে সেখানে বা অনলাইনে দেখুন।", "The number is right, but this centre does not know now where the application is. Look again when there is a link, or ask the centre that took it, or look online.")
	wordEnterMore    = name("আবেদনকারীর পাঠানো আর কিছু লিখুন", "Enter what else the applicant has sent")
	wordHelpDesk     = name("নম্বর হারালে আবেদন নেওয়া কেন্দ্রে যোগাযোগ করুন।", "If you have lost the number, ask the centre that took the application.")
	wordAlready      = name("এই আবেদনটি আগেই জমা হয়েছে। অন্য আবেদন হলে নতুন করে শুরু করুন।", "This application has been submitted already. Start a new one for another.")
)

// stageWords are what the stages are called, on every page alike (I7).
var stageWords = map[string]place.Name{
	application.Draft.String():         name("খসড়া", "Draft"),
	application.Submitted.String():     name("কেন্দ্রে জমা হয়েছে", "Taken at the centre"),
	application.Received.String():      name("দপ্তরে পৌঁছেছে", "Received by the office"),
	application.UnderReview.String():   name("পর্যালোচনায় আছে", "Under review"),
	application.InfoRequested.String(): name("তথ্য চাওয়া হয়েছে", "More information is asked for"),
	application.Approved.String():      name("অনুমোদিত", "Approved"),
	application.Rejected.String():      name("নামঞ্জুর", "Rejected"),
	application.FeeDue.String():        name("ফি বাকি", "Fee due"),
	application.Paid.String():          name("ফি পরিশোধিত", "Paid"),
	application.FeeLapsed.String():     name("ফির সময় পেরিয়েছে", "Fee lapsed"),
	application.InPreparation.String(): name("প্রস্তুত হচ্ছে", "In preparation"),
	application.Ready.String():         name("প্রস্তুত", "Ready"),
	application.Delivered.String():     name("হস্তান্তরিত", "Delivered"),
	application.Posted.String():        name("ডাকে পাঠানো হয়েছে", "Posted"),
	application.Returned.String():      name("ফেরত এসেছে", "Returned"),
	application.Closed.String():        name("সমাপ্ত", "Closed"),
	application.Withdrawn.String():     name("প্রত্যাহার করা হয়েছে", "Withdrawn"),
	application.Duplicate.String():     name("একই আবেদন আগেও আছে", "Duplicate"),
}

// actionWords are what was done to a case.
var actionWords = map[string]place.Name{
	application.Accept.String():      name("দপ্তরে গৃহীত", "Received by the office"),
	application.Take.String():        name("নথি নেওয়া হয়েছে", "Taken up"),
	application.Correct.String():     name("উত্তর সংশোধন", "Answers put right"),
	application.Note.String():        name("মন্তব্য", "Note"),
	application.Decide.String():      name("প্রাথমিক সিদ্ধান্ত", "Preliminary decision"),
	application.Forward.String():     name("পরের টেবিলে পাঠানো", "Forwarded"),
	application.Approve.String():     name("অনুমোদিত", "Approved"),
	application.Reject.String():      name("নামঞ্জুর", "Rejected"),
	application.Route.String():       name("টেবিল নির্ধারিত", "Sent to a desk"),
	application.Hold.String():        name("যাচাইয়ের জন্য আলাদা রাখা", "Set aside for a look"),
	application.RequestInfo.String(): name("তথ্য চাওয়া হয়েছে", "Information asked for"),
	application.Supply.String():      name("আবেদনকারী তথ্য দিয়েছেন", "Brought by the applicant"),
	application.Return.String():      name("আগের টেবিলে ফেরত", "Sent back"),
	application.Check.String():       name("যাচাই সম্পন্ন", "Check done"),
	application.Withdraw.String():    name("আবেদন প্রত্যাহার", "Withdrawn"),
	application.Link.String():        name("একই আবেদন হিসেবে চিহ্নিত", "Marked as the same"),
	application.Demand.String():      name("ফি দাবি", "Fee demanded"),
	application.Pay.String():         name("ফি জমা", "Payment"),
	application.Lapse.String():       name("ফির মেয়াদ শেষ", "Term of payment ended"),
	application.Admit.String():       name("ফি পেয়ে গ্রহণ", "Admitted after payment"),
	application.Prepare.String():     name("সরবরাহের তারিখ নির্ধারণ", "Delivery date set"),
	application.Issue.String():       name("স্বাক্ষর ও ইস্যু", "Signed and issued"),
	application.HandOver.String():    name("হস্তান্তর", "Handed over"),
	application.Dispatch.String():    name("ডাকে পাঠানো", "Posted"),
	application.ComeBack.String():    name("ডাক থেকে ফেরত", "Brought back by the post"),
	application.Close.String():       name("নথি সমাপ্ত", "Closed"),
	application.Appeal.String():      name("আপিল গৃহীত", "Appeal taken up"),
	application.Escalate.String():    name("মেয়াদ পেরোনোয় ঊর্ধ্বতনের কাছে", "Overdue: sent up to the superior"),
	application.Void.String():        name("জমা বাতিল; ফি আবার বকেয়া", "Payment voided: owed again"),
	application.Refuse.String():      name("প্রত্যাখ্যাত: আলাদা রাখা হয়েছিল", "Refused, having been set aside"),
	application.Unanswered.String():  name("সময়ের মধ্যে জবাব আসেনি", "No answer within the term"),
	application.HandBack.String():    name("আগের টেবিলকে ফিরিয়ে দেওয়া", "Given back to the desk it was taken from"),
	application.Revoke.String():      name("সনদ বাতিল", "Certificate revoked"),
	application.Divert.String():      name("অন্য দপ্তরে সরানো", "Moved to another desk"),
	"submit":                         name("কেন্দ্রে আবেদন গৃহীত", "Application taken at the centre"),
}

// opinionWords are the opinions of a preliminary decision.
var opinionWords = map[string]place.Name{
	string(application.ForApproval):  wordForApproval,
	string(application.ForRejection): wordForRejection,
	string(application.Other):        wordOtherOpinion,
}

// feeWords say whose money a fee is.
var feeWords = map[string]place.Name{
	"government":     name("সরকারি ফি", "Government fee"),
	"service_charge": name("সেবামূল্য", "Service charge"),
	"postage":        name("ডাক খরচ", "Postage"),
}

// channelWords say how an application came.
var channelWords = map[string]place.Name{
	"counter":    name("কাউন্টারে", "At the counter"),
	"post":       name("ডাকে", "By post"),
	"online":     name("অনলাইনে", "Online"),
	"phone":      name("ফোনে", "By phone"),
	"fax":        name("ফ্যাক্সে", "By fax"),
	"uno_office": name("ইউএনও কার্যালয়ে", "At the UNO’s office"),
	"centre":     name("ডিজিটাল সেন্টারে", "At a digital centre"),
}

// custodyWords explain the ticks of a slip, in their order.
var custodyWords = []struct {
	Mark api.Custody
	Name place.Name
}{
	{api.Local, name("এই কেন্দ্রে নিরাপদে রাখা হয়েছে", "Safe on this centre’s disk")},
	{"REPLICATED", name("প্রতিবেশী কেন্দ্রেও কপি আছে", "Sealed copies at neighbouring centres")},
	{api.Accepted, name("জেলা কার্যালয় গ্রহণ করেছে", "Signed for by the district office")},
	{api.Seen, name("কর্মকর্তা দেখেছেন", "Opened by an officer")},
}

// asideWords are the exceptions of custody.
var asideWords = map[api.Custody]place.Name{
	api.Quarantined:  name("যাচাইয়ের জন্য আলাদা রাখা হয়েছে", "Held aside for checking"),
	api.Erased:       name("আদেশে মোছা হয়েছে", "Erased by order"),
	api.Transferring: name("অন্য জেলায় পাঠানো হচ্ছে", "On its way to another district"),
}

// faultWords say to a person what he may do. Causes go to the log.
var faultWords = map[fault.Kind]place.Name{
	fault.Internal:    name("আমাদের ভুলে কাজটি হয়নি। একটু পরে আবার চেষ্টা করুন; আবার হলে সহায়তা ডেস্কে জানান।", "A fault of ours. Try again in a moment; if it stays, tell the help desk."),
	fault.Invalid:     name("তথ্য ঠিক নেই। মিলিয়ে দেখে আবার লিখুন।", "Something is not right. Check it and write it again."),
	fault.Denied:      name("এই কাজের অনুমতি আপনার নেই।", "You are not allowed to do this."),
	fault.NotFound:    name("এই নম্বরের কিছু পাওয়া যায়নি। রসিদের সাথে মিলিয়ে দেখুন।", "Nothing was found. Compare the number with the receipt."),
	fault.Conflict:    name("এর মধ্যে কেউ নথিটি বদলেছেন। নতুন অবস্থা দেখে আবার সিদ্ধান্ত নিন।", "Somebody was faster. Look at the new state and decide again."),
	fault.Unavailable: name("এখন সম্ভব হচ্ছে না। একটু পরে একই পাতা থেকে আবার চেষ্টা করুন; দুইবার জমা হবে না।", "Not possible just now. Try again from this page in a moment; it will not be done twice."),
	fault.Limited:     name("অনেকবার চেষ্টা হয়েছে। এক মিনিট অপেক্ষা করুন।", "Too many attempts. Wait a minute."),
	fault.Stopped:     name("এই যন্ত্রের ডিস্কে সমস্যা। কারিগরি সহায়তা ডাকুন।", "This machine’s disk has failed. Call technical support."),
	fault.Damaged:     name("সংরক্ষিত তথ্যে সমস্যা পাওয়া গেছে। কারিগরি সহায়তা ডাকুন।", "Stored data is damaged. Call technical support."),
}

// Sentences for what a kind alone can't say.
var (
	wordBadSignIn  = name("নাম বা পাসওয়ার্ড ঠিক নয়।", "The name or the password is not right.")
	wordSlowSignIn = name("অনেকবার ভুল পাসওয়ার্ড দেওয়া হয়েছে। কিছুক্ষণ অপেক্ষা করুন (সর্বোচ্চ ১৫ মিনিট), অথবা আগে যেখানে প্রবেশ করেছেন সেখান থেকে চেষ্টা করুন।", "Too many wrong passwords were given. Wait a while (a quarter of an hour at most), or sign in where you have done so before.")
	wordWrongTries = name("ভুল পাসওয়ার্ড দিয়ে চেষ্টা হয়েছে", "Wrong passwords were tried")
	wordWrongCount = name("আপনার শেষ প্রবেশের পর চেষ্টার সংখ্যা:", "Tries since you signed in last:")
	wordWrongLast  = name("সর্বশেষ:", "the last:")
	wordWrongWhat  = name("আপনি নিজে না করে থাকলে দপ্তরের অপারেটরকে জানান।", "If that was not you, tell your office’s operator.")
	wordGoOn       = name("এগিয়ে যান", "Go on")
	wordSignInNew  = name("আবার প্রবেশ করুন; আপনার সময় শেষ হয়েছে।", "Sign in again; your session has ended.")
	wordSignInKept = name("আপনার সময় শেষ হয়েছে। যা লিখেছেন তা রাখা আছে: আবার প্রবেশ করলে সেখান থেকেই চলবে। ফাইল বেছে থাকলে তা আবার দিতে হবে।", "Your session has ended. What you wrote is kept: sign in, and it goes on from there. A file that you chose has to be chosen again.")
	wordBadNumber  = name("নম্বরটি ঠিক নয়। রসিদের সাথে প্রতিটি অঙ্ক মিলিয়ে দেখুন।", "The number is not right. Compare it with the receipt, digit by digit.")
)

// likeWords say why two papers may be one person's, by the codes of domain/person.
var likeWords = map[string]place.Name{
	"same_identifier":  name("একই পরিচয় নম্বর", "same identifier"),
	"other_identifier": name("ভিন্ন পরিচয় নম্বর", "another identifier"),
	"same_name":        name("একই নাম", "same name"),
	"close_name":       name("কাছাকাছি নাম", "close name"),
	"other_name":       name("ভিন্ন নাম", "another name"),
	"same_mobile":      name("একই মোবাইল", "same mobile"),
	"same_parent":      name("একই পিতা বা মাতা", "same parent"),
	"other_parents":    name("ভিন্ন পিতা-মাতা", "other parents"),
	"same_birth":       name("একই জন্ম তারিখ", "same date of birth"),
	"other_birth":      name("ভিন্ন জন্ম তারিখ", "another date of birth"),
	"same_village":     name("একই গ্রাম", "same village"),
}
