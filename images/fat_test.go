package images

import (
	"bytes"
	"io"
	"testing"
)

// FuzzFAT: whatever the boot sector and tables claim, listing ends and takes little memory.
func FuzzFAT(f *testing.F) {
	boot := make([]byte, 4096)
	copy(boot[11:], []byte{0, 2, 1, 1, 0, 2, 16, 0, 0, 0, 0xf8, 1, 0}) // 512-byte sectors, one FAT16 table sector
	boot[32] = 100
	copy(boot[1024:], "EFI        \x10")
	f.Add(boot)
	f.Add(loopingFAT())
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = listEFIBoot(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))))
	})
}

func TestADirectoryThatLoopsIsRefused(t *testing.T) {
	b := loopingFAT()
	if _, err := listEFIBoot(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))); err == nil {
		t.Fatal("the loop was taken for a directory")
	}
}

// loopingFAT is a FAT32 volume whose root directory is cluster 2 for ever.
func loopingFAT() []byte {
	b := make([]byte, 8<<10)
	copy(b[11:], []byte{0, 2, 1, 1, 0, 1}) // 512-byte sectors, 1 a cluster, 1 reserved, 1 FAT
	b[32], b[36], b[44] = 14, 1, 2         // 14 sectors, a FAT of 1, root at cluster 2
	b[512+8] = 2                           // whose next cluster is itself
	for i := 1024; i < 1536; i += 32 {
		b[i] = 0xe5 // deleted, so the directory does not end
	}
	return b
}
