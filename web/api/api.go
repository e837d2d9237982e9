package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/fault"
)

// Bounds of a request's body.
const (
	SmallBody       = 64 << 10
	ApplicationBody = catalogue.MaxBody // What is longer is refused as such, before it is read as JSON.
	ReleaseBody     = 32 << 20
)

// A Route is one call of the API.
type Route struct {
	Method  string
	Path    string // As [http.ServeMux] has it, with {wildcards}.
	ID      string // Of the operation, such as "track".
	Summary string
	Public  bool       // Anybody may call it.
	Act     access.Act // What the caller must be allowed to do, unless it is public …
	Or      access.Act // … or this; empty: nothing else.
	Status  int        // Of success; 0: 200.
	MaxBody int64      // 0: SmallBody.
	Media   string     // Media type of a Raw answer; empty: JSON.
	Takes   string     // Media type of a Raw request that isn't JSON.

	Query map[string]string // Parameters of a Raw call, and what each is for.
}

// Options are what a server's API is made of.
type Options struct {
	Title       string
	Description string
	Version     string
	Auth        Authenticator
	Logger      *slog.Logger

	// Recast, which may be nil, is given every failure of a call and returns what
	// is answered: a server that may lack what it once had can't say that there is
	// no such thing.
	Recast func(error) error
}

// An API is one server's routes. Register all before serving; serving is safe
// concurrently.
type API struct {
	mux    *http.ServeMux
	huma   huma.API
	auth   Authenticator
	log    *slog.Logger
	recast func(error) error
	routes []Route
	guard  http.Handler
	spec   func() []byte

	missing http.Handler // Nil: see Missing.
}

// New returns an API that answers GET /openapi.json and, to everything else, 404.
func New(o Options) *API {
	a := &API{mux: http.NewServeMux(), auth: o.Auth, log: o.Logger, recast: o.Recast}
	if a.recast == nil {
		a.recast = func(err error) error { return err }
	}
	c := huma.DefaultConfig(o.Title, o.Version)
	c.Info.Description = o.Description
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	c.Transformers = []huma.Transformer{toProblem}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "Token of POST /v1/sessions, good for 12 hours."},
	}
	a.huma = humago.New(gated{a}, c)
	a.huma.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { next(plainStatus{ctx}) })

	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		WriteProblem(w, fault.New("api.CrossOrigin", fault.Denied, "Origin", "another site's page may not do this"))
	}))
	a.guard = cross.Handler(a.mux)
	a.spec = sync.OnceValue(a.openAPI)
	a.Raw(Route{Method: http.MethodGet, Path: "/openapi.json", ID: "openapi", Summary: "This description", Public: true, Media: "application/openapi+json"},
		nil, nil, func(w http.ResponseWriter, _ *http.Request, _ Caller) {
			w.Header().Set("Content-Type", "application/openapi+json")
			_, _ = w.Write(a.spec()) // The client may be gone.
		})
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if a.missing != nil && r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/v1/") && strings.Contains(r.Header.Get("Accept"), "text/html") {
			a.missing.ServeHTTP(w, r)
			return
		}
		WriteProblem(w, fault.New("api.Mux", fault.NotFound, r.Method+" "+r.URL.Path, "no such call: see /openapi.json"))
	})
	return a
}

// Missing has h answer a browser that asks for a page which is not there; without it, and to
// everybody else, the answer is a problem.
func (a *API) Missing(h http.Handler) { a.missing = h }

// ServeHTTP answers a request. A handler that panics answers 500 and is logged.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			a.log.Error("handler panicked", "method", r.Method, "pattern", r.Pattern, "panic", v, "stack", string(debug.Stack()))
			WriteProblem(w, fault.New("api.ServeHTTP", fault.Internal, "", ""))
		}
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	a.guard.ServeHTTP(w, r)
}

// Routes returns every call that was registered, in order; pages are not calls.
func (a *API) Routes() []Route { return a.routes }

// Register adds a call whose input and output are structs as huma reads them:
// members tagged path, query or header, and Body. The handler's error becomes a
// problem.
func Register[I, O any](a *API, route Route, h func(context.Context, *I) (*O, error)) {
	a.note(route)
	op := operation(route)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			err = a.recast(err)
			a.logFailure(route.ID, err)
			return nil, ProblemOf(err)
		}
		return out, nil
	})
}

// Raw adds a call with a handler of its own, for speed or for another media type
// than JSON. In and out are zero values of the bodies, for the description; nil
// where there is none. The handler gets a bounded body.
func (a *API) Raw(route Route, in, out any, h func(http.ResponseWriter, *http.Request, Caller)) {
	a.note(route)
	a.describe(route, in, out)
	limit := route.MaxBody
	if limit == 0 {
		limit = SmallBody
	}
	a.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
		c, err := a.admit(&route, r)
		if err != nil {
			a.Fail(w, route.ID, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		h(w, r, c)
	})
}

// Page adds a page or an asset. It asks [API.Who] itself and isn't described.
func (a *API) Page(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// Fail answers with a failure and logs what is ours to explain.
func (a *API) Fail(w http.ResponseWriter, operation string, err error) {
	err = a.recast(err)
	a.logFailure(operation, err)
	WriteProblem(w, err)
}

func (a *API) logFailure(operation string, err error) {
	switch fault.KindOf(err) {
	case fault.Internal, fault.Damaged, fault.Stopped:
		a.log.Error("call failed", "operation", operation, "err", err)
	default: // The caller's to mend; he is told.
	}
}

// ReadBody reads a body that [API.Raw] has bounded, into memory sized by its
// declared length.
func ReadBody(r *http.Request) ([]byte, error) {
	size := r.ContentLength
	if size < 0 || size > ApplicationBody {
		size = 4 << 10
	}
	body := make([]byte, 0, size+1)
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, fault.Wrap("api.ReadBody", fault.Invalid, "body", err)
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

// WriteJSON answers with a body.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		WriteProblem(w, fault.Wrap("api.WriteJSON", fault.Internal, "", err))
		return
	}
	WriteBody(w, status, body)
}

// WriteBody answers with a body that is JSON already.
func WriteBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Cache-Control"] = noStore
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // The client may be gone.
}

// Header values that every answer shares.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

// ETag is the entity tag of a version.
func ETag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// ParseMatch reads If-Match: a version, quoted or not. Without one it is
// [fault.Invalid], since nobody may act on a case that he has not seen.
func ParseMatch(s string) (uint64, error) {
	v, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(strings.TrimSpace(s), "W/"), `"`), 10, 64)
	if err != nil {
		return 0, fault.New("api.ParseMatch", fault.Invalid, "If-Match", "want the version of the case that you saw, such as \"3\"")
	}
	return v, nil
}

func (a *API) note(route Route) {
	if !route.Public && reflect.ValueOf(route.Act).IsZero() {
		panic("web/api: route " + route.ID + " is neither public nor has an act")
	}
	a.routes = append(a.routes, route)
}

// gated puts the gate in front of huma's handlers.
type gated struct{ api *API }

func (g gated) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.api.mux.ServeHTTP(w, r) }

func (g gated) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	route := g.api.routes[len(g.api.routes)-1] // Register noted it just now.
	g.api.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c, err := g.api.admit(&route, r)
		if err != nil {
			g.api.Fail(w, route.ID, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		h(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}
