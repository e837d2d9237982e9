package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
)

// people authenticates by the role's name as token.
type people struct{}

func (people) Check(token string) (access.Principal, error) {
	r := access.Role(token)
	if !r.Valid() {
		return access.Principal{}, fault.New("people", fault.Denied, "", "sign in again")
	}
	return access.Principal{User: token, Role: r}, nil
}

type echoInput struct {
	Name string `path:"name" maxLength:"10"`
	Body struct {
		Count int           `json:"count" minimum:"1"`
		Hash  protocol.Hash `json:"hash,omitempty"`
	}
}

type echoOutput struct {
	ETag string `header:"ETag"`
	Body ActionAnswer
}

func server(t testing.TB) *API {
	t.Helper()
	a := New(Options{Title: "Test", Version: "1", Auth: people{}, Logger: slog.New(slog.DiscardHandler)})
	Register(a, Route{Method: http.MethodPost, Path: "/v1/echo/{name}", ID: "echo", Act: access.WorkCase},
		func(ctx context.Context, in *echoInput) (*echoOutput, error) {
			c := CallerOf(ctx)
			switch in.Name {
			case "conflict":
				return nil, &Refusal{
					Err:        fault.New("case.Apply", fault.Conflict, "4100", "you saw version 2, it is now version 3"),
					Difference: &Difference{Expected: 2, Current: 3, Stage: "RECEIVED", History: []HistoryEntry{}},
				}
			case "gone":
				return nil, fault.New("hub.Do", fault.Unavailable, "", "no leader")
			case "broken":
				return nil, errors.New("secret cause")
			case "panic":
				panic("boom")
			}
			number, err := protocol.MintNumber("41", "0010", []byte("12345678"))
			if err != nil {
				return nil, err
			}
			return &echoOutput{ETag: ETag(7), Body: ActionAnswer{Number: number, Version: uint64(in.Body.Count), Holder: c.User + "/" + c.Key}}, nil
		})
	a.Raw(Route{Method: http.MethodPost, Path: "/v1/applications", ID: "file", Act: access.File, Status: http.StatusCreated},
		ApplicationRequest{}, ApplicationAnswer{}, func(w http.ResponseWriter, r *http.Request, c Caller) {
			body, err := ReadBody(r)
			if err != nil {
				a.Fail(w, "file", err)
				return
			}
			WriteJSON(w, http.StatusCreated, map[string]any{"bytes": len(body), "user": c.User})
		})
	return a
}

func do(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestStatuses(t *testing.T) {
	a := server(t)
	officer := []string{"Authorization", "Bearer officer", "Idempotency-Key", "k1"}
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		outcome                  string
	}{
		{"well", "POST", "/v1/echo/x", `{"count":3}`, officer, 200, ""},
		{"no token", "POST", "/v1/echo/x", `{"count":3}`, []string{"Idempotency-Key", "k"}, 401, Rejected},
		{"bad token", "POST", "/v1/echo/x", `{"count":3}`, []string{"Authorization", "Bearer nobody", "Idempotency-Key", "k"}, 401, Rejected},
		{"not a bearer token", "POST", "/v1/echo/x", `{"count":3}`, []string{"Authorization", "Basic b2ZmaWNlcg==", "Idempotency-Key", "k"}, 401, Rejected},
		{"wrong role", "POST", "/v1/echo/x", `{"count":3}`, []string{"Authorization", "Bearer operator", "Idempotency-Key", "k"}, 403, Rejected},
		{"no key", "POST", "/v1/echo/x", `{"count":3}`, officer[:2], 400, Rejected},
		{"key with a space", "POST", "/v1/echo/x", `{"count":3}`, []string{"Authorization", "Bearer officer", "Idempotency-Key", "a b"}, 400, Rejected},
		{"long key", "POST", "/v1/echo/x", `{"count":3}`, []string{"Authorization", "Bearer officer", "Idempotency-Key", strings.Repeat("k", 129)}, 400, Rejected},
		{"validation is 400, not 422", "POST", "/v1/echo/x", `{"count":0}`, officer, 400, Rejected},
		{"missing member", "POST", "/v1/echo/x", `{}`, officer, 400, Rejected},
		{"unknown member", "POST", "/v1/echo/x", `{"count":1,"more":2}`, officer, 400, Rejected},
		{"path too long", "POST", "/v1/echo/xxxxxxxxxxxxx", `{"count":1}`, officer, 400, Rejected},
		{"not JSON", "POST", "/v1/echo/x", `{"count"`, officer, 400, Rejected},
		{"no body", "POST", "/v1/echo/x", ``, officer, 400, Rejected},
		{"other media", "POST", "/v1/echo/x", `count=1`, append([]string{"Content-Type", "text/plain"}, officer...), 400, Rejected},
		{"too large", "POST", "/v1/echo/x", `{"count":1` + strings.Repeat(" ", SmallBody) + `}`, officer, 413, Rejected},
		{"conflict", "POST", "/v1/echo/conflict", `{"count":1}`, officer, 409, Rejected},
		{"unavailable", "POST", "/v1/echo/gone", `{"count":1}`, officer, 503, Unknown},
		{"defect", "POST", "/v1/echo/broken", `{"count":1}`, officer, 500, Unknown},
		{"panic", "POST", "/v1/echo/panic", `{"count":1}`, officer, 500, Unknown},
		{"no such call", "GET", "/v1/none", ``, nil, 404, Rejected},
		{"no such method", "DELETE", "/v1/echo/x", ``, nil, 404, Rejected},
		{"raw", "POST", "/v1/applications", `{}`, []string{"Authorization", "Bearer entrepreneur", "Idempotency-Key", "k"}, 201, ""},
		{"raw too large", "POST", "/v1/applications", strings.Repeat("x", SmallBody+1), []string{"Authorization", "Bearer entrepreneur", "Idempotency-Key", "k"}, 413, Rejected},
		{"raw without key", "POST", "/v1/applications", `{}`, []string{"Authorization", "Bearer entrepreneur"}, 400, Rejected},
		{"raw, wrong role", "POST", "/v1/applications", `{}`, []string{"Authorization", "Bearer auditor", "Idempotency-Key", "k"}, 403, Rejected},
		{"another site", "POST", "/v1/echo/x", `{"count":3}`, append([]string{"Sec-Fetch-Site", "cross-site"}, officer...), 403, Rejected},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := do(a, c.method, c.path, c.body, c.headers...)
			if w.Code != c.status {
				t.Fatalf("got %d %s; want %d", w.Code, w.Body, c.status)
			}
			if c.outcome == "" {
				return
			}
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != problemJSON {
				t.Fatalf("got %q as %s; want a problem", w.Body, w.Header().Get("Content-Type"))
			}
			if p.Status != c.status || p.Outcome != c.outcome || p.Title == "" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("got %s; want status %d, outcome %s and no cause of ours", w.Body, c.status, c.outcome)
			}
			if p.Status != 500 && p.Detail == "" {
				t.Errorf("got no detail in %s", w.Body)
			}
		})
	}
}

func TestSuccessHasNoSchemaLink(t *testing.T) {
	w := do(server(t), "POST", "/v1/echo/x", `{"count":3}`, "Cookie", SessionCookie+"=officer", "Idempotency-Key", "abc")
	if w.Code != 200 || strings.Contains(w.Body.String(), "$schema") || w.Header().Get("Link") != "" {
		t.Fatalf("got %d %s %v; want a plain answer", w.Code, w.Body, w.Header())
	}
	if w.Header().Get("ETag") != `"7"` || !strings.Contains(w.Body.String(), "officer/abc") {
		t.Errorf("got %v %s; want the ETag and the caller with his key", w.Header(), w.Body)
	}
}

func TestDescription(t *testing.T) {
	w := do(server(t), "GET", "/openapi.json", "")
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Responses  map[string]any
			Parameters []struct{ Name string }
			Security   []any
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Errorf("got OpenAPI %s; want 3.1", d.OpenAPI)
	}
	for path, method := range map[string]string{"/v1/echo/{name}": "post", "/v1/applications": "post"} {
		op := d.Paths[path][method]
		keyed := false
		for _, p := range op.Parameters {
			keyed = keyed || p.Name == "Idempotency-Key"
		}
		if len(op.Responses) != 2 || !keyed || len(op.Security) == 0 {
			t.Errorf("%s: got %+v; want a success, a default problem, the key and bearer", path, op)
		}
	}
	if strings.Contains(w.Body.String(), `"422"`) || strings.Contains(w.Body.String(), "ErrorModel") || d.Components.Schemas["Problem"] == nil {
		t.Error("the description speaks of huma's errors; want problems alone")
	}
}

func TestControlIsTheOperator(t *testing.T) {
	a := server(t)
	var got Caller
	a.Raw(Route{Method: "GET", Path: "/v1/who", ID: "who", Act: access.ReadStatus}, nil, nil,
		func(_ http.ResponseWriter, _ *http.Request, c Caller) { got = c })
	if w := do(Control(a), "GET", "/v1/who", ""); w.Code != 200 || got.Principal != LocalOperator() {
		t.Errorf("got %d and %+v; want the local operator", w.Code, got)
	}
	if w := do(a, "GET", "/v1/who", ""); w.Code != 401 {
		t.Errorf("got %d without the socket; want 401", w.Code)
	}
}

func TestProblemTravels(t *testing.T) {
	for kind, k := range kinds {
		w := httptest.NewRecorder()
		WriteProblem(w, fault.New("x", kind, "thing", "do this"))
		res := w.Result()
		res.Request = httptest.NewRequest("GET", "/", nil)
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		got := failure("client", res, body)
		if res.StatusCode != k.status || fault.KindOf(got) != kind {
			t.Errorf("%v: got %d and back %v", kind, res.StatusCode, fault.KindOf(got))
		}
	}
	w := httptest.NewRecorder()
	WriteProblem(w, &Refusal{Err: fault.New("x", fault.Unavailable, "", "full"), Rejected: true, RetryAfter: 90 * time.Second})
	if w.Header().Get("Retry-After") != "90" || !strings.Contains(w.Body.String(), `"retry_after":90`) || !strings.Contains(w.Body.String(), `"rejected"`) {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
}

func BenchmarkRaw(b *testing.B) {
	a := server(b)
	body := bytes.Repeat([]byte("x"), 900)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/v1/applications", bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer entrepreneur")
		r.Header.Set("Idempotency-Key", "k")
		a.ServeHTTP(httptest.NewRecorder(), r)
	}
}
