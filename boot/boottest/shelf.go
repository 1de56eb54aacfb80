// Package boottest has what tests of many rooms need of the boot.
package boottest

import (
	"os"
	"path/filepath"
	"testing"

	"rackwright/boot"
)

// Shelf is the built-in loaders and one of the names, like shim/shimx64.efi, for x64 each.
func Shelf(t testing.TB, names ...string) *boot.Loaders {
	t.Helper()
	dir, program := t.TempDir(), boot.NewLoaders().Get("ipxe.efi").Bytes()
	for _, name := range names {
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, program, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shelf, err := boot.NewLoaders().With(dir)
	if err != nil {
		t.Fatal(err)
	}
	return shelf
}
