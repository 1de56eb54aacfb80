package disk

import (
	"os"
	"testing"
)

// BenchmarkWrite puts an image into a file, from memory.
func BenchmarkWrite(b *testing.B) {
	m, s := pack(b, noise(64))
	path := b.TempDir() + "/disk"
	b.SetBytes(m.Data())
	for b.Loop() {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.Truncate(path, 80<<20); err != nil {
			b.Fatal(err)
		}
		d, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := write(m, s, d).Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		_ = d.Close()
	}
}
