package hub

import (
	"errors"
	"net"
	"path/filepath"

	"kendro/replication/link"
)

// openEndpoint binds the port. Port 0 is the one used before, if it is free: the
// others know it.
func openEndpoint(o link.Options, dir string) (*link.Endpoint, error) {
	memory := filepath.Join(dir, "port")
	host, port, err := net.SplitHostPort(o.Listen)
	if o.Conn != nil || err != nil || port != "0" {
		return link.Open(o)
	}
	var last string
	if ok, err := readSummed(memory, 64, &last); err == nil && ok {
		again := o
		again.Listen = net.JoinHostPort(host, last)
		if e, err := link.Open(again); err == nil {
			return e, nil
		}
	}
	e, err := link.Open(o)
	if err != nil {
		return nil, err
	}
	_, port, err = net.SplitHostPort(e.Addr().String())
	if err == nil {
		err = writeSummed(memory, port)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// advertised completes an address with the port that was bound.
func advertised(want string, bound net.Addr) string {
	host, port, err := net.SplitHostPort(want)
	boundHost, boundPort, berr := net.SplitHostPort(bound.String())
	if berr != nil {
		return want
	}
	if err != nil {
		host, port = boundHost, "0"
	}
	if host == "" {
		host = boundHost
	}
	if port == "0" || port == "" {
		port = boundPort
	}
	return net.JoinHostPort(host, port)
}
