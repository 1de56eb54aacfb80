// Package disk writes an image to a block device and proves every byte of it, then
// grows the partition table and adds the first-boot seed. It does not choose the disk.
package disk

import (
	"io"
)

// Medium is what an image is written to. Offsets and lengths given to ReadAt and WriteAt
// are multiples of the block size, buffers start at a multiple of direct.Align; a medium may
// then go around the page cache.
type Medium interface {
	io.ReaderAt
	io.WriterAt
	Zero(off, n int64) error // makes a range read as zeros
	Flush() error            // returns when what was written survives a power cut
	Reread() error           // has the kernel read the partition table again
	Size() int64             // bytes
	BlockSize() int          // logical block in bytes: 512 or 4096
}

func roundUp(n, to int64) int64   { return (n + to - 1) / to * to }
func roundDown(n, to int64) int64 { return n / to * to }

// readFull reads exactly len(p) bytes: a short read without an error is an error.
func readFull(m Medium, p []byte, off int64) error {
	n, err := m.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return ioProblem("read", off+int64(n), err)
}

// writeFull writes all of p: a short write without an error is an error.
func writeFull(m Medium, p []byte, off int64) error {
	n, err := m.WriteAt(p, off)
	if n == len(p) && err == nil {
		return nil
	}
	if err == nil {
		err = io.ErrShortWrite
	}
	return ioProblem("write", off+int64(n), err)
}
