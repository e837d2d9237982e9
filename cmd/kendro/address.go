package main

import (
	"errors"
	"net"
	"strconv"

	"github.com/spf13/pflag"
)

// addressFlag adds a flag for an address to bind or to be reached at, which is
// judged where it is given and with the other mistakes of a settings file.
func addressFlag(f *pflag.FlagSet, to *string, name, standard, usage string) {
	*to = standard
	f.Var((*addressValue)(to), name, usage)
}

// An addressValue is host:port, or empty.
type addressValue string

// String returns the address.
func (a *addressValue) String() string { return string(*a) }

// Type is what the help shows.
func (a *addressValue) Type() string { return "string" }

// Set takes an address that could be bound; whether it can, only binding tells.
func (a *addressValue) Set(s string) error {
	if s != "" {
		_, port, err := net.SplitHostPort(s)
		if err != nil {
			return errors.New("want host:port, such as 127.0.0.1:8080, not " + strconv.Quote(s))
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return errors.New("want a port from 0 (any that is free) to 65535, not " + strconv.Quote(port))
		}
	}
	*a = addressValue(s)
	return nil
}
