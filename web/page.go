package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// A House is the machine whose pages these are.
type House struct {
	Set    func() *dcat.Set  // The catalogue in force, nil before the first.
	Centre place.Centre      // Of a node; empty at a hub.
	Area   func() place.Code // The district of a hub; nil at a node.
	Clock  func() time.Time

	// Lacks names the trainings that a service asks of a login and it doesn't hold; nil
	// where nobody is asked.
	Lacks func(user string, v *dcat.Version) []place.Name
}

// name is what stands in the header.
func (h House) name() place.Name {
	set := h.Set()
	if set == nil || set.Directory == nil {
		if h.Centre != "" {
			return wordCounter
		}
		return wordOffice
	}
	if c, ok := set.Directory.Centre(h.Centre); ok {
		return c.Name
	}
	if h.Area != nil {
		if a, ok := set.Directory.Area(h.Area()); ok {
			return place.Name{BN: a.Name.BN + " জেলা", EN: a.Name.EN + " district"}
		}
	}
	return wordOffice
}

// A link is one entry of the navigation.
type link struct {
	Href string
	Name place.Name
	Act  access.Act // Shown to roles that may do this somewhere; empty: to all.
}

// forRole leaves out what a role can't open.
func forRole(all []link, role access.Role) []link {
	return slices.DeleteFunc(slices.Clone(all), func(l link) bool { return l.Act != "" && access.ScopeOf(role, l.Act) == access.Never })
}

// A problem is one line of the error summary; Anchor may be empty.
type problem struct {
	Anchor string
	Field  string
	Text   string
}

// A page is what every page knows.
type page struct {
	Lang     Lang
	Size     string // "", "2" or "3".
	Contrast bool
	Title    place.Name
	House    place.Name
	Home     string
	Links    []link
	SignedIn bool
	Base     string // Before the paths of the pages on which applications are taken in; empty at a box.
	Here     string // Path and query, to come back to.
	Notice   string
	Problems []problem
	Assets   string // Prefix of the assets, with their hash.
}

// Say returns words in the page's language.
func (p *page) Say(n place.Name) string { return p.Lang.Say(n) }

// pages is what the counter's and the desk's pages share.
type pages struct {
	api   *api.API
	house House
	home  string
	base  string // See page.Base.
	links []link // For those signed in.
	open  []link // For everybody.
	staff []link // For the officers of the union at a box; nil at a hub.
	css   string
}

//go:embed assets
var assets embed.FS

// newPages hangs up what every server of pages has: its assets, the settings of
// sight and language, and the public's tracking.
func newPages(a *api.API, h House) (*pages, error) {
	css, err := assets.ReadFile("assets/kendro.css")
	if err != nil {
		return nil, fault.Wrap("web.newPages", fault.Internal, "kendro.css", err)
	}
	sum := sha256.Sum256(css)
	s := &pages{api: a, house: h, css: "/assets/" + hex.EncodeToString(sum[:6])}
	folder, err := fs.Sub(assets, "assets")
	if err != nil {
		return nil, fault.Wrap("web.newPages", fault.Internal, "assets", err)
	}
	files := http.StripPrefix(s.css+"/", http.FileServerFS(folder))
	a.Page("GET "+s.css+"/{file}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		files.ServeHTTP(w, r)
	}))
	a.Page("GET /settings", http.HandlerFunc(s.settings))
	a.Page("GET /track", http.HandlerFunc(s.track))
	a.Page("GET /verify", http.HandlerFunc(s.verify))
	a.Missing(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.page(r, wordNoPage)
		p.Here = s.home
		s.show(w, r, http.StatusNotFound, message(p, p.Say(wordNoPageDo)))
	}))
	return s, nil
}

// page begins a page for a request.
func (s *pages) page(r *http.Request, title place.Name) *page {
	p := &page{Lang: BN, Title: title, House: s.house.name(), Home: s.home, Base: s.base, Here: r.URL.RequestURI(), Assets: s.css, Links: s.open}
	if cookie(r, "kendro_lang") == string(EN) {
		p.Lang = EN
	}
	if size := cookie(r, "kendro_size"); size == "2" || size == "3" {
		p.Size = size
	}
	p.Contrast = cookie(r, "kendro_contrast") == "1"
	if r.Method != http.MethodGet {
		p.Here = s.home
	}
	if c, err := s.api.Who(r); err == nil && c.User != "" {
		p.SignedIn, p.Links, p.Home = true, forRole(s.links, c.Role), s.homeOf(c.Role)
		if p.Home != s.home {
			p.Links = s.staff
		}
	}
	return p
}

// trouble heads what went wrong: answers to correct where a problem leads to one.
func (p *page) trouble() place.Name {
	if slices.ContainsFunc(p.Problems, func(e problem) bool { return e.Anchor != "" }) {
		return wordThereIs
	}
	return wordNotDoneNow
}

// newAt is where a new application begins.
func (p *page) newAt() string {
	if p.Base == "" {
		return "/"
	}
	return p.Base + "/new"
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// settings keeps a choice of language, size or contrast and goes back.
func (s *pages) settings(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name, allowed := range map[string][]string{"lang": {"bn", "en"}, "size": {"1", "2", "3"}, "contrast": {"0", "1"}} {
		for _, v := range allowed {
			if q.Get(name) == v {
				http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the connection is: loopback may be plain.
					Name: "kendro_" + name, Value: v, Path: "/", MaxAge: 365 * 24 * 3600,
					HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
				})
			}
		}
	}
	http.Redirect(w, r, local(q.Get("back")), http.StatusSeeOther) //nolint:gosec // local lets no other server through.
}

// local keeps a way back on this server.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") {
		return "/"
	}
	return path
}

// show writes a page.
func (s *pages) show(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	s.showWith(w, r, status, "'self'", c)
}

// showWith writes a page whose pictures may come from elsewhere than its own server.
func (s *pages) showWith(w http.ResponseWriter, r *http.Request, status int, pictures string, c templ.Component) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; font-src 'self'; img-src "+pictures+"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_ = c.Render(context.WithoutCancel(r.Context()), w) // The reader may be gone.
}

// failed shows a failure in words. A session that has ended leads to sign-in.
func (s *pages) failed(w http.ResponseWriter, r *http.Request, err error) {
	p := api.ProblemOf(err)
	if p.Status == http.StatusUnauthorized && r.URL.Path != s.home {
		http.Redirect(w, r, s.home, http.StatusSeeOther)
		return
	}
	pg := s.page(r, wordNotDoneNow)
	s.show(w, r, p.Status, message(pg, pg.Say(wordsFor(err))))
}

// wordsFor is the sentence for a failure.
func wordsFor(err error) place.Name {
	if r, ok := errors.AsType[*api.Refusal](err); ok && r.SignIn {
		return wordSignInNew
	}
	return faultWords[fault.KindOf(err)]
}

// anchor is the HTML ID of the input that a path of a problem leads to.
func anchor(path string) string {
	return strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-")
}

// summary lists what to correct, with a way to each field.
func summary(l Lang, errs []api.FieldProblem) []problem {
	list := make([]problem, 0, len(errs))
	for _, e := range errs {
		list = append(list, problem{Anchor: anchor(e.Path), Field: l.Say(e.Field), Text: l.Say(e.Text)})
	}
	return list
}

// maxPost bounds a page's form.
const maxPost = 256 << 10

// post reads a page's form. A form that is too long or broken is [fault.Invalid].
func post(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxPost)
	if err := r.ParseForm(); err != nil {
		return nil, fault.Wrap("web.post", fault.Invalid, "form", err)
	}
	return r.PostForm, nil
}
