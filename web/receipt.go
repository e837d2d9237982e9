package web

import (
	"net/http"
	"net/url"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

type receiptView struct {
	Record    *api.Record
	Applicant string
	Enclosed  []enclosure
}

// receipt shows the slip of an application, 80 mm wide on paper.
func (c *counter) receipt(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	rec, err := c.record(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	p := c.page(r, wordReceipt)
	v := receiptView{Record: rec, Enclosed: enclosed(c.house.Set(), rec)}
	who := stored(rec.Applicant)
	for _, name := range []string{"name_bn", "name_en"} {
		if s, ok := who[name].(string); ok && v.Applicant == "" {
			v.Applicant = s
		}
	}
	c.show(w, r, http.StatusOK, receipt(p, v))
}

// record fetches the record that a page's path names, as it stands or stood.
func (s *pages) record(r *http.Request) (*api.Record, error) {
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		return nil, fault.New("web.record", fault.NotFound, "", "the path holds no receive number")
	}
	path := "/v1/applications/" + n.String()
	if version := stood(r); version != "" {
		path += "?as_of_version=" + version
	}
	rec := &api.Record{}
	return rec, api.Inside(s.api, r).Do(r.Context(), api.Call{Path: path, Out: rec})
}

// pinned is the version under which a record was made, nil if it isn't here.
func pinned(set *dcat.Set, rec *api.Record) *dcat.Version {
	if set == nil {
		return nil
	}
	v, ok := set.Numbered(rec.Service.ID, rec.Service.Version)
	if !ok {
		return nil
	}
	return v
}

// today lists the centre's receipts of today.
func (c *counter) today(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	var list api.FiledList
	path := "/v1/applications"
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		path += "?" + url.Values{"cursor": {cursor}}.Encode()
	}
	if err := api.Inside(c.api, r).Do(r.Context(), api.Call{Path: path, Out: &list}); err != nil {
		c.failed(w, r, err)
		return
	}
	c.show(w, r, http.StatusOK, todayPage(c.page(r, wordToday), list.Applications, list.Next))
}
