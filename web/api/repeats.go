package api

import (
	"crypto/sha256"
	"sync"

	"kendro/domain/fault"
)

// Repeats remembers the answers to calls that leave no record behind, such as a
// sign-in, so that a repeat with the same ID and body gets the first answer. It
// keeps the newest few thousand and forgets them on a restart: a call that
// changes records keeps its answer with them instead. Safe for concurrent use.
type Repeats[T any] struct {
	mu    sync.Mutex // Guards all below.
	known map[string]repeat[T]
	order []string // A ring of the keys, oldest at next.
	next  int
}

type repeat[T any] struct {
	body   [32]byte
	answer T
}

const keptRepeats = 4096

// NewRepeats returns an empty memory.
func NewRepeats[T any]() *Repeats[T] {
	return &Repeats[T]{known: map[string]repeat[T]{}, order: make([]string, keptRepeats)}
}

// Find returns the first answer to a call with this key and body. The same key
// with another body is [fault.Conflict].
func (r *Repeats[T]) Find(key string, body []byte) (answer T, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, ok := r.known[key]
	if ok && first.body != sha256.Sum256(body) {
		return answer, false, KeyReused("api.Repeats")
	}
	return first.answer, ok, nil
}

// Keep remembers an answer.
func (r *Repeats[T]) Keep(key string, body []byte, answer T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.known[key]; ok {
		return
	}
	delete(r.known, r.order[r.next])
	r.order[r.next] = key
	r.next = (r.next + 1) % keptRepeats
	r.known[key] = repeat[T]{body: sha256.Sum256(body), answer: answer}
}

// KeyReused is the failure of an Idempotency-Key that came with another body.
func KeyReused(op string) error {
	return fault.New(op, fault.Conflict, "Idempotency-Key", "this key came before with another body: draw a new key for a new request")
}
