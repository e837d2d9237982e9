package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"kendro/domain/fault"
)

// passwordParams fit a small box: 19 MiB and two passes (OWASP's minimum for
// argon2id), about 30 ms.
var passwordParams = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Bounds of a password in bytes.
const (
	MinPassword = 8
	MaxPassword = 256
)

// HashPassword returns the argon2id hash of a password in its standard text
// form. A password outside the bounds is [fault.Invalid].
func HashPassword(password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fault.New("identity.HashPassword", fault.Invalid, "password", "want 8 to 256 characters")
	}
	p := passwordParams
	hash, err := argon2id.CreateHash(password, &p)
	return hash, fault.Wrap("identity.HashPassword", fault.Internal, "", err)
}

// CheckPassword reports whether hash is a hash of password. It takes about as
// long for a hash that isn't one, so that unknown names can't be told apart.
func CheckPassword(password, hash string) bool {
	if len(password) > MaxPassword {
		return false
	}
	if hash == "" {
		hash = noHash
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return ok && err == nil && hash != noHash
}

// noHash costs as much to check as a real one and belongs to nobody.
const noHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// A Session is what a bearer token says.
type Session struct {
	User    string `json:"u"`
	Expires int64  `json:"x"` // Unix seconds.
}

// Sessions issues and checks bearer tokens. They are sealed statements, so a
// restart forgets none and needs no store. It is safe for concurrent use.
type Sessions struct {
	key []byte

	mu    sync.Mutex         // Guards known.
	known map[string]Session // Tokens whose seal was found good.
}

// maxKnown is how many tokens are remembered: more than a centre or an office has
// people at work.
const maxKnown = 256

// NewSessions returns the issuer for a secret of at least 32 bytes that only
// the machines share which accept each other's tokens.
func NewSessions(secret []byte) *Sessions {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("kendro-sessions-1"))
	return &Sessions{key: mac.Sum(nil), known: map[string]Session{}}
}

// SessionLifetime is how long a token is good for.
const SessionLifetime = 12 * time.Hour

// Issue returns a token for user and the time it expires at.
func (s *Sessions) Issue(user string, now time.Time) (token string, expires time.Time) {
	expires = now.Add(SessionLifetime).Truncate(time.Second)
	body, err := json.Marshal(Session{User: user, Expires: expires.Unix()})
	if err != nil {
		panic("identity: " + err.Error()) // Two plain fields always encode.
	}
	return base64.RawURLEncoding.EncodeToString(body) + "." + base64.RawURLEncoding.EncodeToString(s.mac(body)), expires
}

// Check returns whom a token speaks for, or [fault.Denied]: sign in again.
func (s *Sessions) Check(token string, now time.Time) (user string, err error) {
	v, ok := s.read(token)
	if !ok || now.Unix() >= v.Expires {
		return "", fault.New("identity.Check", fault.Denied, "", "sign in again")
	}
	return v.User, nil
}

// read opens a token. What a sealed token says never changes, so one that was
// opened before isn't opened again.
func (s *Sessions) read(token string) (v Session, ok bool) {
	s.mu.Lock()
	v, ok = s.known[token]
	s.mu.Unlock()
	if ok {
		return v, true
	}
	if v, ok = s.open(token); !ok {
		return v, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[token] = v
	return v, true
}

func (s *Sessions) open(token string) (v Session, ok bool) {
	b, m, ok := strings.Cut(token, ".")
	if !ok || len(token) > 1024 {
		return v, false
	}
	body, err1 := base64.RawURLEncoding.DecodeString(b)
	mac, err2 := base64.RawURLEncoding.DecodeString(m)
	if err1 != nil || err2 != nil || !hmac.Equal(mac, s.mac(body)) {
		return v, false
	}
	return v, json.Unmarshal(body, &v) == nil
}

func (s *Sessions) mac(body []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(body)
	return m.Sum(nil)
}
