package gossip

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"kendro/domain/fault"
)

// A lan is a network that this machine is in.
type lan struct {
	here netip.Addr     // Our address in it.
	all  netip.AddrPort // Where everybody in it hears; the port is the beacon's.
}

// lans returns the networks in which neighbours could reach what is bound to the
// address bind: in each the machine's own address, private ones first. Lines to one
// other end, as a modem's, are none.
func lans(bind netip.Addr, port uint16) []lan {
	var list []lan
	cards, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, card := range cards {
		ours := net.FlagBroadcast
		if bind.IsLoopback() {
			ours = net.FlagLoopback
		}
		if card.Flags&net.FlagUp == 0 || card.Flags&ours == 0 {
			continue
		}
		addrs, err := card.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			all, ok := everybody(prefix, card.Name)
			if here := prefix.Addr(); ok && (bind.IsUnspecified() || bind == here) {
				list = append(list, lan{here, netip.AddrPortFrom(all, port)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b lan) int { return cmp.Compare(rank(a.here), rank(b.here)) })
	return list
}

// rank orders addresses by how likely neighbours reach them.
func rank(a netip.Addr) int {
	switch {
	case a.Is4() && a.IsPrivate():
		return 0
	case a.Is4():
		return 1
	default:
		return 2
	}
}

// everybody is where all machines of a network hear. IPv6 has an address for that,
// for which nobody needs to enter a group; an address that holds on one cable only
// can't be told to others.
func everybody(p netip.Prefix, card string) (netip.Addr, bool) {
	here := p.Addr()
	if !here.Is4() {
		return netip.IPv6LinkLocalAllNodes().WithZone(card), here.Is6() && here.IsGlobalUnicast()
	}
	if p.Bits() > 30 {
		return netip.Addr{}, false
	}
	b := here.As4()
	last := binary.BigEndian.Uint32(b[:]) | uint32(1<<(32-p.Bits())-1)
	binary.BigEndian.PutUint32(b[:], last)
	return netip.AddrFrom4(b), true
}

// ownAddress is where neighbours reach what is bound to the address bind, as far as
// the machine knows. memberlist would look for the network of the default route, and
// a box without an uplink has none.
func ownAddress(bind netip.Addr) (netip.Addr, bool) {
	if !bind.IsUnspecified() {
		return bind, true
	}
	list := lans(bind, 0)
	if len(list) == 0 {
		return bind, false
	}
	return list[0].here, true
}

// A beacon calls into the networks of a machine, and hears who calls.
type beacon struct {
	port   uint16
	bind   netip.Addr // Of gossip, as is its port:
	gossip uint16
	keys   func() [][]byte // The first seals.
	heard  func(netip.AddrPort)
	every  time.Duration // Between calls, once those have been made that follow a change.
	look   time.Duration // Between looks at what networks there are.
	meter  *Meter
	log    *slog.Logger

	clock func() time.Time

	conn    net.PacketConn
	run     uint64
	callers callers
}

// briskCalls is how many calls follow each other at each look, after a start or a
// change of address: a radio network loses some.
const briskCalls = 3

// listen opens the port, which other boxes on this machine may share.
func (b *beacon) listen(ctx context.Context) error {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) })
		return errors.Join(err, set)
	}}
	var err error
	if b.conn, err = lc.ListenPacket(ctx, "udp", ":"+strconv.Itoa(int(b.port))); err != nil {
		return &fault.Error{Op: "gossip.listen", Kind: fault.Unavailable, Item: "beacon", Err: err}
	}
	var r [8]byte
	_, _ = rand.Read(r[:]) // Never fails.
	b.run = binary.BigEndian.Uint64(r[:])
	return nil
}

// serve calls and hears until ctx ends, and closes the port.
func (b *beacon) serve(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(b.hear)
	b.call(ctx)
	_ = b.conn.Close()
	wg.Wait()
}

// call tells every network where we are, often after something changed.
func (b *beacon) call(ctx context.Context) {
	tick := time.NewTicker(b.look)
	defer tick.Stop()
	var told []lan
	var count, rest uint64
	brisk := 0
	for {
		if now := lans(b.bind, b.port); !slices.Equal(now, told) {
			told, brisk = now, briskCalls
		}
		if rest == 0 || brisk > 0 {
			count++
			brisk, rest = max(brisk-1, 0), uint64(max(b.every/b.look, 1))
			for _, l := range told {
				b.tell(l, count)
			}
		}
		rest--
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell sends one call. A network that takes none just now gets the next.
func (b *beacon) tell(l lan, count uint64) {
	c := call{Run: b.run, Count: count, At: netip.AddrPortFrom(l.here, b.gossip).String()}
	packet, err := c.seal(b.keys()[0])
	if err != nil {
		b.log.Warn("no beacon could be made", "err", err)
		return
	}
	from := net.UDPAddrFromAddrPort(netip.AddrPortFrom(l.here, 0))
	conn, err := net.ListenUDP("udp", from)
	if err == nil {
		if _, err = conn.WriteToUDPAddrPort(packet, l.all); err == nil {
			b.meter.Out.Add(uint64(len(packet)))
		}
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		b.log.Debug("a network takes no beacon", "addr", l.all.String(), "err", err.Error())
	}
}

// hear takes calls until the port is closed. One that did not come from where it
// says its sender is was sent on by somebody.
func (b *beacon) hear() {
	packet := make([]byte, maxCall+1)
	for {
		n, from, err := b.conn.ReadFrom(packet)
		u, ok := from.(*net.UDPAddr)
		if err != nil || !ok {
			if !errors.Is(err, net.ErrClosed) {
				b.log.Warn("boxes on the LAN are not heard any more", "err", err)
			}
			return
		}
		b.meter.In.Add(uint64(n))
		c, at, err := openCall(packet[:n], b.keys())
		if err != nil || c.Run == b.run || at.Addr() != u.AddrPort().Addr().Unmap().WithZone("") {
			continue
		}
		if b.callers.take(at, &c, b.clock(), b.look) {
			b.heard(at)
		}
	}
}
