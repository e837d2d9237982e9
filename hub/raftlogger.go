package hub

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// newRaftLogger returns a logger for Raft that writes to l. What Raft calls
// Info is of no use to an operator and becomes Debug.
func newRaftLogger(l *slog.Logger) hclog.Logger {
	out := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
	out.RegisterSink(slogSink{l})
	return out
}

// slogSink hands hclog's lines to slog.
type slogSink struct{ logger *slog.Logger }

// Accept writes one line.
func (s slogSink) Accept(_ string, level hclog.Level, message string, args ...any) {
	var to slog.Level
	switch {
	case level >= hclog.Error:
		to = slog.LevelError
	case level == hclog.Warn && !strings.HasPrefix(message, "unable to get address"): // It has the configuration's.
		to = slog.LevelWarn
	case level >= hclog.Info:
		to = slog.LevelDebug
	default:
		return
	}
	ctx := context.Background()
	if !s.logger.Enabled(ctx, to) {
		return
	}
	attrs := make([]slog.Attr, 0, len(args)/2+1)
	attrs = append(attrs, slog.String("about", message))
	for i := 0; i+1 < len(args); i += 2 {
		key, _ := args[i].(string)
		value := args[i+1]
		if f, ok := value.(hclog.Format); ok && len(f) > 0 {
			continue // Formatted values repeat what the others say.
		}
		attrs = append(attrs, slog.Any(strings.ReplaceAll(key, "-", "_"), value))
	}
	s.logger.LogAttrs(ctx, to, "raft reports", attrs...)
}
