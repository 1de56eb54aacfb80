// Package direct reads and writes disks around the page cache: files opened so, and memory
// where the kernel wants it for that (open(2), O_DIRECT).
package direct

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Align is what offsets, lengths and addresses are multiples of, in bytes; no disk in use
// has larger blocks.
const Align = 4096

// Buffer is n bytes whose address is a multiple of Align, with slack bytes of capacity
// behind them.
func Buffer(n, slack int) []byte {
	raw := make([]byte, n+slack+Align)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % Align)
	return raw[skip : skip+n : skip+n+slack]
}

// Open opens a file around the page cache, or through it where it has no other way: tmpfs
// and others know no O_DIRECT.
func Open(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) {
		f, err = os.OpenFile(path, flags, 0)
	}
	return f, err
}
