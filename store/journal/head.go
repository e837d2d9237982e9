package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"sync/atomic"
)

// HEAD says how far the journal is known to reach. It has two slots, written in
// turn, so that a torn write leaves the one before. It is written after each
// commit and synced now and then; before records are taken away it carries the
// intent, synced, so that the cut is finished after a power cut.
const (
	headName  = "HEAD"
	headSlot  = 128
	headPlace = 4096 // The two slots lie in different pages.
)

var headMagic = [8]byte{'K', 'N', 'D', 'R', 'H', 'E', 'D', '1'}

type headState uint32

const (
	steady    headState = iota // The journal reaches at least to seq.
	cutting                    // Whatever follows seq is being removed.
	resetting                  // All segments are being removed.
)

// head is the content of one slot.
type head struct {
	counter uint64
	seq     uint64 // Last durable record.
	first   uint64 // First record that has not been dropped.
	chain   [32]byte
	state   headState
}

func (h *head) encode() []byte {
	b := make([]byte, headSlot)
	copy(b, headMagic[:])
	binary.LittleEndian.PutUint64(b[8:], h.counter)
	binary.LittleEndian.PutUint64(b[16:], h.seq)
	binary.LittleEndian.PutUint64(b[24:], h.first)
	copy(b[32:64], h.chain[:])
	binary.LittleEndian.PutUint32(b[64:], uint32(h.state))
	binary.LittleEndian.PutUint32(b[headSlot-4:], crc32.Checksum(b[:headSlot-4], castagnoli))
	return b
}

func decodeHead(b []byte) (h head, ok bool) {
	if len(b) != headSlot || !bytes.Equal(b[:8], headMagic[:]) ||
		binary.LittleEndian.Uint32(b[headSlot-4:]) != crc32.Checksum(b[:headSlot-4], castagnoli) {
		return h, false
	}
	h.counter = binary.LittleEndian.Uint64(b[8:])
	h.seq = binary.LittleEndian.Uint64(b[16:])
	h.first = binary.LittleEndian.Uint64(b[24:])
	copy(h.chain[:], b[32:64])
	h.state = headState(binary.LittleEndian.Uint32(b[64:]))
	return h, h.first > 0 && h.seq+1 >= h.first && h.state <= resetting
}

// slots is what HEAD says when its two slots are read.
type slots struct {
	head       // The newer one that holds.
	known bool // There is one.
	torn  bool // The other has something in it that isn't what was written.
}

// readHead reads both slots.
func readHead(f File) (slots, error) {
	var s slots
	good := 0
	for slot := range int64(2) {
		b := make([]byte, headSlot)
		if err := readFull(f, b, slot*headPlace); err != nil {
			return slots{}, err
		}
		h, ok := decodeHead(b)
		switch {
		case !ok:
			s.torn = s.torn || len(bytes.Trim(b, "\x00")) > 0
			continue
		case !s.known || h.counter > s.counter:
			s.head, s.known = h, true
		}
		good++
	}
	s.torn = s.torn || good == 1 && s.counter > 1 // An empty slot was written by then.
	return s, nil
}

// headFile is HEAD, open.
type headFile struct {
	file    File
	counter uint64
	dirty   atomic.Bool // Written since the last sync.
}

// openHead opens HEAD, making it where there is none, and reads it.
func openHead(d Disk, dir string) (*headFile, slots, error) {
	name := filepath.Join(dir, headName)
	f, err := d.Open(name, false)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = d.Open(name, true); err == nil {
			_, err = f.WriteAt(make([]byte, 2*headPlace), 0) // Room that a full disk can't refuse later.
			err = errors.Join(err, f.Sync(), d.SyncDir(dir))
		}
	}
	if err != nil {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		return nil, slots{}, err
	}
	s, err := readHead(f)
	if err != nil {
		return nil, slots{}, errors.Join(err, f.Close())
	}
	return &headFile{file: f, counter: s.counter}, s, nil
}

// write puts h into the older slot.
func (f *headFile) write(h head) error {
	f.counter++
	h.counter = f.counter
	_, err := f.file.WriteAt(h.encode(), int64(f.counter%2)*headPlace)
	f.dirty.Store(true)
	return err
}

// sync makes the newest write durable unless another call has begun to.
func (f *headFile) sync() error {
	if !f.dirty.Swap(false) {
		return nil
	}
	return f.file.Sync()
}

// put writes h and returns when it is durable.
func (f *headFile) put(h head) error {
	if err := f.write(h); err != nil {
		return err
	}
	f.dirty.Store(false)
	return f.file.Sync()
}
