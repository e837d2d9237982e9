package box

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"kendro/identity"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// A letter is what the parent tells the child whose box is killed.
type letter struct {
	Dir       string
	Enrolment protocol.Enrolment
	Seed      []byte // Of the signing key.
	Secret    []byte
	From      uint64
	Bodies    [][]byte
}

const letterVar = "KENDRO_TEST_LETTER"

// TestKilledChild is the child: it takes applications until it is killed, and
// says what it answered.
func TestKilledChild(t *testing.T) {
	name := os.Getenv(letterVar)
	if name == "" {
		t.Skip("runs only as the child of TestKill")
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var l letter
	if err := json.Unmarshal(raw, &l); err != nil {
		t.Fatal(err)
	}
	signer, err := identity.SignerFromSeed(l.Seed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(l.Dir, Options{
		Enrolment: l.Enrolment, Signer: signer, Secret: l.Secret, Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { fmt.Println("ended", b.Run(context.Background())) }() // It ends with the process.
	var mu sync.Mutex
	next := l.From
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				mu.Lock()
				seed := next
				next++
				mu.Unlock()
				r := Request{User: nodetest.Person, Key: "key-" + strconv.FormatUint(seed, 10), Body: l.Bodies[seed%uint64(len(l.Bodies))]}
				a, wrong, err := b.File(context.Background(), r)
				if err != nil || len(wrong) > 0 {
					fmt.Println("failed", err, wrong)
					return
				}
				mu.Lock()
				fmt.Printf("took %d %s %d %s\n", seed, a.Number, a.Receipt.At.Seq, a.Receipt.At.Hash)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestKill kills a box in the middle of its work, ten times. Every answer that
// anybody got stands afterwards, byte for byte.
func TestKill(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.stop()
	l := letter{Dir: c.dir, Enrolment: c.o.Enrolment, Seed: c.o.Signer.Seed(), Secret: c.o.Secret}
	for i := range uint64(50) {
		l.Bodies = append(l.Bodies, c.request(i).Body)
	}
	total := 0
	for range 10 {
		took := killOne(t, &l)
		total += len(took)
		c.start()
		for seed, want := range took {
			r := Request{User: nodetest.Person, Key: "key-" + strconv.FormatUint(seed, 10), Body: l.Bodies[seed%uint64(len(l.Bodies))]}
			a, _, err := c.File(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %d %s", a.Number, a.Receipt.At.Seq, a.Receipt.At.Hash); got != want {
				t.Fatalf("application %d is %s; the child answered %s", seed, got, want)
			}
			l.From = max(l.From, seed+1)
		}
		l.From += 10 // Those that were on their way when it died.
		c.stop()
	}
	if total == 0 {
		t.Fatal("the child never answered anything")
	}
	t.Logf("%d answers survived 10 kills", total)
}

func killOne(t *testing.T, l *letter) map[uint64]string {
	t.Helper()
	raw, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestKilledChild$", "-test.v")
	child.Env = append(os.Environ(), letterVar+"="+name)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	took := map[uint64]string{}
	after := 20 + rand.IntN(200)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var seed uint64
		var number, hash string
		var seq uint64
		if n, _ := fmt.Sscanf(lines.Text(), "took %d %s %d %s", &seed, &number, &seq, &hash); n == 4 && len(hash) == 64 {
			took[seed] = fmt.Sprintf("%s %d %s", number, seq, hash)
		} else if len(lines.Text()) > 6 && lines.Text()[:6] == "failed" {
			t.Errorf("child: %s", lines.Text())
		}
		if len(took) == after {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // Killed, as intended.
	return took
}
