package node

import (
	"maps"
	"slices"
	"sync"

	"kendro/protocol"
	"kendro/replication"
)

// A library passes the catalogue on to neighbours without a link. The newest blocks
// stay in memory as their server signed them; what a neighbour lacks beyond those, a
// server is asked for again. It may be used concurrently.
type library struct {
	mu      sync.Mutex // Guards all below.
	readers map[uint64]*reader
	hubs    map[uint64]replication.Line
	run     []volume // Each begins where the one before ends, or before that.
	bytes   int
}

// A volume is a block and the certificate of the server that signed it.
type volume struct {
	block protocol.Block
	cert  []byte
}

// A reader is one neighbour's session.
type reader struct {
	head   protocol.Head // How far the neighbour is.
	behind bool          // It began behind this box.
	grew   func(protocol.Head)
}

// maxLibrary bounds the bytes of the blocks in memory: a catalogue has some hundred
// KiB. A longer one is asked for again.
const maxLibrary = 1 << 20

func newLibrary() *library {
	return &library{readers: map[uint64]*reader{}, hubs: map[uint64]replication.Line{}}
}

// open begins to serve a neighbour from where it is. behind says that this box holds the
// same log and more of it: whoever claims another place would end the log in the
// sessions with servers.
func (l *library) open(session uint64, at protocol.Head, behind bool, grew func(protocol.Head)) {
	l.mu.Lock()
	l.readers[session] = &reader{head: at, behind: behind, grew: grew}
	if behind && !l.covers(at) {
		for _, line := range l.hubs {
			line.Wish(at)
		}
	}
	end, ok := l.end()
	l.mu.Unlock()
	if ok && end.At.Seq > at.At.Seq {
		grew(end)
	}
}

// covers reports whether the blocks here go on from where a reader is. The caller
// holds mu.
func (l *library) covers(at protocol.Head) bool {
	return len(l.run) > 0 && l.run[0].block.Header.Log == at.Log && l.run[0].block.Header.First <= at.At.Seq+1
}

// end is how far the blocks here go. The caller holds mu.
func (l *library) end() (protocol.Head, bool) {
	if len(l.run) == 0 {
		return protocol.Head{}, false
	}
	h := &l.run[len(l.run)-1].block.Header
	return protocol.Head{Log: h.Log, At: protocol.Position{Seq: h.Last, Hash: h.End}}, true
}

func (l *library) close(session uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.readers, session)
}

// hub adds a session with a server: it may have what readers wait for.
func (l *library) hub(session uint64, line replication.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hubs[session] = line
	for _, id := range slices.Sorted(maps.Keys(l.readers)) {
		if r := l.readers[id]; r.behind && !l.covers(r.head) {
			line.Wish(r.head)
		}
	}
}

func (l *library) hubLeft(session uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hubs, session)
}

// add keeps a block that was verified and is durable here, and tells the readers.
func (l *library) add(b *protocol.Block, cert []byte) {
	l.mu.Lock()
	end, ok := l.end()
	switch h := &b.Header; {
	case !ok || h.Log != end.Log || h.First > end.At.Seq+1 || h.First < l.run[0].block.Header.First:
		l.run, l.bytes = nil, 0 // It begins anew: the blocks that follow come as well.
	case h.Last <= end.At.Seq:
		l.mu.Unlock()
		return
	}
	l.run, l.bytes = append(l.run, volume{*b, cert}), l.bytes+len(b.Body)
	for l.bytes > maxLibrary && len(l.run) > 1 {
		l.bytes -= len(l.run[0].block.Body)
		l.run = slices.Delete(l.run, 0, 1)
	}
	end, _ = l.end()
	var tell []func(protocol.Head)
	for _, id := range slices.Sorted(maps.Keys(l.readers)) {
		tell = append(tell, l.readers[id].grew)
	}
	l.mu.Unlock()
	for _, grew := range tell {
		grew(end)
	}
}

// load returns blocks after a position, and who signed them: those that follow one
// another under one certificate, in codecs that the reader knows.
func (l *library) load(log protocol.LogID, from protocol.Position, reads protocol.Codecs) (epochs []protocol.Epoch, blocks []protocol.Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, cert := from.Seq+1, []byte(nil)
	for i := range l.run {
		h := &l.run[i].block.Header
		if h.Log != log || h.Last < next {
			continue
		}
		if h.First > next || !reads.Reads(h.Codec) || cert != nil && !slices.Equal(cert, l.run[i].cert) {
			break
		}
		cert = l.run[i].cert
		blocks, next = append(blocks, l.run[i].block), h.Last+1
	}
	if len(blocks) > 0 {
		epochs = []protocol.Epoch{protocol.Voucher(cert)}
	}
	return epochs, blocks
}

// taken notes how far a neighbour is.
func (l *library) taken(session uint64, h protocol.Head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.readers[session]; r != nil && r.head.Log == h.Log && h.At.Seq > r.head.At.Seq {
		r.head = h
	}
}
