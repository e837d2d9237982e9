package gossip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kendro/replication/gossip"
)

// freePort is a UDP port that is free just now.
func freePort(t *testing.T) uint16 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// eavesdrop hears what is called on a port of the loopback, as any program can.
func eavesdrop(t *testing.T, port uint16) net.PacketConn {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) })
		return errors.Join(err, set)
	}}
	conn, err := lc.ListenPacket(t.Context(), "udp", fmt.Sprintf(":%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestBoxesOfOneLANFindEachOther starts boxes that no hub has told of each other, on
// one network with a stranger who has another key, sends on what he hears, and floods.
func TestBoxesOfOneLANFindEachOther(t *testing.T) {
	u := newUpazila(3)
	port := freePort(t)
	ear := eavesdrop(t, port)
	stranger := &centre{name: "C9", signer: u.centres[0].signer, beacon: port}
	for _, c := range u.centres {
		c.beacon = port
	}
	u.start(t, u.centres[0], u.key)
	u.start(t, u.centres[1], u.key)
	u.start(t, stranger, bytes.Repeat([]byte{8}, gossip.KeySize))
	for i, c := range u.centres[:2] {
		eventually(t, c.name+" finds the other", func() bool { return slices.Equal(alive(c.g), []string{u.centres[1-i].name}) })
	}
	u.centres[1].grow(3, u.centres[1].signer)
	eventually(t, "a head to be heard", func() bool { return head(u.centres[0].g, "C1") == 3 })

	all := &net.UDPAddr{IP: net.IPv4(127, 255, 255, 255), Port: int(port)}
	packet := make([]byte, 2048)
	for range 8 {
		if err := ear.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := ear.ReadFrom(packet)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"C0", "C1", "127.0.0.1", "kendro"} {
			if bytes.Contains(packet[:n], []byte(secret)) {
				t.Errorf("a call shows %q: %x", secret, packet[:n])
			}
		}
		if _, err := ear.WriteTo(packet[:n], all); err != nil { // From another address, and again.
			t.Fatal(err)
		}
	}
	for i := range 2000 {
		if _, err := ear.WriteTo(bytes.Repeat([]byte{byte(i)}, i%200), all); err != nil {
			t.Fatal(err)
		}
	}
	u.start(t, u.centres[2], u.key) // It finds the others all the same.
	for _, c := range u.centres {
		eventually(t, c.name+" sees both", func() bool { return len(alive(c.g)) == 2 })
	}
	if got := stranger.g.Peers(); got != nil {
		t.Errorf("the stranger found %v", got)
	}
	for _, c := range u.centres {
		if c.called.Out.Load() == 0 || c.called.In.Load() == 0 {
			t.Errorf("%s counts %d bytes out, %d in; want both", c.name, c.called.Out.Load(), c.called.In.Load())
		}
	}
}

// TestNoBeaconWhereItIsOff: a box without hears nobody and is not heard.
func TestNoBeaconWhereItIsOff(t *testing.T) {
	u := newUpazila(3)
	port := freePort(t)
	u.centres[0].beacon, u.centres[1].beacon = port, port
	for _, c := range u.centres {
		u.start(t, c, u.key)
	}
	for _, c := range u.centres[:2] {
		eventually(t, c.name+" finds the other", func() bool { return len(alive(c.g)) == 1 })
	}
	if got := u.centres[2].g.Peers(); got != nil || u.centres[2].called.Out.Load() != 0 {
		t.Errorf("the box without a beacon found %v", got)
	}
}

// machine is the variable by which a run of this test knows which machine it is.
const machine = "KENDRO_TEST_MACHINE"

// TestTwoMachines joins two network namespaces by a cable. Neither has a default
// route, and neither was told of the other. Then the second gets another address.
func TestTwoMachines(t *testing.T) {
	switch os.Getenv(machine) {
	case "first":
		firstMachine(t)
	case "second":
		secondMachine(t)
	default:
		if _, err := exec.LookPath("ip"); err != nil {
			t.Skip("wants ip")
		}
		cmd := again(t.Context(), t, "first", syscall.CLONE_NEWUSER|syscall.CLONE_NEWNET)
		id := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		gid := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = id, gid
		out, err := cmd.CombinedOutput()
		if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSPC) {
			t.Skipf("no network namespaces here: %v", err)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// again is this test as another machine.
func again(ctx context.Context, t *testing.T, name string, flags uintptr) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTwoMachines$", "-test.v")
	cmd.Env = append(os.Environ(), machine+"="+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func ip(t *testing.T, words string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(words)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", words, err, out)
	}
}

// onLAN runs a box on every address of its machine.
func (u *upazila) onLAN(t *testing.T, i int) *centre {
	t.Helper()
	c := u.centres[i]
	c.bind, c.beacon = "0.0.0.0:7946", 7447
	u.start(t, c, u.key)
	return c
}

func firstMachine(t *testing.T) {
	ip(t, "link add one type veth peer name two")
	second := again(t.Context(), t, "second", syscall.CLONE_NEWNET)
	var out bytes.Buffer
	second.Stdout, second.Stderr = &out, &out
	said, err := second.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	ip(t, fmt.Sprintf("link set two netns %d", second.Process.Pid))
	ip(t, "addr add 10.7.0.1/24 broadcast + dev one")
	ip(t, "link set one up")
	u := newUpazila(2)
	c := u.onLAN(t, 0)
	say := func(word string) {
		if _, err := fmt.Fprintln(said, word); err != nil {
			t.Fatal(err)
		}
	}
	say("cable")
	defer func() {
		_ = second.Process.Kill()
		_ = second.Wait()
		if t.Failed() {
			t.Logf("the second machine says: %s", out.String())
		}
	}()
	eventually(t, "the first to find the second", func() bool { return peer(c.g, "C1").Addr == "10.7.0.2:7946" && peer(c.g, "C1").Alive })
	say("move")
	eventually(t, "the second to be found where it moved", func() bool { return peer(c.g, "C1").Addr == "10.7.0.9:7946" && peer(c.g, "C1").Alive })
	say("end")
	if err := second.Wait(); err != nil {
		t.Fatalf("the second machine: %v\n%s", err, out.String())
	}
}

func secondMachine(t *testing.T) {
	hear := func() {
		var word string
		if _, err := fmt.Scanln(&word); err != nil {
			t.Fatal(err)
		}
	}
	hear()
	ip(t, "addr add 10.7.0.2/24 broadcast + dev two")
	ip(t, "link set two up")
	u := newUpazila(2)
	c := u.onLAN(t, 1)
	eventually(t, "the second to find the first", func() bool { return peer(c.g, "C0").Addr == "10.7.0.1:7946" && peer(c.g, "C0").Alive })
	hear()
	ip(t, "addr del 10.7.0.2/24 dev two")
	ip(t, "addr add 10.7.0.9/24 broadcast + dev two")
	select {
	case err := <-c.ended:
		c.ended <- nil
		if err == nil {
			t.Fatal("gossip ended without a reason")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the second goes on under an address that it has no more")
	}
	u.onLAN(t, 1)
	hear()
}
