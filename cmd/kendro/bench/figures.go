package bench

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"kendro/domain/fault"
)

// percentile returns the nearest-rank percentile p, from 0 to 100; 0 of nothing.
// It sorts took.
func percentile(took []time.Duration, p float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	rank := int(math.Ceil(p / 100 * float64(len(took))))
	return took[min(max(rank, 1), len(took))-1]
}

// micros is a duration as the result has it.
func micros(d time.Duration) float64 { return round(float64(d.Nanoseconds()) / 1000) }

func round(x float64) float64 { return math.Round(x*100) / 100 }

// zstd3 returns how long the records are, compressed in one stream at level 3:
// what a carrier could reach that knows neither blocks nor seals.
func zstd3(records [][]byte) (int, error) {
	var n counting
	w, err := zstd.NewWriter(&n, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(3)))
	if err != nil {
		return 0, fault.Wrap(op, fault.Internal, "zstd", err)
	}
	for _, r := range records {
		if _, err := w.Write(r); err != nil {
			return 0, fault.Wrap(op, fault.Internal, "zstd", err)
		}
	}
	if err := w.Close(); err != nil {
		return 0, fault.Wrap(op, fault.Internal, "zstd", err)
	}
	return int(n), nil
}

// counting counts what is written to it.
type counting int

func (c *counting) Write(b []byte) (int, error) {
	*c += counting(len(b))
	return len(b), nil
}

// tick is the unit of time in /proc, the same on every Linux.
const tick = time.Second / 100

// cpuTime returns how long a process and its threads have worked.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fault.Wrap(op, fault.Internal, "process", err)
	}
	return parseStat(string(b))
}

func parseStat(stat string) (time.Duration, error) {
	bad := fault.New(op, fault.Internal, "/proc/PID/stat", "can't be read: "+stat)
	end := strings.LastIndexByte(stat, ')') // The name before it may hold anything.
	if end < 0 {
		return 0, bad
	}
	fields := strings.Fields(stat[end+1:])
	const user, system = 11, 12 // Counted from the state, which follows the name.
	if len(fields) <= system {
		return 0, bad
	}
	var sum time.Duration
	for _, f := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, bad
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// rssAnon returns the memory of a process that no file backs.
func rssAnon(pid int) (uint64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fault.Wrap(op, fault.Internal, "process", err)
	}
	return parseStatus(string(b))
}

func parseStatus(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, fault.Wrap(op, fault.Internal, "/proc/PID/status", err)
		}
	}
	return 0, fault.New(op, fault.Internal, "/proc/PID/status", "names no RssAnon")
}

// parseMetric returns a gauge from the text that Prometheus reads.
func parseMetric(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, fault.Wrap(op, fault.Internal, name, err)
		}
	}
	return 0, fault.New(op, fault.Internal, name, "is not among the metrics")
}
