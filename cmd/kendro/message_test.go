package main

import (
	"errors"
	"fmt"
	"testing"

	"kendro/domain/fault"
	"kendro/web/api"
)

func TestMessage(t *testing.T) {
	number := fault.New("protocol.ParseNumber", fault.Invalid, "123", "want 16 digits")
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{number, "123: want 16 digits"},
		{&failed{fault.Wrap("kendro", fault.Invalid, "123", number)}, "123: want 16 digits"},
		{fault.Wrap("kendro", fault.Invalid, "f.conf", number), "f.conf: 123: want 16 digits"},
		{fault.New("x", fault.Unavailable, "", ""), "unavailable"},
		{fault.New("x", fault.Denied, "case", ""), "case: denied"},
		{&api.Refusal{Err: number}, "123: want 16 digits"},
		{&unknown{number, "--id a"}, "123: want 16 digits; whether it was done is unknown: repeat the command with --id a"},
		{errors.Join(number, errors.New("and more")), "123: want 16 digits\nand more"},
		{fmt.Errorf("f:1: %w", errors.New("no such key")), "f:1: no such key"},
	} {
		if got := message(c.err); got != c.want {
			t.Errorf("got %q; want %q", got, c.want)
		}
	}
}
