package district

import (
	"errors"
	"testing"

	"kendro/domain/fault"
)

func TestParseExport(t *testing.T) {
	const one = `{"number":"4100101234567845","log":"uplink/41-0010/00c0ffee00c0ffee","seq":7,"hash":"ab","stage":"RECEIVED","version":1}` + "\n"
	const end = `{"index":12,"digest":"cd"}` + "\n"
	for name, c := range map[string]struct {
		in    string
		cases int
		bad   bool
	}{
		"none":      {end, 0, false},
		"one":       {one + end, 1, false},
		"cut off":   {one, 0, true},
		"after end": {end + one, 0, true},
		"not JSON":  {"panic: x\n", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := parseExport([]byte(c.in))
			if c.bad != errors.Is(err, fault.Internal) || !c.bad && (err != nil || len(e.Cases) != c.cases || e.Index != 12 || e.Digest != "cd") {
				t.Errorf("got %+v, %v", e, err)
			}
		})
	}
}
