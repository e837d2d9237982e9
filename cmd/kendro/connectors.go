package main

import (
	"strings"

	"github.com/spf13/pflag"

	"kendro/domain/fault"
	"kendro/hub"
)

// connectorFlags say where other authorities' registers are, and by which files this
// server and those know each other.
type connectorFlags struct {
	at, authority, certificate, token string
}

func (c *connectorFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&c.at, "connector", "", "other authorities' registers, NAME=URL, separated by spaces")
	f.StringVar(&c.authority, "connector-ca", "", "who alone may have issued a register's certificate, NAME=FILE (PEM), separated by spaces")
	f.StringVar(&c.certificate, "connector-certificate", "", "the certificate to show a register and its private key, NAME=FILE (PEM, mode 600), separated by spaces")
	f.StringVar(&c.token, "connector-token", "", "the bearer token for a register, NAME=FILE (mode 600), separated by spaces")
}

// read puts the four together. A file for a register that has no address is
// [fault.Invalid]; whether it is there is looked at when the register is asked.
func (c *connectorFlags) read() (map[string]hub.Connector, error) {
	at, err := named("connector", "URL, each name once, such as civil-registration=https://bdris.example/kendro", c.at)
	if err != nil {
		return nil, err
	}
	list := map[string]hub.Connector{}
	for name, url := range at {
		list[name] = hub.Connector{URL: url}
	}
	for _, x := range []struct {
		flag, value string
		put         func(*hub.Connector, string)
	}{
		{"connector-ca", c.authority, func(o *hub.Connector, file string) { o.CA = file }},
		{"connector-certificate", c.certificate, func(o *hub.Connector, file string) { o.Certificate = file }},
		{"connector-token", c.token, func(o *hub.Connector, file string) { o.Token = file }},
	} {
		files, err := named(x.flag, "FILE, each name once, such as civil-registration=/etc/kendro/civil.pem", x.value)
		if err != nil {
			return nil, err
		}
		for name, file := range files {
			o, ok := list[name]
			if !ok || file == "" {
				return nil, fault.New("kendro."+x.flag, fault.Invalid, name, "want a file for a register that the setting connector has an address of")
			}
			x.put(&o, file)
			list[name] = o
		}
	}
	return list, nil
}

// named reads NAME=VALUE, separated by spaces.
func named(flag, want, s string) (map[string]string, error) {
	list := map[string]string{}
	for one := range strings.FieldsSeq(s) {
		name, value, ok := strings.Cut(one, "=")
		if _, double := list[name]; !ok || double {
			return nil, fault.New("kendro."+flag, fault.Invalid, one, "want NAME="+want)
		}
		list[name] = value
	}
	return list, nil
}
