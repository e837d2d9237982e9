package api

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kendro/domain/fault"
)

// How long a client may take, and how long a drain may last.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 4 * time.Second
	maxHeaders    = 16 << 10
)

// Listen opens the HTTP listener. On a loopback address it is plain. On any
// other it is TLS with config, or plain behind a declared proxy (--http-plain);
// with neither it is [fault.Invalid]. An address that is taken, or not there yet,
// is [fault.Unavailable].
func Listen(ctx context.Context, addr string, config *tls.Config, plain bool) (net.Listener, error) {
	const op = "api.Listen"
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fault.New(op, fault.Invalid, addr, "want host:port, such as 127.0.0.1:8080")
	}
	secure := !plain && !loopback(host)
	if secure && config == nil {
		return nil, fault.New(op, fault.Invalid, addr, "plain HTTP leaves this machine only behind a proxy: pass --http-plain, or listen on 127.0.0.1")
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, fault.Wrap(op, fault.Unavailable, addr, err)
	}
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, addr, err)
	}
	if secure {
		return tls.NewListener(ln, config), nil
	}
	return ln, nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Serve answers requests on ln until ctx ends, then lets those under way finish,
// for four seconds at most, and returns. The listener is closed.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: bodyTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaders, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln) }()
	select {
	case err := <-failed:
		return fault.Wrap("api.Serve", fault.Internal, ln.Addr().String(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := s.Shutdown(drain)
	if err != nil {
		err = s.Close()
	}
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return fault.Wrap("api.Serve", fault.Internal, ln.Addr().String(), err)
}

// ControlSocket is the name of a daemon's operator socket in its folder.
const ControlSocket = "control.sock"

// ListenControl opens dir/control.sock, which only the daemon's own user may
// connect to. A socket that a killed daemon left behind is replaced; whoever
// calls holds the folder's lock.
func ListenControl(dir string) (net.Listener, error) {
	const op = "api.ListenControl"
	f, short, err := shorten(dir)
	if err != nil {
		return nil, fault.Wrap(op, fault.Stopped, dir, err)
	}
	defer func() { _ = f.Close() }() // Only read.
	fresh := filepath.Join(short, ControlSocket+".new")
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fault.Wrap(op, fault.Stopped, dir, err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fault.Wrap(op, fault.Stopped, dir, err)
	}
	ln.SetUnlinkOnClose(false)
	err = os.Chmod(fresh, 0o600)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(short, ControlSocket))
	}
	if err != nil {
		return nil, errors.Join(fault.Wrap(op, fault.Stopped, dir, err), ln.Close())
	}
	return ln, nil
}

// shorten returns a path to dir that fits a socket's address (108 bytes) however
// long dir's own is. It is good while the file is open.
func shorten(dir string) (*os.File, string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, "", err
	}
	return f, "/proc/self/fd/" + strconv.Itoa(int(f.Fd())), nil
}

// dialControl connects to a daemon's operator socket.
func dialControl(ctx context.Context, dir string) (net.Conn, error) {
	f, short, err := shorten(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // Only read.
	var d net.Dialer
	return d.DialContext(ctx, "unix", filepath.Join(short, ControlSocket))
}

// WriteFile writes v as JSON for another program to wait for: whole or not at
// all, readable by its owner alone.
func WriteFile(name string, v any) error {
	const op = "api.WriteFile"
	body, err := marshalLine(v)
	if err != nil {
		return fault.Wrap(op, fault.Internal, name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+strings.TrimPrefix(filepath.Base(name), ".")+"-*")
	if err != nil {
		return fault.Wrap(op, fault.Invalid, name, err)
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return fault.Wrap(op, fault.Stopped, name, err)
}
