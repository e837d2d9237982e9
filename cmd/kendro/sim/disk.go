package sim

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"kendro/domain/fault"
	"kendro/store/journal"
)

// sector is what a disk writes whole.
const sector = 512

// errDead is what a disk without power answers.
var errDead = errors.New("the power is cut")

// A disk is one box's. It keeps what was written apart from what was synced, so
// that a power cut can take any part of the difference.
type disk struct {
	rand   *rand.Rand
	names  map[string]*inode // As processes see them.
	stable map[string]*inode // As they are after a power cut …
	moves  []move            // … with as many of these as were lucky.
	fuse   int               // Calls until the power is cut; below 0: none is planned.
	dead   bool
	locked map[string]bool
	lie    bool // A planted fault: sync answers, and syncs nothing.
	calls  int
}

// An inode is a file's content.
type inode struct {
	data    []byte
	synced  []byte
	pending []patch
}

type patch struct {
	at int64
	b  []byte
}

// A move is a change of the folder that was not synced. An empty to removes, an
// empty from creates.
type move struct {
	from, to string
	node     *inode
}

func newDisk(r *rand.Rand) *disk {
	return &disk{rand: r, names: map[string]*inode{}, stable: map[string]*inode{}, fuse: -1, locked: map[string]bool{}}
}

// spend counts a call, and cuts the power when it is time.
func (d *disk) spend() error {
	if d.dead {
		return errDead
	}
	d.calls++
	if d.fuse == 0 {
		d.dead = true
		return errDead
	}
	if d.fuse > 0 {
		d.fuse--
	}
	return nil
}

// reboot ends all processes. Without power whatever was not synced is lost, or
// torn, or there; else it is there.
func (d *disk) reboot(power bool) {
	if power {
		d.cut()
	}
	d.dead, d.fuse = false, -1
	clear(d.locked)
}

func (d *disk) cut() {
	kept := len(d.moves)
	if kept > 0 {
		kept = d.rand.IntN(kept + 1) // A folder's changes are kept in their order.
	}
	for _, m := range d.moves[:kept] {
		m.apply(d.stable)
	}
	d.moves = nil
	for _, name := range slices.Sorted(maps.Keys(d.stable)) {
		d.stable[name].lose(d.rand)
	}
	d.names = maps.Clone(d.stable)
}

// lose keeps any part of what was not synced.
func (f *inode) lose(r *rand.Rand) {
	for _, p := range f.pending {
		switch r.IntN(4) {
		case 0: // Lost.
		case 1: // Torn: some of its sectors, and the last of them perhaps not whole.
			for at := int64(0); at < int64(len(p.b)); at += sector {
				end := min(at+sector, int64(len(p.b)))
				if r.IntN(8) == 0 {
					end = at + r.Int64N(end-at+1)
				}
				if r.IntN(2) == 0 {
					f.synced = overlay(f.synced, p.at+at, p.b[at:end])
				}
			}
		default:
			f.synced = overlay(f.synced, p.at, p.b)
		}
	}
	f.pending = nil
	f.data = slices.Clone(f.synced)
}

func overlay(data []byte, at int64, b []byte) []byte {
	if need := at + int64(len(b)); need > int64(len(data)) {
		data = append(data, make([]byte, need-int64(len(data)))...)
	}
	copy(data[at:], b)
	return data
}

func (m *move) apply(names map[string]*inode) {
	if m.from != "" {
		delete(names, m.from)
	}
	if m.to != "" {
		names[m.to] = m.node
	}
}

// image is a copy of the whole disk, as a backup would be.
func (d *disk) image() map[string][]byte {
	out := map[string][]byte{}
	for name, f := range d.names {
		out[name] = slices.Clone(f.data)
	}
	return out
}

// restore puts an image in place of what is there.
func (d *disk) restore(image map[string][]byte) {
	d.names, d.moves = map[string]*inode{}, nil
	for name, b := range image {
		d.names[name] = &inode{data: slices.Clone(b), synced: slices.Clone(b)}
	}
	d.stable = maps.Clone(d.names)
	d.reboot(false)
}

func (d *disk) Open(name string, create bool) (journal.File, error) {
	f := d.names[name]
	if create {
		if f != nil {
			return nil, fs.ErrExist
		}
		if err := d.spend(); err != nil {
			return nil, err
		}
		f = &inode{}
		d.names[name] = f
		d.moves = append(d.moves, move{to: name, node: f})
	}
	if d.dead {
		return nil, errDead
	}
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return &file{d, f}, nil
}

func (d *disk) Rename(from, to string) error {
	f := d.names[from]
	if f == nil {
		return fs.ErrNotExist
	}
	return d.move(move{from: from, to: to, node: f})
}

func (d *disk) Remove(name string) error {
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	return d.move(move{from: name})
}

func (d *disk) move(m move) error {
	if err := d.spend(); err != nil {
		return err
	}
	m.apply(d.names)
	d.moves = append(d.moves, m)
	return nil
}

func (d *disk) SyncDir(string) error {
	if err := d.spend(); err != nil {
		return err
	}
	for _, m := range d.moves { // As a journalling file system does, of all folders.
		m.apply(d.stable)
	}
	d.moves = nil
	return nil
}

func (d *disk) Make(string) error {
	if d.dead {
		return errDead
	}
	return nil
}

func (d *disk) List(dir string) (names []string, err error) {
	for name := range d.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) Lock(dir string) (io.Closer, error) {
	if d.locked[dir] {
		return nil, fault.New("sim.Lock", fault.Conflict, dir, "it is open elsewhere")
	}
	d.locked[dir] = true
	return unlock(func() { delete(d.locked, dir) }), nil
}

type unlock func()

func (u unlock) Close() error { u(); return nil }

func (d *disk) Size(name string) (int64, error) {
	f := d.names[name]
	if f == nil {
		return 0, fs.ErrNotExist
	}
	return int64(len(f.data)), nil
}

func (d *disk) ReadFile(name string) ([]byte, error) {
	f := d.names[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(f.data), nil
}

// WriteFile writes beside, syncs, renames and syncs the folder.
func (d *disk) WriteFile(name string, b []byte) error {
	beside := name + ".new"
	delete(d.names, beside)
	f, err := d.Open(beside, true)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	return errors.Join(f.Sync(), d.Rename(beside, name), d.SyncDir(filepath.Dir(name)))
}

// file is an open file.
type file struct {
	d *disk
	f *inode
}

func (o *file) ReadAt(b []byte, at int64) (int, error) {
	if o.d.dead {
		return 0, errDead
	}
	if at >= int64(len(o.f.data)) {
		return 0, io.EOF
	}
	n := copy(b, o.f.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (o *file) WriteAt(b []byte, at int64) (int, error) {
	alive := !o.d.dead
	err := o.d.spend()
	if alive { // Also the write that the cut meets may have got somewhere.
		o.f.data = overlay(o.f.data, at, b)
		o.f.pending = append(o.f.pending, patch{at, slices.Clone(b)})
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (o *file) Sync() error {
	if err := o.d.spend(); err != nil {
		return err
	}
	if o.d.lie {
		return nil
	}
	for _, p := range o.f.pending {
		o.f.synced = overlay(o.f.synced, p.at, p.b)
	}
	o.f.pending = o.f.pending[:0]
	return nil
}

func (o *file) Close() error { return nil }
