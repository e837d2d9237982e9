package desk

import (
	"regexp"
	"testing"

	"kendro/protocol"
)

// silentDrops is what a server tells Prometheus.
func (o screens) silentDrops() string {
	o.t.Helper()
	found := regexp.MustCompile(`(?m)^kendro_silent_drops (\S+)$`).FindStringSubmatch(o.call("root", "GET", "/metrics", "").Body.String())
	if found == nil {
		o.t.Fatal("the metrics lack kendro_silent_drops")
	}
	return found[1]
}

// TestNothingIsDroppedSilently: of cases, of events on cases, of a case that is not
// here and of an event that nobody can read, none is lost without a trace (I9).
// A build into which a fault is planted fails it with 1: see planted_test.go.
func TestNothingIsDroppedSilently(t *testing.T) {
	o := screens{newOffice(t)}
	if got := o.silentDrops(); got != "0" {
		t.Errorf("an empty register has dropped %s", got)
	}
	n := o.landCopy(1, "counter")
	o.file(2)
	o.send(&protocol.Event{Kind: protocol.Withdrawn, At: dawn, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "ভুল"})})
	o.send(&protocol.Event{Kind: protocol.Withdrawn, At: dawn, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "আবার"})})
	o.send(&protocol.Event{Kind: protocol.Withdrawn, At: dawn, Actor: "rahima", Number: 4100_0000_0000_0001, Payload: protocol.Marshal(&protocol.Withdrawal{})})
	if got := o.silentDrops(); got != "0" {
		t.Errorf("kendro_silent_drops %s; want 0", got)
	}
}
