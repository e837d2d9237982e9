package node

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/store"
	"kendro/web/api"
)

// openRoom is what a box needs to be opened: a key of this run, the index's
// floor of 16 MiB, and something to work with.
const openRoom = 24 << 20

// makeRoom throws the ballast away when the box could not be opened otherwise.
func (n *Node) makeRoom() error {
	free, err := n.c.free(n.c.Dir)
	if err != nil || free >= openRoom {
		return err
	}
	n.c.Logger.Warn("the disk is full: the ballast is thrown away so that the box can be opened", "free_bytes", free)
	_, err = Ballast(n.c.Dir, false)
	return err
}

// Full reports whether Open failed because the disk is full: [AwaitRoom] waits
// until it isn't.
func Full(c *Config, err error) bool {
	if !errors.Is(err, fault.Unavailable) {
		return false
	}
	free, err := c.free(c.Dir)
	return err == nil && free < openRoom
}

// AwaitRoom answers at the box's address that the disk is full, in both
// languages, until there is room to open the box or ctx ends. It writes nothing
// into the folder.
func AwaitRoom(ctx context.Context, c Config) error {
	n := &Node{c: c}
	if err := n.wait(ctx); err != nil {
		return errors.Join(err, n.close())
	}
	return n.close()
}

// roomPoll is how often it looks for room.
const roomPoll = time.Second

func (n *Node) wait(ctx context.Context) error {
	var err error
	if n.enrolment, err = readEnrolment(n.c.Dir); err != nil {
		return err
	}
	if n.lock, err = lockFolder(n.c.Dir); err != nil {
		return err
	}
	if n.keys, err = openKeyring(n.c.Dir); err != nil {
		return err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{n.keys.certificate(&n.enrolment)}}
	if n.http, err = api.Listen(ctx, n.c.HTTP, secure, n.c.HTTPPlain); err != nil {
		return err
	}
	if n.control, err = api.ListenControl(n.c.Dir); err != nil {
		return err
	}
	if n.c.PortsFile != "" {
		if err := api.WriteFile(n.c.PortsFile, api.Ports{HTTP: n.http.Addr().String()}); err != nil {
			return err
		}
	}
	n.c.Logger.Error("the disk is full and the box waits for room: nothing is lost, nothing can be taken", "need_bytes", openRoom)
	return n.idle(ctx)
}

// idle serves the answer and looks for room.
func (n *Node) idle(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	room := waitingRoom(n.c.Clock())
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { defer stop(); errs[0] = api.Serve(serving, n.http, room, n.c.Logger) })
	wg.Go(func() { defer stop(); errs[1] = api.Serve(serving, n.control, room, n.c.Logger) })
	tick := time.NewTicker(roomPoll)
	defer tick.Stop()
	for serving.Err() == nil {
		select {
		case <-serving.Done():
		case <-tick.C:
			if free, err := n.c.free(n.c.Dir); err == nil && free >= openRoom {
				n.c.Logger.Info("there is room again: the box is opened", "free_bytes", free)
				stop()
			}
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// waitingRoom answers while the box can't be opened.
func waitingRoom(since time.Time) http.Handler {
	words := box.DiskFull.Words()
	reason := api.Blocker{Code: string(box.DiskFull), BN: words.BN, EN: words.EN, Since: api.TimeOf(since)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		api.WriteJSON(w, http.StatusOK, &api.Health{Status: "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		api.WriteJSON(w, http.StatusServiceUnavailable, &api.Health{Status: "not_ready", Reasons: []string{words.EN}})
	})
	mux.HandleFunc("GET /v1/sync", func(w http.ResponseWriter, _ *http.Request) {
		api.WriteJSON(w, http.StatusOK, &api.SyncStatus{
			Heads: map[string]protocol.Position{}, Acknowledged: map[string]protocol.Position{},
			Peers: []api.SyncPeer{}, Blockers: []api.Blocker{reason},
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		api.WriteProblem(w, fault.New("node.waiting", fault.Unavailable, string(box.DiskFull), words.EN))
	})
	return mux
}

// ballastEvery is how often the box looks whether its ballast can come aboard
// again.
const ballastEvery = 5 * time.Second

// keepBallast takes the ballast aboard again once there is room for it and for
// intake beside it, until ctx ends.
func (n *Node) keepBallast(ctx context.Context) {
	tick := time.NewTicker(ballastEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		free, err := n.c.free(n.c.Dir)
		if err != nil || aboard(n.c.Dir) || free < 2*box.MinFree {
			continue
		}
		if err := fillBallast(n.c.Dir); err != nil {
			n.c.Logger.Warn("the ballast could not be taken aboard", "err", err)
			continue
		}
		n.c.Logger.Info("the ballast is aboard again")
	}
}

// free asks the system unless a test says otherwise.
func (c *Config) free(dir string) (uint64, error) {
	if c.Free != nil {
		return c.Free(dir)
	}
	return store.FreeBytes(dir)
}
