package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kendro/domain/fault"
)

// notInFile are flags that a settings file has no business to set.
var notInFile = []string{"config", "help"}

// configFlag adds --config to a daemon's command.
func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "config", "", "file of settings (key = value, the names of these flags); a flag wins")
}

// settings reads a daemon's settings file into the flags that the command line
// left out. It fails with [fault.Invalid] and every mistake in the file.
func settings(cmd *cobra.Command, file string) error {
	if file == "" {
		return nil
	}
	text, err := readFile(file, maxLine)
	if err != nil {
		return err
	}
	var wrong []error
	for _, s := range parseSettings(text) {
		if s.err == nil {
			s.err = s.apply(cmd.Flags())
		}
		if s.err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %w", file, s.line, s.err))
		}
	}
	return fault.Wrap("kendro.settings", fault.Invalid, "", errors.Join(wrong...))
}

// A setting is one line of a settings file.
type setting struct {
	line       int
	key, value string
	err        error
}

// parseSettings reads the lines that are no comments. A line that can't be read,
// or a key that stands there twice, has an error.
func parseSettings(text []byte) []setting {
	var list []setting
	seen := map[string]int{}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		s := setting{line: n}
		trimmed := strings.TrimSpace(string(line))
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		key, value, found := strings.Cut(trimmed, "=")
		s.key, s.value = strings.TrimSpace(key), strings.TrimSpace(value)
		first, twice := seen[s.key]
		switch {
		case !found || s.key == "":
			s.err = fmt.Errorf("want key = value, not %q", trimmed)
		case twice:
			s.err = fmt.Errorf("%s stands there already, on line %d", s.key, first)
		default:
			seen[s.key] = n
		}
		list = append(list, s)
	}
	return list
}

// apply sets the flag, unless the command line has set it.
func (s setting) apply(flags *pflag.FlagSet) error {
	f := flags.Lookup(s.key)
	if f == nil || slices.Contains(notInFile, s.key) {
		return fmt.Errorf("there is no setting %q; kendro --help of the daemon lists them", s.key)
	}
	if f.Changed {
		return nil
	}
	if err := f.Value.Set(s.value); err != nil {
		return fmt.Errorf("%s: %w", s.key, err)
	}
	return nil
}

// given says which of these settings are missing, in one message.
func given(cmd *cobra.Command, names ...string) error {
	var missing []string
	for _, name := range names {
		if cmd.Flags().Lookup(name).Value.String() == "" {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.New("kendro.settings", fault.Invalid, "", "want "+strings.Join(missing, ", ")+" (on the command line, or without the dashes in the file of --config)")
}
