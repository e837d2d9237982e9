package district

import (
	"context"
	"fmt"
	"net"

	"kendro/domain/fault"
)

// freePort returns a loopback port that nobody has, for TCP and UDP alike. It is
// free when the function returns; a daemon that finds it taken starts again with
// another.
func freePort(ctx context.Context) (string, error) {
	const op = "district.freePort"
	const tries = 20
	var lc net.ListenConfig
	for range tries {
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", fault.Wrap(op, fault.Unavailable, "", err)
		}
		addr := l.Addr().String()
		u, err := lc.ListenPacket(ctx, "udp", addr)
		_ = l.Close() // It was open to learn its number.
		if err == nil {
			_ = u.Close()
			return addr, nil
		}
	}
	return "", fault.New(op, fault.Unavailable, "", fmt.Sprintf("no port free for TCP and UDP in %d tries", tries))
}
