package district

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"

	"kendro/domain/fault"
)

// Run runs one command of the binary to its end. A failure carries what it wrote
// to standard error and, as its kind, what its exit status means.
func (d *District) Run(ctx context.Context, args ...string) error {
	_, err := d.Output(ctx, args...)
	return err
}

// Output is [District.Run] and returns standard output.
func (d *District) Output(ctx context.Context, args ...string) ([]byte, error) {
	var out, text bytes.Buffer
	cmd := exec.CommandContext(ctx, d.Binary, args...) //nolint:gosec // Our own binary.
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.Env = &out, &text, "/", []string{}
	err := cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	kind := fault.Internal
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		kind = kindOf(exit.ExitCode())
	}
	return out.Bytes(), fault.New("district.Run", kind, "kendro "+strings.Join(args[:min(2, len(args))], " "), strings.TrimSpace(text.String()))
}

// kindOf reads an exit status, as the contract has them.
func kindOf(status int) fault.Kind {
	switch status {
	case 64:
		return fault.Invalid
	case 65:
		return fault.Damaged
	case 66:
		return fault.NotFound
	case 74:
		return fault.Stopped
	case 75:
		return fault.Unavailable
	case 77:
		return fault.Denied
	}
	return fault.Internal
}
