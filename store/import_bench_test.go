package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// BenchmarkImport makes a register of what another server sends.
func BenchmarkImport(b *testing.B) {
	o := Options{Preset: Office, Vault: mustVault(b, b.TempDir())}
	db := mustOpen(b, b.TempDir(), o)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := uint64(1); i <= 200; i++ {
		if err := db.Update(i, func(tx *Tx) error {
			for j := range 1000 {
				v := make([]byte, 100+rnd.IntN(400))
				for k := range v {
					v[k] = byte(rnd.Uint32())
				}
				if err := tx.Set(fmt.Appendf(nil, "k%08x/%04d", rnd.Uint32(), j), v); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := db.Export(context.Background(), 200, &out); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(out.Len()))
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "imported")
		if _, _, err := Import(context.Background(), dir, o, bytes.NewReader(out.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}
