package main

import (
	"crypto/x509"
	"time"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/node"
)

// soon is when a certificate that nothing has renewed is worth a word.
const soon = 14 * 24 * time.Hour

// certificates: an expired one blocks sync, never intake.
func certificates(dir string, now time.Time) diagnosis {
	const check = "certificates"
	papers, err := node.Certificates(dir)
	if fault.KindOf(err) == fault.NotFound {
		papers, err = hub.Certificates(dir)
	}
	if fault.KindOf(err) == fault.NotFound {
		return diagnosis{Check: check, State: warns, Found: "this folder is neither a node's nor a hub's yet", Do: "kendro node enrol or kendro hub init makes it one"}
	}
	if err != nil {
		return diagnosis{Check: check, State: bad, Found: err.Error(), Do: "put back a copy of the file"}
	}
	var ends time.Time
	for _, der := range papers {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return diagnosis{Check: check, State: bad, Found: err.Error(), Do: "put back a copy of the file"}
		}
		if ends.IsZero() || c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
		if now.Before(c.NotBefore) {
			return diagnosis{
				Check: check, State: bad, Found: "they begin " + c.NotBefore.Format(dateOnly) + ": this machine's clock is behind",
				Do: "set the clock",
			}
		}
	}
	d := diagnosis{Check: check, State: fine, Found: "good until " + ends.Format(dateOnly)}
	switch {
	case now.After(ends):
		d.State, d.Found = bad, "expired on "+ends.Format(dateOnly)
		d.Do = "intake goes on, sync does not: check the clock, then enrol again with a new token"
	case now.Add(soon).After(ends):
		d.State, d.Do = warns, "they are renewed at half their time: look why the hub isn't reached"
	}
	return d
}
