package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/web/api"
)

// boxKeyCheck says what the box key does and does not stop.
func boxKeyCheck(dir string) diagnosis {
	const check = "box key"
	if key, err := boxKey(); err != nil {
		return diagnosis{Check: check, State: bad, Found: err.Error(), Do: "look at LoadCredentialEncrypted in the unit; deploy/README.md says how to make the key"}
	} else if key != nil {
		return diagnosis{Check: check, State: fine, Found: "from this machine's TPM: a disk or a box that is carried off shows sizes only; whoever is root on the running box reads all"}
	}
	for _, name := range []string{"records/vault/box.key", "vault/box.key"} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err == nil {
			return diagnosis{
				Check: check, State: warns,
				Found: "a file beside the records: it protects single files, and a disk whose folder vault was removed; it stops nobody who carries off the box or the whole disk",
				Do:    "encrypt the disk, or keep the key in the machine's TPM (deploy/README.md)",
			}
		}
	}
	return diagnosis{Check: check, State: warns, Found: "there is none yet", Do: "the first start makes one; deploy/README.md says how to keep it in the machine's TPM instead"}
}

// running asks the daemon itself.
func running(ctx context.Context, dir string) []diagnosis {
	const check = "daemon"
	r := reach{dir: dir}
	var ready api.Health
	err := r.call(ctx, api.Call{Path: "/readyz", Out: &ready})
	if errors.Is(err, fault.Unavailable) {
		if _, ok := errors.AsType[*api.Refusal](err); !ok {
			return []diagnosis{{Check: check, State: warns, Found: "it doesn't run, or another user runs it", Do: "start it; journalctl says why it ended"}}
		}
	}
	if err != nil {
		return []diagnosis{{Check: check, State: bad, Found: "it runs and is not ready: " + err.Error(), Do: "the reason says what to do; it goes on by itself when that is gone"}}
	}
	list := []diagnosis{{Check: check, State: fine, Found: "it runs and is ready"}}
	var status api.SyncStatus
	if r.call(ctx, api.Call{Path: "/v1/sync", Out: &status}) != nil {
		return list // A hub has none.
	}
	for _, b := range status.Blockers {
		list = append(list, diagnosis{Check: "blocker " + b.Code, State: warns, Found: b.EN, Do: "since " + when(b.Since)})
	}
	return list
}
