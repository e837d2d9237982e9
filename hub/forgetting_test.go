package hub_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/internal/hubtest"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/bundle"
	"kendro/replication/link"
)

// holding returns the files of a server's folder in which one of some texts stands.
func holding(t *testing.T, dir string, texts ...[]byte) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // A running server takes files away.
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := written(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, text := range texts {
			if err == nil && bytes.Contains(raw, text) {
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// written reads a file without its holes, which the database leaves in plenty.
func written(path string) (all []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for end := int64(0); ; {
		from, err := f.Seek(end, unix.SEEK_DATA)
		if err != nil {
			if errors.Is(err, unix.ENXIO) { // There is no more.
				err = nil
			}
			return all, err
		}
		if end, err = f.Seek(from, unix.SEEK_HOLE); err != nil {
			return all, err
		}
		part := make([]byte, end-from)
		if _, err = f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return all, err
		}
		all = append(all, part...)
	}
}

// TestRow36NothingLiesOnAServersDisk: before a server has swept, what was erased lies in its
// register's files and in Raft's log; afterwards in no file of any server, though nothing was
// encrypted. The register goes on, and servers agree, stop and start again.
func TestRow36NothingLiesOnAServersDisk(t *testing.T) {
	t.Parallel()
	meets := &meeting{}
	g := hubtest.With(t, hubtest.Options{Voters: 3, Tune: func(_ int, c *hub.Config) { c.SetClear(); c.SetStep(meets.step) }})
	officer := func(name, role string, seat place.Seat) {
		g.Do(g.Leader(), register.AddUser, register.User{
			Name: name, Role: access.Role(role), Seat: seat, From: 1,
			Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		})
	}
	officer("dc", "officer", place.Seat{Post: "dc", Office: "dc-41"})
	officer("adc", "officer", place.Seat{Post: "adc-general", Office: "dc-41"})
	officer("clerk", "clerk", place.Seat{Post: "dc-front-desk", Office: "dc-41"})
	do := func(id, who string, m register.Method, body any) register.Result {
		t.Helper()
		res, err := g.Leader().Hub.Do(t.Context(), register.NewCommand(id, who, m, body))
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		return res
	}
	b := g.Enrol(centre)
	scans := b.Scans()
	scan := scans.Scan(1, 30<<10)
	n := b.FileWith(scan)
	old := stick(t, b, scans)
	drain(t, g, b, g.Follower().Addr)
	stop := scans.Send(g.Follower().Addr)
	for _, s := range g.Servers {
		holds(t, g, s, scan.Hash, scans.Content(scan.Hash))
	}
	stop()
	letter := aLetter(t, g, 1, nil)
	var e register.Entered
	entered := do("letter", "clerk", register.Enter, letter)
	if err := entered.Decode(&e); err != nil {
		t.Fatal(err)
	}
	end := register.Entering{Request: protocol.Hash{2}, Event: protocol.Event{
		Kind: protocol.Withdrawn, Number: e.Number, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "of the canary"}),
	}}
	do("ended", "clerk", register.Enter, &end)
	b.FileEvent(&protocol.Event{Kind: protocol.Withdrawn, Number: n, Nonce: make([]byte, protocol.NonceSize), At: time.Now().UnixMilli(), Actor: "rahima", Payload: protocol.Marshal(&protocol.Withdrawal{})})
	drain(t, g, b, g.Follower().Addr)
	_, sub, err := submission(g.Leader().Hub.Register(), n)
	if err != nil {
		t.Fatal(err)
	}
	var typed protocol.Submission
	if err := letter.Event.Decode(&typed); err != nil {
		t.Fatal(err)
	}
	canaries := [][]byte{sub.Applicant, sub.Form, typed.Applicant, typed.Form, []byte("of the canary")}

	erase := func(n ...protocol.Number) {
		t.Helper()
		for _, one := range n {
			g.Dismiss(one)
		}
		do("order "+n[0].String(), "dc", register.OrderErasure, &register.ErasureOrder{Numbers: n, Basis: "the law", Reason: "asked for"})
		do("confirm "+n[0].String(), "adc", register.ConfirmErasure, &register.ErasureWord{Number: n[0]})
	}
	erase(n, e.Number)
	g.Agree()
	for _, s := range g.Servers {
		g.Wait("the document to go", func() bool { return !s.Hub.Holds(scan.Hash) })
		if err := s.Hub.Snapshot(); err != nil {
			t.Fatal(err)
		}
		if len(holding(t, s.Dir, canaries...)) == 0 {
			t.Error("nothing lay on the disk before: the test looks at nothing")
		}
		found := []byte("\x18\x7e\xa5\x01") // A Sought in the command that confirms.
		if len(holding(t, s.Dir, found)) == 0 {
			t.Error("the leader has not looked before the entry")
		}
	}
	sweeps(t, g)
	for _, s := range g.Servers {
		if left := holding(t, s.Dir, canaries...); len(left) > 0 {
			t.Errorf("it still lies in %v", left)
		}
	}
	sticksOfBefore(t, g, b, before{old, scan.Hash, canaries})
	for _, bySnapshot := range []bool{true, false} {
		comesBack(t, g, comeback{b, meets, erase, bySnapshot})
	}
	b.File(2)
	drain(t, g, b, g.Leader().Addr)
	g.Agree()
	o, err := g.Leader().Hub.Register().Erasure(n)
	if err != nil {
		t.Fatal(err)
	}
	list, err := g.Leader().Hub.Register().ErasedAtServers(o)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	for _, f := range list {
		if f.Done == 0 {
			t.Errorf("server %s is not said to have done it", f.Name)
		}
	}
	for _, s := range g.Servers {
		g.Stop(s)
		if left := holding(t, s.Dir, canaries...); len(left) > 0 {
			t.Errorf("after a stop it lies in %v", left)
		}
		g.Start(s)
	}
	g.Settle()
	g.Agree()
	if st := g.Leader().Hub.Register().Stats(); st.Cases != 7 || st.Erased != 4 {
		t.Errorf("%d cases, %d erased; want 7 and 4", st.Cases, st.Erased)
	}
}

// sweeps has every server rid its folder of what was erased.
func sweeps(t *testing.T, g *hubtest.Group) {
	t.Helper()
	var all sync.WaitGroup
	for _, s := range g.Servers {
		if s.Hub != nil {
			all.Go(func() { sweep(t, s) })
		}
	}
	all.Wait()
}

func sweep(t *testing.T, s *hubtest.Server) {
	t.Helper()
	if !hubtest.Eventually(func() bool {
		err := hub.Sweep(t.Context(), s.Hub)
		if err != nil && fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
		return err == nil
	}) {
		t.Error("a server has not swept")
	}
}

// stick is what a box brings by hand, from the beginning of its log on.
func stick(t *testing.T, b *hubtest.Box, papers link.PaperSource) []byte {
	t.Helper()
	raw := bytes.NewBufferString(bundle.Magic)
	o := bundle.Order{Peer: replication.Peer{Subject: identity.Subject{District: hubtest.District, Role: identity.RoleServer}}, Papers: papers}
	if err := bundle.Export(t.Context(), b, o, raw); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}

// sealedOn are the bodies of a stick's blocks, as they would lie on a disk.
func sealedOn(t *testing.T, stick []byte) (list [][]byte) {
	t.Helper()
	for file := bundle.Read(bytes.NewReader(stick)); ; {
		m, err := file.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Block != nil {
			list = append(list, m.Block.Body)
		}
	}
}

// before is what there was of somebody before the order.
type before struct {
	stick []byte
	scan  protocol.Hash
	texts [][]byte
}

// sticksOfBefore has a stick of before the order brought, which holds nothing new, and, while nobody
// leads, one whose only block begins before what was erased and ends with a new application. The
// application becomes a case; the block lies in a server's copies and in Raft's log, sealed,
// until each has swept once more, and in no file afterwards.
func sticksOfBefore(t *testing.T, g *hubtest.Group, b *hubtest.Box, was before) {
	t.Helper()
	r, err := hub.NewMail(g.Follower().Hub).Import(t.Context(), bytes.NewReader(was.stick))
	if err != nil || r.Events != 0 || r.Known == 0 || r.Documents != 0 || len(r.RefusedDocuments) != 1 {
		t.Errorf("the stick of before: %+v, %v; want nothing new, and the document refused", r, err)
	}
	b.File(1)
	late := stick(t, b, nil)
	sealed := sealedOn(t, late)
	if len(sealed) != 1 {
		t.Fatalf("%d blocks; want one that goes on behind what was erased", len(sealed))
	}
	alone := g.Follower()
	for _, s := range g.Servers {
		if s != alone {
			g.Stop(s)
		}
	}
	g.Wait("nobody to lead", func() bool { return alone.Hub.Status().Leader == "" })
	if r, err = hub.NewMail(alone.Hub).Import(t.Context(), bytes.NewReader(was.stick)); err != nil || r.Events != 0 {
		t.Errorf("the stick of before, without a leader: %+v, %v", r, err)
	}
	g.Wait("the block to be held", func() bool {
		r, err = hub.NewMail(alone.Hub).Import(t.Context(), bytes.NewReader(late))
		return err == nil && r.Events == 1
	})
	if len(holding(t, filepath.Join(alone.Dir, "held"), sealed...)) == 0 {
		t.Error("the block is not held: the test looks at nothing")
	}
	for _, s := range g.Servers {
		if s != alone {
			g.Start(s)
		}
	}
	g.Wait("the application to be a case", func() bool {
		at, err := alone.Hub.Register().LogHead(b.Log)
		return err == nil && at.Seq == b.Filed()
	})
	g.Wait("the copy to go", func() bool { return len(holding(t, filepath.Join(alone.Dir, "held"), sealed...)) == 0 })
	g.Agree()
	for _, s := range g.Servers {
		if s.Hub.Holds(was.scan) {
			t.Error("the document is here again")
		}
		if upTo, err := hub.Unswept(s.Hub); err != nil || upTo == 0 {
			t.Errorf("server %s has nothing to sweep, %v; Raft's log holds the block", s.Addr, err)
		}
		if len(holding(t, s.Dir, sealed...)) == 0 {
			t.Error("the block lies in no file: the test looks at nothing")
		}
	}
	sweeps(t, g)
	for _, s := range g.Servers {
		if left := holding(t, s.Dir, append(sealed, was.texts...)...); len(left) > 0 {
			t.Errorf("after the stick it lies in %v", left)
		}
	}
}

// comesBack has the folder of a server, copied before an order, put in its place after it: either
// where the others have cut Raft's log, so that it is sent a snapshot, which comes while it writes
// its register anew; or where it is told by the log, and the register has its own word that
// it had swept already. It forgets, and brings nothing back.
func comesBack(t *testing.T, g *hubtest.Group, how comeback) {
	t.Helper()
	n := how.box.File(1)[0]
	how.box.FileEvent(&protocol.Event{Kind: protocol.Withdrawn, Number: n, Nonce: make([]byte, protocol.NonceSize), At: time.Now().UnixMilli(), Actor: "rahima", Payload: protocol.Marshal(&protocol.Withdrawal{})})
	drain(t, g, how.box, g.Leader().Addr)
	g.Agree()
	_, sub, err := submission(g.Leader().Hub.Register(), n)
	if err != nil {
		t.Fatal(err)
	}
	s, older := g.Follower(), filepath.Join(t.TempDir(), "older")
	if err := s.Hub.Snapshot(); err != nil {
		t.Fatal(err)
	}
	g.Stop(s)
	if err := hub.CopyFolder(older, s.Dir); err != nil {
		t.Fatal(err)
	}
	if how.bySnapshot {
		how.erase(n)
		sweeps(t, g)
	} else {
		g.Start(s)
		g.Settle()
		how.erase(n)
		g.Agree()
		sweep(t, s)
		g.Stop(s)
	}
	if err := errors.Join(os.RemoveAll(s.Dir), os.Rename(older, s.Dir)); err != nil {
		t.Fatal(err)
	}
	if len(holding(t, s.Dir, sub.Applicant, sub.Form)) == 0 {
		t.Error("nothing lies in the folder of before: the test looks at nothing")
	}
	how.expect(how.bySnapshot)
	g.Start(s)
	installed := s.Hub.Status().Installed
	if how.bySnapshot {
		if err := how.rewrites(t, g, s); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("its register was written anew with %v; want unavailable, since another came meanwhile", err)
		}
	}
	g.Settle()
	g.Agree()
	if got := s.Hub.Status().Installed > installed; got != how.bySnapshot {
		t.Errorf("it was sent a snapshot: %v; want %v", got, how.bySnapshot)
	}
	if upTo, err := hub.Unswept(s.Hub); err != nil || upTo == 0 {
		t.Errorf("it has nothing to sweep, %v; its folder is one of before", err)
	}
	sweeps(t, g)
	for _, s := range g.Servers {
		if left := holding(t, s.Dir, sub.Applicant, sub.Form); len(left) > 0 {
			t.Errorf("with a folder of before put back, by a snapshot %v, it lies in %v", how.bySnapshot, left)
		}
		if c, err := s.Hub.Register().Case(n); err != nil || c.Erased == 0 {
			t.Errorf("the case is %+v, %v", c, err)
		}
	}
}

// A comeback is how a folder of before is put back.
type comeback struct {
	box *hubtest.Box
	*meeting
	erase      func(n ...protocol.Number)
	bySnapshot bool
}

// A meeting has a snapshot come to a server while its register is written anew.
type meeting struct {
	mu       sync.Mutex    // Guards what follows.
	writing  chan struct{} // Closed once its register is being written anew; nil: nobody waits.
	released chan struct{} // Closed once the snapshot is installed.
}

func (m *meeting) expect(soon bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writing, m.released = nil, nil
	if soon {
		m.writing, m.released = make(chan struct{}), make(chan struct{})
	}
}

// step has the two wait for each other.
func (m *meeting) step(point string) {
	m.mu.Lock()
	writing, released := m.writing, m.released
	m.mu.Unlock()
	switch {
	case writing == nil:
	case point == "before the import":
		<-writing
	case point == "before the register is written anew":
		close(writing)
		<-released
	}
}

// rewrites has a server write its register anew until it has installed what it is sent.
func (m *meeting) rewrites(t *testing.T, g *hubtest.Group, s *hubtest.Server) error {
	t.Helper()
	installed, ended := s.Hub.Status().Installed, make(chan error, 1)
	go func() { ended <- hub.WriteAnew(t.Context(), s.Hub) }()
	g.Wait("a snapshot to be installed", func() bool { return s.Hub.Status().Installed > installed })
	close(m.released)
	err := <-ended
	m.expect(false)
	return err
}

func submission(reg *register.Register, n protocol.Number) (protocol.Event, protocol.Submission, error) {
	c, err := reg.Case(n)
	if err != nil {
		return protocol.Event{}, protocol.Submission{}, err
	}
	return reg.Submission(c)
}
