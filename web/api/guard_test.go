package api

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kendro/domain/fault"
)

// guesses is a guard and the time by which it goes.
type guesses struct {
	*testing.T
	g   *Guard
	now time.Time
}

// wrong tries a wrong password, and returns how long to wait; 0: it was looked at.
func (x *guesses) wrong(t SignIn) time.Duration {
	x.Helper()
	err := x.g.Begin(t, x.now)
	if err == nil {
		err = x.g.Bad(t, x.now)
	}
	var r *Refusal
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, fault.Limited) || !errors.As(err, &r) || r.RetryAfter <= 0:
		x.Fatalf("got %v; want limited, with a time to wait", err)
	}
	return r.RetryAfter
}

func (x *guesses) right(t SignIn) Wrong {
	x.Helper()
	if err := x.g.Begin(t, x.now); err != nil {
		x.Fatalf("the owner is kept out: %v", err)
	}
	return x.g.Right(t, x.now)
}

// TestGuessesGetSlower: five wrong passwords are free, and then each doubles the wait, up to a
// quarter of an hour. One that is right begins anew.
func TestGuessesGetSlower(t *testing.T) {
	x := &guesses{t, NewGuard(), time.Unix(1_790_000_000, 0)}
	from := SignIn{User: "dc", Address: "10.0.0.1"}
	for i := range 5 {
		if wait := x.wrong(from); wait != 0 {
			t.Fatalf("the try %d has to wait %v", i, wait)
		}
	}
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		if wait := x.wrong(from); wait != want {
			t.Fatalf("waits %v; want %v", wait, want)
		}
		x.now = x.now.Add(want)
		if wait := x.wrong(from); wait != 0 {
			t.Fatalf("having waited, it has to wait %v", wait)
		}
	}
	x.now = x.now.Add(longestWait)
	if got := x.right(from); got.Tries != 5+7+7 || !got.Last.Equal(x.now.Add(-longestWait)) {
		t.Errorf("the owner is told of %+v", got)
	}
	if got := x.right(from); got.Tries != 0 {
		t.Errorf("and is told again: %+v", got)
	}
	if wait := x.wrong(from); wait != 0 {
		t.Errorf("the next wrong one has to wait %v", wait)
	}
}

// TestStrangersLockNobodyOut: a thousand addresses guess for a day. Where the owner signed in
// before, and in a browser where he did, he signs in at once, and hears of it; they have had
// some hundred guesses.
func TestStrangersLockNobodyOut(t *testing.T) {
	x := &guesses{t, NewGuard(), time.Unix(1_790_000_000, 0)}
	office := SignIn{User: "dc", Address: "203.0.113.7"}
	travel := SignIn{User: "dc", Address: "198.51.100.9", Device: "his"}
	x.right(office)
	looked := 0
	for i := range 24 * 60 * 4 {
		if x.wrong(SignIn{User: "dc", Address: fmt.Sprint("192.0.2.", i%1000)}) == 0 {
			looked++
		}
		x.now = x.now.Add(15 * time.Second)
	}
	if looked > 110 {
		t.Errorf("%d guesses a day were looked at; want a hundred or so", looked)
	}
	if wait := x.wrong(SignIn{User: "dc", Address: "192.0.2.8"}); wait == 0 {
		t.Error("a stranger need not wait")
	}
	if got := x.right(travel); got.Tries != 24*60*4+1 {
		t.Errorf("he is told of %+v", got)
	}
	x.right(office)
	if x.wrong(SignIn{User: "dc", Address: "192.0.2.9"}) == 0 {
		t.Error("that the owner came makes strangers begin anew")
	}
	x.g.Unlock("dc")
	if x.wrong(SignIn{User: "dc", Address: "192.0.2.9"}) != 0 {
		t.Error("unlocked, it waits")
	}
}

// TestManyGuessesAtOnce: tries that are under way count, and what nobody could judge does not.
func TestManyGuessesAtOnce(t *testing.T) {
	g, now := NewGuard(), time.Unix(1_790_000_000, 0)
	from := SignIn{User: "dc", Address: "10.0.0.1"}
	begun := 0
	for range 50 {
		if g.Begin(from, now) == nil {
			begun++
		}
	}
	if begun != freeTries {
		t.Errorf("%d were looked at at once; want %d", begun, freeTries)
	}
	g.Undo(from, now)
	if err := g.Begin(from, now); err != nil {
		t.Errorf("one was taken back, and the next has to wait: %v", err)
	}
}

// TestGuardIsBounded: whoever tries many names makes the guard forget no owner's places.
func TestGuardIsBounded(t *testing.T) {
	x := &guesses{t, NewGuard(), time.Unix(1_790_000_000, 0)}
	office := SignIn{User: "dc", Address: "203.0.113.7"}
	x.right(office)
	for i := range 3 * maxLogins {
		x.wrong(SignIn{User: fmt.Sprint("name-", i), Address: fmt.Sprint("address-", i)})
	}
	for i := range 9 {
		x.wrong(SignIn{User: "dc", Address: fmt.Sprint("192.0.2.", i)})
	}
	x.right(office)
	if n := len(x.g.logins); n > maxLogins {
		t.Errorf("it remembers %d logins", n)
	}
	for i := range uint64(200) {
		x.wrong(SignIn{User: "dc", Address: "203.0.113.7", Device: fmt.Sprint(i)})
	}
	if n := len(x.g.logins["dc"].pools); n > 4*maxPools {
		t.Errorf("it remembers %d pools of one login", n)
	}
}
