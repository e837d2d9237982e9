package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// toProblem replaces huma's own errors by ours.
func toProblem(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	kind := kindOfStatus(e.Status)
	p := ProblemOf(fault.New("api", kind, "", e.Detail))
	p.Status = plain(e.Status)
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, FieldProblem{
			Path: "/" + strings.ReplaceAll(strings.TrimPrefix(d.Location, "body."), ".", "/"),
			Text: place.Name{EN: d.Message, BN: "তথ্যটি গ্রহণযোগ্য নয়।"},
		})
		p.Detail += "; " + d.Location + ": " + d.Message
	}
	return p, nil
}

// plain maps the statuses that huma and the mux know onto those of the contract.
func plain(status int) int {
	switch status {
	case http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType, http.StatusNotAcceptable,
		http.StatusPreconditionFailed, http.StatusRequestTimeout:
		return http.StatusBadRequest
	case http.StatusMethodNotAllowed:
		return http.StatusNotFound
	}
	return status
}

type humaContext huma.Context

// plainStatus answers with no other status than the contract's.
type plainStatus struct{ humaContext }

func (c plainStatus) SetStatus(code int) { c.humaContext.SetStatus(plain(code)) }

// Unwrap returns the context beneath.
func (c plainStatus) Unwrap() huma.Context { return c.humaContext }

// schemaName names a type in the description. The catalogue has a Fee as the
// protocol has one, and they are not the same.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == "kendro/domain/catalogue" {
		return "Catalogue" + name
	}
	return name
}

// operation is the description of a route.
func operation(route Route) huma.Operation {
	op := huma.Operation{
		OperationID: route.ID, Method: route.Method, Path: strings.TrimSuffix(route.Path, "{$}"), Summary: route.Summary,
		DefaultStatus: route.Status, MaxBodyBytes: route.MaxBody,
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = SmallBody
	}
	if op.DefaultStatus == 0 {
		op.DefaultStatus = http.StatusOK
	}
	if !route.Public {
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Description = fmt.Sprintf("Needs the act %q.", route.Act)
	}
	if route.Method == http.MethodPost {
		least, most := 1, MaxKey
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Required: true,
			Description: "Drawn at random by the caller. The same key and body get the first answer; another body 409.",
			Schema:      &huma.Schema{Type: "string", MinLength: &least, MaxLength: &most},
		})
	}
	return op
}

// describe adds a Raw route to the description.
func (a *API) describe(route Route, in, out any) {
	op := operation(route)
	oapi := a.huma.OpenAPI()
	media := route.Media
	if media == "" {
		media = "application/json"
	}
	for name := range strings.SplitSeq(route.Path, "/") {
		if name, ok := strings.CutPrefix(name, "{"); ok {
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: strings.TrimRight(name, ".}"), In: "path", Required: true, Schema: &huma.Schema{Type: "string"},
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(route.Query)) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Description: route.Query[name], Schema: &huma.Schema{Type: "string"}})
	}
	if in != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: a.schema(in, route.ID+"Request")},
		}}
	}
	if route.Takes != "" {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{route.Takes: {}}}
	}
	answer := &huma.Response{Description: http.StatusText(op.DefaultStatus), Content: map[string]*huma.MediaType{media: {}}}
	if out != nil {
		answer.Content[media].Schema = a.schema(out, route.ID+"Answer")
	}
	op.Responses = map[string]*huma.Response{strconv.Itoa(op.DefaultStatus): answer}
	oapi.AddOperation(&op)
}

func (a *API) schema(v any, hint string) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, hint)
}

// openAPI renders the description. Every call may answer with a problem, and
// with nothing else that isn't a success.
func (a *API) openAPI() []byte {
	oapi := a.huma.OpenAPI()
	problem := a.schema(Problem{}, "Problem")
	for _, item := range oapi.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			for status := range op.Responses {
				if status >= "3" {
					delete(op.Responses, status)
				}
			}
			op.Responses["default"] = &huma.Response{
				Description: "400, 401, 403, 404, 409, 413, 429, 500 or 503; never 412 or 422",
				Content:     map[string]*huma.MediaType{problemJSON: {Schema: problem}},
			}
		}
	}
	delete(oapi.Components.Schemas.Map(), "ErrorModel")
	delete(oapi.Components.Schemas.Map(), "ErrorDetail")
	body, err := json.Marshal(oapi)
	if err != nil {
		panic("web/api: " + err.Error()) // It is made of plain values.
	}
	return body
}
