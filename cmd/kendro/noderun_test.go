package main

import "testing"

func TestReachable(t *testing.T) {
	for _, c := range []struct{ bound, advertise, want string }{
		{"0.0.0.0:7946", "10.0.0.9:7441", "10.0.0.9:7946"},
		{"[::]:7946", "hub.example:7441", "hub.example:7946"},
		{":7946", "10.0.0.9:7441", "10.0.0.9:7946"},
		{"10.0.0.1:7946", "10.0.0.9:7441", ""},
		{"localhost:7946", "10.0.0.9:7441", ""},
		{"0.0.0.0:0", "10.0.0.9:7441", ""},
		{"0.0.0.0:7946", "", ""},
		{"0.0.0.0:7946", ":7441", ""},
		{"", "10.0.0.9:7441", ""},
	} {
		if got := reachable(c.bound, c.advertise); got != c.want {
			t.Errorf("%s behind %s: got %q; want %q", c.bound, c.advertise, got, c.want)
		}
	}
}
