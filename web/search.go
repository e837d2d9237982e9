package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kendro/catalogue"
	"kendro/domain/place"
	"kendro/web/api"
)

// searchView is a search and what it found.
type searchView struct {
	Path   string // Of the page itself …
	Cases  string // … and of cases' pages.
	Text   string
	Field  string // Of the forms, or empty.
	Value  string
	Fields []catalogue.Option
	Asked  bool
	Found  api.FoundList
}

// find looks cases up for an officer, or for who serves a counter (R-OF12).
func (d *desk) find(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	q := r.URL.Query()
	v := searchView{
		Text: strings.TrimSpace(q.Get("q")), Field: q.Get("field"), Value: strings.TrimSpace(q.Get("value")),
		Fields: d.numbered(), Path: "/desk/search", Cases: "/desk/cases/",
	}
	if r.URL.Path == "/search" { // At a counter.
		v.Path, v.Cases = "/search", "/cases/"
	}
	ask := url.Values{}
	if v.Text != "" {
		ask.Set("q", v.Text)
	}
	if v.Field != "" && v.Value != "" {
		ask.Set("field", v.Field+":"+v.Value)
	}
	p := d.page(r, wordSearch)
	if v.Asked = len(ask) > 0; v.Asked {
		if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/search?" + ask.Encode(), Out: &v.Found}); err != nil {
			d.failed(w, r, err)
			return
		}
	}
	d.show(w, r, http.StatusOK, searchPage(p, v))
}

// numbered lists the fields of the services' forms that ask for a number of some
// register, such as a khatian's.
func (d *desk) numbered() []catalogue.Option {
	set := d.house.Set()
	if set == nil {
		return nil
	}
	labels := map[string]place.Name{}
	for _, v := range set.Services() {
		form, err := catalogue.CompileForm(v.Form)
		if err != nil {
			continue // The release was linted; a form that fails is told where it is used.
		}
		for _, f := range form.Fields() {
			if f.Type == "string" && strings.HasSuffix(f.Name, "_no") {
				labels[f.Name] = f.Label
			}
		}
	}
	var list []catalogue.Option
	for name, label := range labels {
		list = append(list, catalogue.Option{Value: name, Label: label})
	}
	slices.SortFunc(list, func(a, b catalogue.Option) int { return cmp.Compare(a.Value, b.Value) })
	return list
}

// reasonWord says in words why two cases are alike or are not.
func reasonWord(code string) place.Name {
	if n, ok := likeWords[code]; ok {
		return n
	}
	return place.Name{BN: code, EN: code}
}
