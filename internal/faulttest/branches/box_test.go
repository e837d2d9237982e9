package branches

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/internal/hubtest"
	"kendro/node"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

var (
	full = flag.Bool("full", false, "run the whole campaigns instead of a slice of each")
	seed = flag.Uint64("seed", 0, "seed of what is drawn; 0 draws one")
)

// A town is three servers and the centres of the country pack.
type town struct {
	t       *testing.T
	group   *hubtest.Group
	dice    *rand.Rand
	sampler *catalogue.Sampler
	service string
	centres []place.Centre
	hash    string
	next    int
}

func newTown(t *testing.T) *town {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d (-seed %d draws the same again)", s, s)
	w := &town{t: t, group: hubtest.New(t, 3), dice: rand.New(rand.NewPCG(s, 1))}
	set := w.group.Leader().Hub.Register().Set()
	var err error
	if w.sampler, err = catalogue.NewSampler(set); err != nil {
		t.Fatal(err)
	}
	if w.hash, err = identity.HashPassword("a word or two"); err != nil {
		t.Fatal(err)
	}
	for _, v := range set.Services() {
		if v.Offline == dcat.Intake && v.OfferedAt(place.Union) {
			w.service = v.ID
		}
	}
	for _, c := range set.Directory.Centres {
		if c.Type == place.Union {
			w.centres = append(w.centres, c.Code)
		}
	}
	return w
}

func (w *town) runs() int {
	if *full {
		return 50
	}
	return 5
}

// A unit is a box's folder, with what its keys are needed for here.
type unit struct {
	*town
	dir    string
	centre place.Centre
	user   string
	filed  *int // Counts what was ever filed at the centre: copies share it.
}

// enrol makes a folder the box of the next centre, which has synced once.
func (w *town) enrol() *unit {
	w.t.Helper()
	w.next++
	u := &unit{town: w, dir: w.t.TempDir(), centre: w.centres[w.next%len(w.centres)], user: "user" + strconv.Itoa(w.next), filed: new(int)}
	leader := w.group.Leader()
	w.group.Do(leader, register.AddUser, register.User{Name: u.user, Role: access.Entrepreneur, Centre: u.centre, Hash: w.hash, From: 1})
	o := node.EnrolOptions{Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}
	if _, err := node.Enrol(w.t.Context(), u.dir, w.group.Token(u.centre), o); err != nil {
		w.t.Fatal(err)
	}
	u.online("users and catalogue", func(c *api.Client) bool {
		return c.Do(w.t.Context(), api.Call{Path: "/readyz"}) == nil
	})
	return u
}

// online runs the box with its link until something holds.
func (u *unit) online(what string, holds func(*api.Client) bool) {
	u.t.Helper()
	var said bytes.Buffer
	n, err := node.Open(u.t.Context(), node.Config{
		Dir: u.dir, HTTP: "127.0.0.1:0", HTTPPlain: true, Listen: "127.0.0.1:0", Clock: time.Now, Logger: slog.New(slog.NewTextHandler(&said, nil)),
	})
	if err != nil {
		u.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	c := api.NewLocalClient(u.dir)
	ok := hubtest.Eventually(func() bool { return holds(c) })
	c.Close()
	cancel()
	if err := <-ended; err != nil {
		u.t.Fatal(err)
	}
	if !ok {
		u.t.Fatalf("%s at %s: waited in vain; the box said\n%s", what, u.centre, said.Bytes()[max(0, said.Len()-4000):])
	}
}

// offline opens the box without a link.
func (u *unit) offline(fn func(*box.Box)) {
	u.t.Helper()
	var e protocol.Enrolment
	var keys struct {
		_                     struct{} `cbor:",toarray"`
		Signing, TLS, Sealing []byte
		Secrets               struct {
			_                      struct{} `cbor:",toarray"`
			Sessions, Blind, Reset [32]byte
		}
	}
	u.read("enrolment.box", &e)
	u.read("keys.box", &keys)
	signer, err := identity.SignerFromSeed(keys.Signing)
	if err != nil {
		u.t.Fatal(err)
	}
	b, err := box.Open(filepath.Join(u.dir, "records"), box.Options{
		Enrolment: e, Signer: signer, Secret: keys.Secrets.Blind[:], Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		u.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	fn(b)
	cancel()
	if err := <-ended; err != nil {
		u.t.Fatal(err)
	}
}

// read decodes a file of the folder behind its SHA-256.
func (u *unit) read(name string, v any) {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.dir, name))
	if err == nil {
		err = protocol.Unmarshal(raw[sha256.Size:], 256<<10, name, v)
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

// file takes n applications in without a link, and returns what was printed.
func (u *unit) file(n int) (printed []*box.Answer) {
	u.t.Helper()
	u.offline(func(b *box.Box) {
		for range n {
			*u.filed++
			body, err := u.sampler.Body(u.service, uint64(*u.filed), u.centre)
			if err != nil {
				u.t.Fatal(err)
			}
			a, wrong, err := b.File(u.t.Context(), box.Request{User: u.user, Key: "key" + strconv.Itoa(*u.filed), Body: body})
			if err != nil || len(wrong) > 0 {
				u.t.Fatal(err, wrong)
			}
			printed = append(printed, a)
		}
	})
	return printed
}

// copyTo copies the box's folder, but for its ballast, as an image of a disk would.
func (u *unit) copyTo(dir string, part string) {
	u.t.Helper()
	if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(u.dir, part))); err != nil {
		u.t.Fatal(err)
	}
}

// sync runs the box with its link until the register has all these receipts, and
// the box shows each as accepted.
func (u *unit) sync(what string, printed []*box.Answer) {
	u.t.Helper()
	u.online(what, func(c *api.Client) bool {
		for _, a := range printed {
			var t api.Tracking
			if err := c.Do(u.t.Context(), api.Call{Path: "/v1/track/" + a.Number.String(), Out: &t}); err != nil || t.Custody != api.Accepted {
				return false
			}
		}
		return true
	})
}

// counted fails unless each receipt is valid and has exactly one case.
func (w *town) counted(centre place.Centre, signer []byte, printed []*box.Answer) {
	w.t.Helper()
	reg := w.group.Leader().Hub.Register()
	cases := map[string]int{}
	if err := reg.ForEachCase(func(c *register.Case) error {
		if c.Centre != centre {
			return nil
		}
		log, at := c.Log, c.At
		if c.Receipt != nil {
			log, at = c.Receipt.Log, c.Receipt.At
		}
		cases[fmt.Sprint(c.Number, log, at.Seq, at.Hash)]++
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	for _, a := range printed {
		k := fmt.Sprint(a.Number, a.Receipt.Log, a.Receipt.At.Seq, a.Receipt.At.Hash)
		if cases[k] != 1 || !a.Receipt.Verify(signer) {
			w.t.Errorf("%s: receipt %v of %v has %d cases", centre, a.Receipt.At.Seq, a.Number, cases[k])
		}
		delete(cases, k)
	}
	if len(cases) > 0 {
		w.t.Errorf("%s: %d cases without a receipt", centre, len(cases))
	}
}
