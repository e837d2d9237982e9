package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandIsDescribed: docs/cli.md has every command that works, with an
// example that the command's own flags understand, and no other.
func TestEveryCommandIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, m := range regexp.MustCompile(`(?m)^### (kendro .*)$`).FindAllStringSubmatch(string(text), -1) {
		described = append(described, m[1])
	}
	var have []string
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if len(cmd.Commands()) == 0 {
			have = append(have, cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root())
	for _, name := range have {
		if !slices.Contains(described, name) {
			t.Errorf("docs/cli.md does not describe %s", name)
		}
	}
	for _, name := range described {
		if !slices.Contains(have, name) {
			t.Errorf("docs/cli.md describes %s, which isn't there", name)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^kendro (.*)$`).FindAllStringSubmatch(string(text), -1) {
		cmd, rest, err := root().Find(words(m[1]))
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateRequiredFlags()
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("example kendro %s: %v", m[1], err)
		}
	}
}

// words splits a line as a shell would, double quotes being the only ones.
func words(line string) (list []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}
