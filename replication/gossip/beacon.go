package gossip

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
)

// A call is what a box tells the LAN: where it gossips. It travels sealed under the
// upazila's gossip key and names nobody, so a stranger sees that something of that
// length was sent.
type call struct {
	_     struct{} `cbor:",toarray"`
	Run   uint64   // Drawn at the start.
	Count uint64   // Grows with each call of the run.
	At    string   // host:port, the host being the one that the call is sent from.
}

const (
	contextBeacon = "kendro-beacon-1"
	maxCall       = 160 // Sealed.
)

// beaconSealer returns the cipher of calls under an upazila's gossip key.
func beaconSealer(key []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, contextBeacon, KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal returns the packet that carries a call.
func (c *call) seal(key []byte) ([]byte, error) {
	s, err := beaconSealer(key)
	if err != nil {
		return nil, &fault.Error{Op: "gossip.seal", Kind: fault.Internal, Item: "beacon", Err: err}
	}
	return s.Seal(nil, nil, protocol.Marshal(c), nil), nil //nolint:gosec // G407: this cipher draws its nonce itself.
}

// openCall reads a packet with the first key that opens it, else [fault.Invalid].
func openCall(packet []byte, keys [][]byte) (c call, at netip.AddrPort, err error) {
	const op = "gossip.openCall"
	if len(packet) > maxCall {
		return c, at, fault.New(op, fault.Invalid, "beacon", "too long")
	}
	for _, key := range keys {
		s, err := beaconSealer(key)
		if err != nil {
			return c, at, &fault.Error{Op: op, Kind: fault.Internal, Item: "beacon", Err: err}
		}
		body, err := s.Open(nil, nil, packet, nil)
		if err != nil {
			continue
		}
		if err := protocol.Unmarshal(body, maxCall, "beacon", &c); err != nil {
			return c, at, err
		}
		at, err = netip.ParseAddrPort(c.At)
		switch {
		case err != nil || at.Port() == 0:
			return c, at, fault.New(op, fault.Invalid, "beacon", "no address")
		case !bytes.Equal(protocol.Marshal(&c), body): // There is one way to say it.
			return c, at, fault.New(op, fault.Invalid, "beacon", "said in another way than ours")
		}
		return c, at, nil
	}
	return c, at, fault.New(op, fault.Invalid, "beacon", "no key opens it")
}

// maxCallers bounds what a holder of the key can make a box remember.
const maxCallers = 64

// callers remembers who has called, so that a call counts once, and no address is
// knocked at more often than each pause.
type callers struct {
	mu   sync.Mutex // Guards list.
	list map[netip.AddrPort]caller
}

type caller struct {
	run, count uint64
	taken      time.Time
}

// take reports whether the call from an address is new and due.
func (c *callers) take(at netip.AddrPort, said *call, now time.Time, pause time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, known := c.list[at]
	if known && (old.run == said.Run && said.Count <= old.count || now.Sub(old.taken).Abs() < pause) {
		return false
	}
	if !known && len(c.list) >= maxCallers {
		c.forget()
	}
	if c.list == nil {
		c.list = map[netip.AddrPort]caller{}
	}
	c.list[at] = caller{said.Run, said.Count, now}
	return true
}

// forget makes room for one.
func (c *callers) forget() {
	var oldest netip.AddrPort
	for at, x := range c.list {
		if !oldest.IsValid() || x.taken.Before(c.list[oldest].taken) {
			oldest = at
		}
	}
	delete(c.list, oldest)
}
