package gossip

import (
	"bytes"
	"log/slog"
	"time"

	"github.com/hashicorp/memberlist"
)

// config returns memberlist's settings for the preset.
func (p Preset) config() *memberlist.Config {
	c := memberlist.DefaultWANConfig()
	if p == LAN {
		c = memberlist.DefaultLANConfig()
	} else {
		c.ProbeInterval, c.ProbeTimeout = 30*time.Second, 10*time.Second
		c.SuspicionMult, c.SuspicionMaxTimeoutMult, c.IndirectChecks = 6, 6, 2
		c.GossipInterval, c.GossipNodes, c.GossipToTheDeadTime = 2*time.Second, 2, 5*time.Minute
		c.PushPullInterval, c.TCPTimeout = 5*time.Minute, 60*time.Second
	}
	c.UDPBufferSize = 1100              // Fits a tunnel.
	c.EnableCompression = false         // Signatures don't compress.
	c.DeadNodeReclaimTime = time.Minute // A box may come back with another address.
	return c
}

// rejoin is how often neighbours that are missing are sought, and how often a box
// calls into its LAN.
func (p Preset) rejoin() time.Duration {
	if p == LAN {
		return 5 * time.Second
	}
	return 2 * time.Minute
}

// look is how often the machine's own networks are looked at.
func (p Preset) look() time.Duration {
	if p == LAN {
		return time.Second
	}
	return 10 * time.Second
}

// goodbye is how long leaving may take.
func (p Preset) goodbye() time.Duration {
	if p == LAN {
		return time.Second
	}
	return 3 * time.Second
}

// logWriter turns memberlist's lines, such as "[WARN] memberlist: ...", into
// records for who looks for them: any stranger's packet makes one, and nothing of what
// memberlist calls an error is for an operator to mend.
type logWriter struct{ logger *slog.Logger }

func (w logWriter) Write(b []byte) (int, error) {
	w.logger.Debug("memberlist", "text", string(bytes.TrimSpace(b)))
	return len(b), nil
}
