package gossip

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendro/identity"
	"kendro/protocol"
)

// A village is boxes that gossip over an ether, with the preset of rural links.
type village struct {
	t          *testing.T
	air        *ether
	boxes      []*villager
	neighbours []protocol.Neighbour
}

type villager struct {
	name   string
	at     netip.AddrPort
	signer *identity.Signer
	g      *Gossip
	stop   func()

	mu    sync.Mutex // Guards what follows.
	seq   uint64
	seeds []string
}

func villageKey() []byte { return bytes.Repeat([]byte{7}, KeySize) }

func address(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 7946)
}

// newVillage starts n boxes; the hub has told all but the first of the first.
func newVillage(t *testing.T, n int) *village {
	v := &village{t: t, air: newEther()}
	for i := range n {
		b := &villager{name: fmt.Sprintf("C%d", i), at: address(i + 1), signer: identity.NewSigner()}
		if i > 0 {
			b.seeds = []string{address(1).String()}
		}
		v.boxes = append(v.boxes, b)
		v.neighbours = append(v.neighbours, protocol.Neighbour{Centre: b.name, Signer: b.signer.Public()})
	}
	t.Cleanup(v.end)
	for _, b := range v.boxes {
		v.start(b)
	}
	v.within("all find all", 20*time.Minute, v.whole)
	return v
}

func (v *village) start(b *villager) {
	v.t.Helper()
	g, err := open(Options{
		Centre: b.name, Key: villageKey(), Preset: Rural, Clock: time.Now, Advert: b.advert, Meter: new(Meter),
		Seeds: func() []string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return append([]string(nil), b.seeds...)
		},
		Neighbours: func() []protocol.Neighbour { return v.neighbours },
	}.filled(), b.at.Addr().String(), v.air.open(b.at))
	if err != nil {
		v.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	b.g, b.stop = g, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			v.t.Error(err)
		}
	})
}

func (b *villager) advert() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	head := protocol.Head{Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-" + b.name, Incarnation: 1}, At: protocol.Position{Seq: b.seq}}
	return Advert{Centre: b.name, Head: head, Stamp: time.Now().UnixMilli()}.Sign(b.signer)
}

func (b *villager) grow() {
	b.mu.Lock()
	b.seq++
	b.mu.Unlock()
	b.g.Announce()
}

func (v *village) end() {
	for _, b := range v.boxes {
		if b.stop != nil {
			b.stop()
		}
	}
	pass(10 * time.Minute) // What memberlist had begun ends by its own timers.
}

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.After(d) }

// within waits until something is so, in virtual time, and says how long it took.
func (v *village) within(what string, limit time.Duration, ok func() bool) {
	v.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > limit {
			for _, b := range v.boxes {
				v.t.Logf("%s sees %+v", b.name, b.g.Peers())
			}
			v.t.Fatalf("%s: not within %v", what, limit)
		}
		pass(time.Second)
	}
	v.t.Logf("%s: after %v", what, time.Since(began).Round(time.Second))
}

// sees reports whether a box takes another for alive.
func (b *villager) sees(of *villager) bool {
	for _, p := range b.g.Peers() {
		if p.Centre == of.name {
			return p.Alive && p.Addr == of.at.String()
		}
	}
	return false
}

func (b *villager) heard(of *villager) uint64 {
	for _, p := range b.g.Peers() {
		if p.Centre == of.name {
			return p.Head.At.Seq
		}
	}
	return 0
}

func (v *village) pairs(ok func(a, b *villager) bool) bool {
	for _, a := range v.boxes {
		for _, b := range v.boxes {
			if a != b && !ok(a, b) {
				return false
			}
		}
	}
	return true
}

func (v *village) whole() bool { return v.pairs((*villager).sees) }

func (v *village) apart() bool {
	return v.pairs(func(a, b *villager) bool { return v.island(a.at) == v.island(b.at) || !a.sees(b) })
}

func (v *village) island(a netip.AddrPort) int { return int(a.Addr().As4()[3]) % 2 }

const day = 24 * time.Hour

// long leaves days and weeks to the whole run: the race detector's own runtime has
// ended with a segmentation violation over so much virtual time.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("days of a village")
	}
}

// hears has every box file one record, and waits until each knows of each: a packet
// that was lost is made up for by an exchange of all that is known, every five minutes.
func (v *village) hears(what string) {
	v.t.Helper()
	for _, b := range v.boxes {
		b.grow()
	}
	v.within(what, 20*time.Minute, func() bool { return v.pairs(func(a, b *villager) bool { return a.heard(b) == b.seq }) })
}

// TestDaysInTwoHalves cuts a village in two for days. Each half hears itself, and
// both come together again, though the hub has told of one address alone.
func TestDaysInTwoHalves(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, 6)
		v.hears("news before")
		for _, b := range v.boxes {
			b.seeds = nil // Whom they were told of is told no more.
		}
		v.air.set(func(from, to netip.AddrPort) bool { return v.island(from) != v.island(to) })
		v.within("the halves lose each other", 2*time.Hour, v.apart)
		pass(3 * day)
		v.air.set(func(_, _ netip.AddrPort) bool { return false })
		v.within("they come together", 10*time.Minute, v.whole)
		v.hears("news after")
	})
}

// TestBackAfterWeeks has a box away without a goodbye for days, and back under another
// address. Then the whole village is without power for three weeks, and all but the
// first come back elsewhere.
func TestBackAfterWeeks(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, 5)
		gone := v.boxes[2]
		v.air.set(func(from, to netip.AddrPort) bool { return from == gone.at || to == gone.at })
		v.within("it is missed", 2*time.Hour, func() bool { return !v.boxes[0].sees(gone) })
		pass(3 * day)
		gone.stop()
		v.air.set(func(_, _ netip.AddrPort) bool { return false })
		gone.at = address(77)
		v.start(gone)
		v.within("it is back elsewhere", 10*time.Minute, v.whole)
		v.hears("news of it")

		for _, b := range v.boxes {
			b.stop()
		}
		pass(21 * day)
		for i, b := range v.boxes {
			if i > 0 {
				b.at = address(100 + i)
			}
			v.start(b)
		}
		v.within("all are back", 10*time.Minute, v.whole)
		v.hears("news of all")
	})
}

// lie seals one of memberlist's messages as any holder of the key can.
func lie(kind byte, fields ...any) []byte {
	m := []byte{kind, 0x80 | byte(len(fields)/2)}
	text := func(s string) { m = append(append(m, 0xa0|byte(len(s))), s...) }
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			text(f)
		case []byte:
			text(string(f))
		case uint32:
			m = binary.BigEndian.AppendUint32(append(m, 0xce), f)
		}
	}
	block, err := aes.NewCipher(villageKey())
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	nonce := make([]byte, gcm.NonceSize())
	return append([]byte{1}, gcm.Seal(nonce, nonce, m, nil)...)
}

// Kinds of memberlist's messages.
const (
	saysSuspect = 3
	saysAlive   = 4
	saysDead    = 5
)

func suspects(of string, inc uint32, from string) []byte {
	return lie(saysSuspect, "Incarnation", inc, "Node", of, "From", from)
}

func dies(of string, inc uint32, from string) []byte {
	return lie(saysDead, "Incarnation", inc, "Node", of, "From", from)
}

func lives(of string, inc uint32, at netip.AddrPort) []byte {
	return lie(saysAlive, "Incarnation", inc, "Node", of, "Addr", at.Addr().AsSlice(), "Port", uint32(at.Port()), "Meta", []byte{}, "Vsn", []byte{1, 5, 2, 0, 0, 0})
}

// TestLiesCostDelay has a holder of the key lie to everybody about one box, every ten
// seconds for six hours. Meanwhile its records are heard of; soon after he is gone
// everybody sees it.
func TestLiesCostDelay(t *testing.T) {
	long(t)
	for name, say := range map[string]func(of *villager) []byte{
		"suspicions":              func(of *villager) []byte { return suspects(of.name, 1, "C3") },
		"suspicions of ever more": func(of *villager) []byte { return suspects(of.name, uint32(time.Now().Unix()), "C3") },
		"last suspicions":         func(of *villager) []byte { return suspects(of.name, math.MaxUint32, "C3") },
		"deaths":                  func(of *villager) []byte { return dies(of.name, 1, "C3") },
		"last deaths":             func(of *villager) []byte { return dies(of.name, math.MaxUint32, "C3") },
		"last leaves":             func(of *villager) []byte { return dies(of.name, math.MaxUint32, of.name) },
		"another address":         func(of *villager) []byte { return lives(of.name, 99, address(250)) },
		"a last life":             func(of *villager) []byte { return lives(of.name, math.MaxUint32, of.at) },
		"a last life elsewhere":   func(of *villager) []byte { return lives(of.name, math.MaxUint32, address(250)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVillage(t, 5)
				victim := v.boxes[2]
				for second := 0; second < 6*3600; second += 10 {
					for _, b := range v.boxes {
						v.air.send(address(250), b.at.String(), say(victim))
					}
					if second%3600 == 1800 {
						victim.grow()
					}
					pass(10 * time.Second)
					if second%3600 == 3590 {
						for _, b := range v.boxes {
							if b != victim && b.heard(victim) != victim.seq {
								t.Errorf("after %d s %s knows of record %d of %d", second, b.name, b.heard(victim), victim.seq)
							}
						}
					}
				}
				v.within("he is gone, and all see all", 30*time.Minute, v.whole)
				v.hears("news after")
			})
		})
	}
}

// TestInventedNeighbours floods a village with boxes that are none.
func TestInventedNeighbours(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, 3)
		for i := range 5000 {
			for _, b := range v.boxes {
				v.air.send(address(250), b.at.String(), lives(fmt.Sprintf("X%d", i), 1, address(300+i)))
			}
			if i%100 == 0 {
				pass(time.Second)
			}
		}
		v.hears("news in between")
		for _, b := range v.boxes {
			if n := len(b.g.Peers()); n != 2 || b.g.board.count() != 3 {
				t.Errorf("%s counts %d peers, %d members; want 2 and 3", b.name, n, b.g.board.count())
			}
		}
	})
}
