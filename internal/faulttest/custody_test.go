//go:build fault

package faulttest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// A ferry is the only way to the hub's port, for whomever it lets pass. It stands
// where a village's link would.
type ferry struct {
	socket *net.UDPConn
	wg     sync.WaitGroup

	mu    sync.Mutex // Guards what follows.
	hub   *net.UDPAddr
	stops map[int]bool // By the port that a box speaks from.
	ways  map[string]*net.UDPConn
	seen  func([]byte)
}

func newFerry(t *testing.T, seen func([]byte)) *ferry {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	f := &ferry{socket: socket, stops: map[int]bool{}, ways: map[string]*net.UDPConn{}, seen: seen}
	f.wg.Go(f.forth)
	t.Cleanup(func() {
		_ = socket.Close()
		f.mu.Lock()
		for _, w := range f.ways {
			_ = w.Close()
		}
		f.mu.Unlock()
		f.wg.Wait()
	})
	return f
}

func (f *ferry) forth() {
	b := make([]byte, 64<<10)
	for {
		n, from, err := f.socket.ReadFromUDP(b)
		if err != nil {
			return
		}
		if way := f.way(from); way != nil {
			f.seen(b[:n])
			_, _ = way.Write(b[:n]) // A lost packet is what links do.
		}
	}
}

// way is the socket that speaks to the hub for one box, nil for one that is cut off.
func (f *ferry) way(from *net.UDPAddr) *net.UDPConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hub == nil || f.stops[from.Port] {
		return nil
	}
	if w := f.ways[from.String()]; w != nil {
		return w
	}
	w, err := net.DialUDP("udp", nil, f.hub)
	if err != nil {
		return nil
	}
	f.ways[from.String()] = w
	f.wg.Go(func() {
		b := make([]byte, 64<<10)
		for {
			n, err := w.Read(b)
			if err != nil {
				return
			}
			if f.way(from) != nil {
				f.seen(b[:n])
				_, _ = f.socket.WriteToUDP(b[:n], from)
			}
		}
	})
	return w
}

func (f *ferry) stop(port int, cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stops[port] = cut
}

// A tap counts canaries in everything that crosses the machine's loopback.
type tap struct {
	mu      sync.Mutex // Guards what follows.
	words   [][]byte
	packets int
	bytes   int
	hits    map[string]int
}

func (p *tap) look(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packets++
	p.bytes += len(b)
	for _, w := range p.words {
		if bytes.Contains(b, w) {
			p.hits[string(w)]++
		}
	}
}

// listen reads every packet of the loopback interface to or from one of these
// ports. Without the right to it, what crosses the ferry has to do.
func (p *tap) listen(t *testing.T, ports map[int]bool) {
	t.Helper()
	const all = 0x0300 // ETH_P_ALL in network order.
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, all)
	if err != nil {
		t.Logf("no packet capture (%v): only the way to the hub is looked at", err)
		return
	}
	lo, err := net.InterfaceByName("lo")
	must(t, err)
	must(t, syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: all, Ifindex: lo.Index}))
	must(t, syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Usec: 100_000}))
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<20)
	ended := make(chan struct{})
	ctx := t.Context()
	go func() {
		defer close(ended)
		b := make([]byte, 128<<10)
		for ctx.Err() == nil {
			n, _, err := syscall.Recvfrom(fd, b, 0)
			if err == nil && ofPorts(b[:n], ports) {
				p.look(b[:n])
			}
		}
	}()
	t.Cleanup(func() {
		<-ended
		_ = syscall.Close(fd)
	})
}

// ofPorts reports whether an IPv4 packet goes to or comes from one of the ports.
func ofPorts(frame []byte, ports map[int]bool) bool {
	if len(frame) < 14+20 || frame[12] != 8 || frame[13] != 0 {
		return false
	}
	ip := frame[14:]
	head := int(ip[0]&15) * 4
	if len(ip) < head+4 || ip[9] != syscall.IPPROTO_UDP && ip[9] != syscall.IPPROTO_TCP {
		return false
	}
	return ports[int(ip[head])<<8|int(ip[head+1])] || ports[int(ip[head+2])<<8|int(ip[head+3])]
}

// canary is a word that stands nowhere else, in letters that a name may have.
func canary(i int) string {
	word := []byte("Qzcanaryaaaaxv")
	for at := 11; at >= 8; at-- {
		word[at] = byte('a' + i%26)
		i /= 26
	}
	return string(word)
}

// TestOneLinkForAnUpazila cuts every box but one from the hub, with the release
// binary: what all of them filed is accepted, and each box knows it. Nobody on the
// way, and no disk but under its own key, shows a word of any application.
func TestOneLinkForAnUpazila(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	c := newCountry(t)
	watch := &tap{hits: map[string]int{}}
	f := newFerry(t, watch.look)
	centres := eleven()[:sized(6, 11)]
	d := found(ctx, t, 1, nil, "--advertise", f.socket.LocalAddr().String())
	f.mu.Lock()
	hub, err := net.ResolveUDPAddr("udp", d.Servers[0].Ports.QUIC)
	f.hub = hub
	f.mu.Unlock()
	must(t, err)
	for _, centre := range centres {
		_, err := d.AddNode(ctx, centre)
		must(t, err)
	}
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	ports := map[int]bool{hub.Port: true}
	for i, n := range d.Nodes {
		for _, addr := range []string{n.Ports.QUIC, n.Ports.Gossip} {
			at, err := net.ResolveUDPAddr("udp", addr)
			must(t, err)
			ports[at.Port] = true
		}
		if at, err := net.ResolveUDPAddr("udp", n.Ports.QUIC); i > 0 {
			must(t, err)
			f.stop(at.Port, true)
		}
	}
	for _, n := range d.Nodes[1:] {
		must(t, district.Poll(ctx, func() bool { // An idle session is believed for half a minute.
			s, err := n.Sync(ctx)
			return err == nil && s.Hub == nil
		}))
	}
	all, words := newPile(), [][]byte{}
	each := sized(60, 200)/len(d.Nodes) + 1
	for i := range each * len(d.Nodes) {
		words = append(words, []byte(canary(i)))
	}
	watch.mu.Lock()
	watch.words = words
	watch.mu.Unlock()
	watch.listen(t, ports)
	began := time.Now()
	(&canaries{District: d, logins: logins, c: c, all: all}).file(ctx, t, each)
	filed := time.Since(began)
	everywhereAccepted(ctx, t, d)
	t.Logf("%d boxes, one with a link: %d applications filed in %v, accepted and known at every box %v later",
		len(d.Nodes), all.len(), filed.Round(time.Millisecond), (time.Since(began) - filed).Round(time.Millisecond))
	lost, extra := all.count(t, settle(ctx, t, d)) // Ends every process.
	watch.mu.Lock()
	t.Logf("%d packets, %d bytes captured; %d lost, %d extra; canaries in packets: %d", watch.packets, watch.bytes, lost, extra, len(watch.hits))
	if watch.packets == 0 || len(watch.hits) > 0 {
		t.Errorf("canaries %v in %d packets; want none in some", watch.hits, watch.packets)
	}
	watch.mu.Unlock()
	for _, n := range d.Nodes {
		files, hits := search(t, n.Dir, words)
		if files == 0 || hits > 0 {
			t.Errorf("%s: %d canaries in %d files; want none", n.Name, hits, files)
		}
	}
}

// canaries are applications with a word in each that stands nowhere else.
type canaries struct {
	*district.District
	logins []district.Login
	c      *country
	all    *pile
}

// file files the same number of applications at every box.
func (d *canaries) file(ctx context.Context, t *testing.T, each int) {
	t.Helper()
	for i, n := range d.Nodes {
		token, err := n.SignIn(ctx, d.logins[i])
		must(t, err)
		cl := newClient(token)
		for k := range each {
			body, err := d.c.body(n.Centre, uint64(i*each+k))
			must(t, err)
			how, answer := cl.insist(ctx, []string{n.URL() + "/v1/applications"}, api.NewKey(), 0, withCanary(t, body, canary(i*each+k)))
			if how != succeeded {
				t.Fatalf("%s: %s %.300s", n.Name, how, answer)
			}
			must(t, d.all.add(answer))
		}
	}
}

// withCanary puts a word into the applicant's name.
func withCanary(t *testing.T, body []byte, word string) []byte {
	t.Helper()
	const name, applicant = `"name_en":"`, `"applicant":{`
	if out := bytes.Replace(body, []byte(name), []byte(name+word+" "), 1); len(out) > len(body) {
		return out
	}
	out := bytes.Replace(body, []byte(applicant), []byte(applicant+name+word+`",`), 1)
	if len(out) == len(body) {
		t.Fatalf("no applicant in %s", body)
	}
	return out
}

// everywhereAccepted waits until each box itself shows its applications as accepted.
func everywhereAccepted(ctx context.Context, t *testing.T, d *district.District) {
	t.Helper()
	for _, n := range d.Nodes {
		if err := district.Poll(ctx, func() bool {
			s, err := n.Sync(ctx)
			return err == nil && s.Backlog == 0
		}); err != nil {
			s, _ := n.Sync(ctx)
			t.Fatalf("%s is not acknowledged: %+v", n.Name, s)
		}
	}
}

// search counts words in the files of a stopped box, but for those that hold keys.
func search(t *testing.T, dir string, words [][]byte) (files, hits int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || e.Name() == "keys.box" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		for _, w := range words {
			if bytes.Contains(b, w) {
				hits++
				t.Errorf("%s stands in %s", w, name)
			}
		}
		return nil
	}))
	return files, hits
}

// eleven are the first union centres of one upazila.
func eleven() []string {
	list := []string{}
	for _, n := range []string{"17", "22", "27", "32", "37", "41", "46", "51", "56", "61", "66"} {
		list = append(list, "41-61-"+n)
	}
	return list
}

// TestBoxBurnsAfterCopies destroys the disk of a box that reached two neighbours and
// never the hub: every receipted application arrives.
func TestBoxBurnsAfterCopies(t *testing.T) {
	c := newCountry(t)
	for run := range sized(1, 20) {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			ctx := within(t, 3*time.Minute)
			d := found(ctx, t, 1, unions())
			logins, err := d.AddEntrepreneurs(ctx)
			must(t, err)
			d.Servers[0].Kill()
			lost, all := d.Nodes[run%3], newPile()
			token, err := lost.SignIn(ctx, logins[run%3])
			must(t, err)
			cl := newClient(token)
			var numbers []protocol.Number
			for k := range 20 {
				body, err := c.body(lost.Centre, uint64(run*100+k))
				must(t, err)
				how, answer := cl.insist(ctx, []string{lost.URL() + "/v1/applications"}, api.NewKey(), 0, body)
				if how != succeeded {
					t.Fatalf("%s %.300s", how, answer)
				}
				must(t, all.add(answer))
			}
			for n := range all.receipts {
				numbers = append(numbers, n)
			}
			must(t, district.Poll(ctx, func() bool { return replicated(ctx, lost, numbers, 2) }))
			lost.Kill()
			must(t, os.RemoveAll(lost.Dir))
			d.Nodes = append(append([]*district.Node{}, d.Nodes[:run%3]...), d.Nodes[run%3+1:]...)
			must(t, d.Servers[0].Start(ctx))
			must(t, district.Poll(ctx, func() bool { return arrived(ctx, d, numbers) }))
			missing, extra := all.count(t, settle(ctx, t, d))
			t.Logf("20 receipts, the box gone: %d lost, %d extra", missing, extra)
		})
	}
}

// replicated reports whether the box shows k copies of every application.
func replicated(ctx context.Context, n *district.Node, numbers []protocol.Number, k int) bool {
	c := api.NewLocalClient(n.Dir)
	defer c.Close()
	for _, number := range numbers {
		var a api.Tracking
		if err := c.Do(ctx, api.Call{Path: "/v1/track/" + number.String(), Out: &a}); err != nil || a.Custody != api.Replicated(k) {
			return false
		}
	}
	return true
}

// arrived reports whether the hub knows every application.
func arrived(ctx context.Context, d *district.District, numbers []protocol.Number) bool {
	c := api.NewLocalClient(d.Servers[0].Dir)
	defer c.Close()
	for _, number := range numbers {
		var a api.Tracking
		err := c.Do(ctx, api.Call{Path: "/v1/track/" + number.String(), Out: &a})
		if err != nil && strings.Contains(err.Error(), fault.Limited.Error()) {
			pause(ctx, time.Second)
		}
		if err != nil {
			return false
		}
	}
	return true
}
