package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kendro/domain/fault"
)

// sample is a command with a few settings.
func sample(file *string) (*cobra.Command, map[string]*string) {
	cmd := &cobra.Command{Use: "sample", RunE: func(*cobra.Command, []string) error { return nil }}
	values := map[string]*string{}
	for _, name := range []string{"dir", "http", "listen"} {
		values[name] = cmd.Flags().String(name, "default-"+name, "")
	}
	cmd.Flags().Bool("http-plain", false, "")
	configFlag(cmd, file)
	return cmd, values
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		title, text string
		args        []string
		want        map[string]string
		wrong       []string // Each in the message.
	}{
		{"empty", "", nil, map[string]string{"dir": "default-dir"}, nil},
		{"comments and spaces", "# a\n\n  dir =  /var/lib/kendro \n", nil, map[string]string{"dir": "/var/lib/kendro"}, nil},
		{"value holds an equals sign", "dir = a=b", nil, map[string]string{"dir": "a=b"}, nil},
		{"empty value", "listen =", nil, map[string]string{"listen": ""}, nil},
		{"no end of line", "dir = x", nil, map[string]string{"dir": "x"}, nil},
		{"carriage returns", "dir = x\r\nhttp = y\r\n", nil, map[string]string{"dir": "x", "http": "y"}, nil},
		{"a flag wins", "dir = x\nhttp = y", []string{"--dir", "z"}, map[string]string{"dir": "z", "http": "y"}, nil},
		{
			"all mistakes together", "nonsense\ncolour = red\ndir = a\ndir = b\nhttp-plain = maybe\nconfig = x\n", nil, nil,
			[]string{
				"f.conf:1: want key = value", `f.conf:2: there is no setting "colour"`, "f.conf:4: dir stands there already, on line 3",
				"f.conf:5: http-plain:", `f.conf:6: there is no setting "config"`,
			},
		},
	} {
		t.Run(c.title, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("f.conf", []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var file string
			cmd, values := sample(&file)
			if err := cmd.ParseFlags(append(c.args, "--config", "f.conf")); err != nil {
				t.Fatal(err)
			}
			err := settings(cmd, file)
			if (err != nil) != (c.wrong != nil) || err != nil && !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %v; want mistakes %q", err, c.wrong)
			}
			for _, w := range c.wrong {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %v; want it to say %q", err, w)
				}
			}
			for name, want := range c.want {
				if *values[name] != want {
					t.Errorf("%s: got %q; want %q", name, *values[name], want)
				}
			}
		})
	}
}

// TestShippedSettings: the files under deploy load, with every commented default
// switched on as well, and name every setting that a daemon has.
func TestShippedSettings(t *testing.T) {
	for daemon, make := range map[string]func() *cobra.Command{"node": nodeRunCmd, "hub": hubRunCmd} {
		text, err := os.ReadFile(filepath.Join("..", "..", "deploy", daemon+".conf"))
		if err != nil {
			t.Fatal(err)
		}
		all := regexp.MustCompile(`(?m)^#([a-z-]+ =)`).ReplaceAllString(string(text), "$1")
		cmd := make()
		named := map[string]bool{"config": true}
		for _, s := range parseSettings([]byte(all)) {
			if s.err == nil {
				s.err = s.apply(cmd.Flags())
			}
			if s.err != nil {
				t.Errorf("%s.conf:%d: %v", daemon, s.line, s.err)
			}
			named[s.key] = true
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !named[f.Name] {
				t.Errorf("%s.conf does not name %s", daemon, f.Name)
			}
		})
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("dir = x\n# c\nhttp=\n=\nx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var file string
		cmd, _ := sample(&file)
		keys := map[string]bool{}
		for _, s := range parseSettings(text) {
			if s.err != nil {
				continue
			}
			if keys[s.key] {
				t.Fatalf("%q twice without an error", s.key)
			}
			keys[s.key] = true
			_ = s.apply(cmd.Flags())
		}
	})
}
