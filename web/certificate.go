package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Words of certificates: their sheet, and the page where anybody verifies one.
var (
	wordCertificate     = name("সনদ", "Certificate")
	wordCertificateLink = name("সনদ প্রিন্ট করুন", "Print the certificate")
	wordInTheName       = name("যাঁর নামে", "Holder")
	wordIssuedOn        = name("প্রদানের তারিখ", "Issued on")
	wordValidUntil      = name("মেয়াদ শেষ", "Valid until")
	wordIssuedBy        = name("প্রদানকারী কার্যালয়", "Issued by")
	wordCaseNumber      = name("আবেদনের নম্বর", "Application")
	wordCode            = name("স্ক্যান করে যাচাই করার সংকেত", "Code to scan and verify")
	wordCodeHint        = name("সংকেতটি যেকোনো ফোনে স্ক্যান করে পাওয়া লেখা যাচাই পাতায় (/verify) দিন।", "Scan the code with any telephone and enter its text on the page /verify.")
	wordNoCertificate   = name("এই আবেদনে কোনো সনদ দেওয়া হয়নি।", "No certificate was issued on this application.")
	wordVerify          = name("সনদ যাচাই", "Verify a certificate")
	wordVerifyHint      = name("সনদে ছাপা নম্বর, যেমন TL-41-09-17-000001, অথবা স্ক্যান করা সংকেতের লেখা।", "The number printed on it, such as TL-41-09-17-000001, or the text of the scanned code.")
	wordVerifyWhat      = name("সনদ নম্বর বা সংকেত", "Number or code")
	wordHolderName      = name("যাঁর নামে (ঐচ্ছিক)", "Name of the holder (optional)")
	wordCheck           = name("যাচাই করুন", "Verify")
	wordIsValid         = name("সনদটি বৈধ", "The certificate is valid")
	wordIsNotValid      = name("সনদটি বৈধ বলে নিশ্চিত করা যাচ্ছে না", "The certificate is not confirmed as valid")
	wordStaleCheck      = name("এই যন্ত্র অনেক দিন জেলার খবর পায়নি। জেলা কার্যালয়ে যাচাই করুন।", "This machine has not heard from the district for long. Ask the district’s office.")
	wordHolderIs        = name("নাম মিলেছে", "The name is the holder’s")
	wordHolderIsNot     = name("নাম মেলেনি: সনদটি অন্য কারও", "The name is not the holder’s: it is somebody else’s")
	wordIsGenuine       = name("সংকেতটি এই জেলার কোনো যন্ত্রের স্বাক্ষরিত", "The code was signed by a machine of this district")
	wordIsForged        = name("সংকেতটি আসল নয়, বা সনদের সঙ্গে মেলে না", "The code is not genuine, or says something else than the district")
	wordOriginal        = name("মূল", "Original")
	wordCopyN           = name("অনুলিপি", "Copy")
	wordCopies          = name("মুদ্রিত কপি", "Printed copies")
	wordCopyPrint       = name("প্রিন্ট গুনে খুলুন", "Count the print and open it")
	wordCopyFirst       = name("প্রথম প্রিন্টটি মূল কপি। প্রতিটি প্রিন্ট নম্বরসহ লেখা থাকে।", "The first print is the original. Each print is on record with its number.")
	wordCopyNext        = name("এটি আগেই প্রিন্ট হয়েছে: এখন নম্বরযুক্ত অনুলিপি হবে। কারণ লিখুন।", "It was printed before: this one is a numbered copy. Say why.")
	wordCopyWhy         = name("অনুলিপির কারণ", "Why a copy")
	wordCopyWhyNeeded   = name("কেন আরেকটি কপি দরকার তা লিখুন।", "Say why another copy is needed.")
	wordCopyOver        = name("সনদটি আর বৈধ নয়, তাই প্রিন্ট করা যায় না।", "The certificate holds no more, so it is not printed.")
	wordRenews          = name("যে সনদ নবায়ন হলো", "Renews")
	wordRenewedBy       = name("এর জায়গায়", "Replaced by")
	wordEnded           = name("কবে থেকে", "Since")
	wordNoSuchPaper     = name("এই নম্বরের কোনো সনদ এখানে জানা নেই।", "No certificate of this number is known here.")
	wordBadPaper        = name("এটি সনদের নম্বর বা সংকেত নয়। আবার দেখে লিখুন।", "That is neither a certificate’s number nor its code. Compare it again.")
)

// certificateWords are what a certificate is to the district, in words.
func certificateWords(state string) place.Name {
	switch state {
	case protocol.CertificateConfirmed:
		return name("জেলা কর্তৃক নিশ্চিত", "Confirmed by the district")
	case protocol.CertificateRefused:
		return name("প্রত্যাখ্যাত: জেলা নিশ্চিত করেনি, এটি বৈধ নয়", "Refused: the district did not confirm it, it is worth nothing")
	case protocol.CertificateRevoked:
		return name("বাতিল: সনদটি ফিরিয়ে নেওয়া হয়েছে", "Revoked: the certificate was taken back")
	case protocol.CertificateRenewed:
		return name("নবায়িত: এর জায়গায় নতুন সনদ আছে", "Renewed: another certificate has its place")
	case api.CertificateExpired:
		return name("মেয়াদোত্তীর্ণ", "Expired")
	}
	return name("সাময়িক: জেলার নিশ্চিতকরণ সাপেক্ষে", "Provisional until the district confirms")
}

type certificateView struct {
	Record *api.Record
	Copy   *api.CopyNote // That is printed; nil: it is to be counted first.
	Key    string
	Holder string
	Office place.Name
	State  string
	Back   string
	QR     matrix
}

// certificate shows a counted copy of what was issued on a case, for printing; without one,
// it asks for it.
func (s *pages) certificate(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	rec, err := s.certified(r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	v := s.sheetOf(r, rec)
	if n, err := strconv.ParseUint(r.URL.Query().Get("copy"), 10, 32); err == nil {
		for i := range rec.Certificate.Copies {
			if x := &rec.Certificate.Copies[i]; uint64(x.Copy) == n && x.Centre == string(s.house.Centre) {
				v.Copy = x
			}
		}
	}
	p := s.page(r, wordCertificate)
	if v.Copy == nil {
		s.show(w, r, http.StatusOK, printPage(p, v))
		return
	}
	if k := rec.Certificate; k.Code != "" {
		if v.QR, err = matrixOf(k.Code); err != nil {
			s.failed(w, r, err)
			return
		}
	}
	s.show(w, r, http.StatusOK, certificatePage(p, v))
}

// certified is the record of a case on which something was issued.
func (s *pages) certified(r *http.Request) (*api.Record, error) {
	rec, err := s.record(r)
	if err == nil && rec.Certificate == nil {
		err = fault.New("web.certificate", fault.NotFound, "", wordNoCertificate.EN)
	}
	return rec, err
}

func (s *pages) sheetOf(r *http.Request, rec *api.Record) certificateView {
	k := rec.Certificate
	v := certificateView{
		Record: rec, Key: api.NewKey(), Holder: strings.Join(api.HoldersIn(rec.Applicant), " · "), Office: s.issuer(rec), State: k.State,
		Back: strings.TrimSuffix(r.URL.Path, "/certificate"),
	}
	if k.Expires != nil && !api.CertificateOver(k.State) && s.house.Clock().After(k.Expires.AddDate(0, 0, 1)) {
		v.State = api.CertificateExpired
	}
	return v
}

// printed counts a copy, and shows it.
func (s *pages) printed(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	values, err := post(w, r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	rec, err := s.certified(r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	var out api.CopyNote
	call := api.Call{
		Path: "/v1/applications/" + rec.Number.String() + "/copies", Key: values.Get("key"),
		In: api.PrintRequest{Reason: strings.TrimSpace(values.Get("reason"))}, Out: &out,
	}
	if err := api.Inside(s.api, r).Do(context.WithoutCancel(r.Context()), call); err != nil {
		p := s.page(r, wordCertificate)
		words := wordsFor(err)
		if fault.KindOf(err) == fault.Invalid {
			words = wordCopyWhyNeeded
		}
		p.Problems = []problem{{Anchor: "reason", Text: p.Say(words)}}
		s.show(w, r, api.ProblemOf(err).Status, printPage(p, s.sheetOf(r, rec)))
		return
	}
	http.Redirect(w, r, r.URL.Path+"?copy="+strconv.FormatUint(uint64(out.Copy), 10), http.StatusSeeOther) //nolint:gosec // Our own path.
}

// copyName says which print a sheet is.
func copyName(n uint32) place.Name {
	if n == 1 {
		return wordOriginal
	}
	digits := strconv.FormatUint(uint64(n), 10)
	return place.Name{BN: wordCopyN.BN + " " + BN.Digits(digits), EN: wordCopyN.EN + " " + digits}
}

// issuer is the office that issued what a case asked for.
func (s *pages) issuer(rec *api.Record) place.Name {
	code := ""
	for _, h := range rec.History {
		if h.Action == application.Issue.String() {
			code = h.Office
		}
	}
	if set := s.house.Set(); set != nil {
		if o, ok := set.Directory.Office(code); ok {
			return o.Name
		}
	}
	return place.Name{BN: code, EN: code}
}

// A matrix is a QR code as the path of an SVG picture.
type matrix struct {
	Side int // Modules, the quiet zone of four included.
	Path string
}

// matrixOf draws a text as a QR code that reads with a seventh of it damaged.
func matrixOf(text string) (matrix, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return matrix{}, fault.Wrap("web.code", fault.Internal, "", err)
	}
	const quiet = 4
	b := code.Bounds()
	var path strings.Builder
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if light, _, _, _ := code.At(x, y).RGBA(); light == 0 {
				path.WriteString("M" + strconv.Itoa(x+quiet) + " " + strconv.Itoa(y+quiet) + "h1v1h-1z")
			}
		}
	}
	return matrix{Side: b.Dx() + 2*quiet, Path: path.String()}, nil
}

func (m matrix) side() string { return strconv.Itoa(m.Side) }

func (m matrix) box() string { return "0 0 " + m.side() + " " + m.side() }

// twice says words in both languages, on a paper that both read.
func twice(n place.Name) string { return n.BN + " · " + n.EN }

func which(yes bool, a, b place.Name) place.Name {
	if yes {
		return a
	}
	return b
}

type verifyView struct {
	Typed, Holder string
	Answer        *api.CertificateAnswer
}

// verify says what a certificate is worth, to anybody who holds one (DOMAIN §7 row 21).
func (s *pages) verify(w http.ResponseWriter, r *http.Request) {
	p := s.page(r, wordVerify)
	v := verifyView{Typed: r.URL.Query().Get("text"), Holder: strings.TrimSpace(r.URL.Query().Get("holder"))}
	if strings.TrimSpace(v.Typed) == "" {
		s.show(w, r, http.StatusOK, verifyPage(p, v))
		return
	}
	answer, err := s.asked(r, v)
	if err == nil {
		v.Answer = answer
		s.show(w, r, http.StatusOK, verifyPage(p, v))
		return
	}
	wrong := wordsFor(err)
	switch fault.KindOf(err) { //nolint:exhaustive // The others are said as everywhere.
	case fault.Invalid:
		wrong = wordBadPaper
	case fault.NotFound:
		wrong = wordNoSuchPaper
	}
	p.Problems = []problem{{Anchor: "text", Text: p.Say(wrong)}}
	s.show(w, r, api.ProblemOf(err).Status, verifyPage(p, v))
}

// asked asks this machine about what was typed: a number, or the text of a code.
func (s *pages) asked(r *http.Request, v verifyView) (*api.CertificateAnswer, error) {
	q, number := url.Values{}, v.Typed
	if v.Holder != "" {
		q.Set("holder", v.Holder)
	}
	if protocol.IsAttestation(v.Typed) {
		a, err := protocol.ParseAttestation(v.Typed)
		if err != nil {
			return nil, err
		}
		number = a.Number
		q.Set("code", v.Typed)
	}
	number, err := protocol.ParseCertificateNumber(number)
	if err != nil {
		return nil, err
	}
	answer := &api.CertificateAnswer{}
	return answer, api.Inside(s.api, r).Do(r.Context(), api.Call{Path: "/v1/certificates/" + number + "?" + q.Encode(), Out: answer})
}
