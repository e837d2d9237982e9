package node

import (
	"context"
	"log/slog"
	"path/filepath"

	"kendro/node/box"
)

// Repair mends what can be mended in the folder of a node that doesn't run: see
// [box.Repair]. A nil key is the one in the folder. acceptLoss gives up damaged
// records that no hub has signed for.
func Repair(ctx context.Context, dir string, boxKey []byte, acceptLoss bool, logger *slog.Logger) ([]box.Finding, error) {
	enrolment, err := readEnrolment(dir)
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // It was never written.
	return box.Repair(ctx, filepath.Join(dir, recordsFolder), box.Options{
		Enrolment: enrolment, BoxKey: boxKey, AcceptLoss: acceptLoss, Logger: logger,
	})
}
