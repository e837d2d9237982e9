package gossip

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"kendro/protocol"
)

// TestCallIsUnderstood opens a call as it was sealed in November 2026.
func TestCallIsUnderstood(t *testing.T) {
	key := bytes.Repeat([]byte{7}, KeySize)
	packet, err := hex.DecodeString("1463793286530216685cf66c2c1bb0967b76d5d5239ecd4c25bb8dcfd333e1fa4bcf24b76b654aed8b7bfdcb2f2a64dfdf3d9d069eb683c9")
	if err != nil {
		t.Fatal(err)
	}
	c, at, err := openCall(packet, [][]byte{bytes.Repeat([]byte{8}, KeySize), key})
	if err != nil || c.Run != 1<<60 || c.Count != 3 || at != netip.MustParseAddrPort("192.168.1.9:7946") {
		t.Errorf("got %+v, %v, %v", c, at, err)
	}
}

// TestCallTellsAStrangerNothing: nothing of it stands in the packet, no two are alike,
// and no changed one opens.
func TestCallTellsAStrangerNothing(t *testing.T) {
	key := bytes.Repeat([]byte{7}, KeySize)
	c := call{Run: 5, Count: 1, At: "192.168.1.9:7946"}
	seen := map[string]bool{}
	for range 100 {
		packet, err := c.seal(key)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(packet)] || bytes.Contains(packet, []byte("192.168")) || len(packet) > maxCall {
			t.Fatalf("a packet that tells something: %x", packet)
		}
		seen[string(packet)] = true
		for i := range packet {
			packet[i] ^= 1
			if _, _, err := openCall(packet, [][]byte{key}); err == nil {
				t.Fatalf("changed at %d it still opens", i)
			}
			packet[i] ^= 1
		}
		if _, _, err := openCall(packet, [][]byte{make([]byte, KeySize)}); err == nil {
			t.Fatal("another upazila's key opens it")
		}
	}
}

// TestCallersAreHeardOnce plays calls again, floods, and sets the clock.
func TestCallersAreHeardOnce(t *testing.T) {
	var c callers
	at := netip.MustParseAddrPort("192.168.1.9:7946")
	now := time.Unix(1_800_000_000, 0)
	for i, step := range []struct {
		run, count uint64
		after      time.Duration
		want       bool
	}{
		{1, 1, 0, true},
		{1, 1, time.Hour, false},    // Played again.
		{1, 2, time.Second, true},   // An hour after the first.
		{1, 3, time.Second, false},  // Too soon.
		{1, 3, time.Minute, true},   //
		{2, 1, time.Minute, true},   // It started anew.
		{2, 9, time.Second, false},  // Too soon again.
		{2, 10, -time.Hour, true},   // Our clock was set back.
		{2, 10, time.Minute, false}, // Played again.
		{2, 11, time.Second, true},  //
		{1, 99, time.Second, false}, // Of an older run, too soon.
		{1, 100, 8 * time.Second, false},
	} {
		now = now.Add(step.after)
		if got := c.take(at, &call{Run: step.run, Count: step.count}, now, 10*time.Second); got != step.want {
			t.Errorf("step %d: taken %t; want %t", i, got, step.want)
		}
	}
	for port := range uint16(1000) {
		c.take(netip.AddrPortFrom(at.Addr(), port+1), &call{Run: 7, Count: 1}, now.Add(time.Duration(port)*time.Second), 0)
	}
	if len(c.list) != maxCallers {
		t.Errorf("%d callers are remembered; want %d", len(c.list), maxCallers)
	}
	if _, ok := c.list[netip.AddrPortFrom(at.Addr(), 1000)]; !ok {
		t.Error("the newest caller was forgotten")
	}
}

func TestEverybodyOfANetwork(t *testing.T) {
	for of, want := range map[string]string{
		"192.168.1.9/24": "192.168.1.255",
		"10.3.9.17/20":   "10.3.15.255",
		"127.0.0.1/8":    "127.255.255.255",
		"192.168.1.9/32": "",
		"192.168.1.9/31": "",
		"fd00::9/64":     "ff02::1%eth0",
		"2001:db8::9/64": "ff02::1%eth0",
		"fe80::9/64":     "",
		"::1/128":        "",
	} {
		got, ok := everybody(netip.MustParsePrefix(of), "eth0")
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: got %v, %t; want %q", of, got, ok, want)
		}
	}
}

// FuzzCall opens what a holder of the key might send.
func FuzzCall(f *testing.F) {
	key := bytes.Repeat([]byte{7}, KeySize)
	s, err := beaconSealer(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(protocol.Marshal(&call{Run: 5, Count: 1, At: "192.168.1.9:7946"}))
	f.Add(protocol.Marshal(&call{Run: 5, Count: 1, At: "[fd00::9]:0"}))
	f.Add([]byte{0x83})
	f.Fuzz(func(t *testing.T, body []byte) {
		c, at, err := openCall(s.Seal(nil, nil, body, nil), [][]byte{key})
		if err == nil && (!at.IsValid() || at.Port() == 0 || !bytes.Equal(protocol.Marshal(&c), body)) {
			t.Fatalf("%x is taken for %+v at %v", body, c, at)
		}
	})
}
