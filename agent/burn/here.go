package burn

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/agent/direct"
	"rackwright/fault"
)

// Here is this machine, without what the caller knows: facts, disks of a permit, a peer.
func Here(pause func(context.Context, time.Duration) error) World {
	return World{Root: "/", CPUs: runtime.NumCPU(), Now: time.Now, Memory: mapped, Read: openRead, Pause: pause}
}

// mapped is memory that is locked, so that every page of it is there; where locking is not
// allowed it is there once it was written.
func mapped(n int) (Memory, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return Memory{}, fault.Internalf("map %d bytes: %w", n, err)
	}
	_ = errors.Join(unix.Madvise(b, unix.MADV_HUGEPAGE), unix.Mlock(b)) // see above
	return Memory{Bytes: b, Release: func() { _ = unix.Munmap(b) }, Physical: func(offset int) (uint64, bool) { return physical(b, offset) }}, nil
}

// physical asks the kernel where a byte is (Documentation/admin-guide/mm/pagemap.rst): one
// word for each page; bits 0 to 54 are the frame, bit 63 says that it is in memory.
func physical(b []byte, offset int) (uint64, bool) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil || offset < 0 || offset >= len(b) {
		return 0, false
	}
	defer f.Close()
	at := uint64(uintptr(unsafe.Pointer(&b[offset])))
	size := uint64(os.Getpagesize())
	var word [8]byte
	if _, err := f.ReadAt(word[:], int64(at/size*8)); err != nil {
		return 0, false
	}
	entry := binary.NativeEndian.Uint64(word[:])
	frame := entry & (1<<55 - 1)
	return frame*size + at%size, entry>>63 == 1 && frame != 0
}

// openRead opens a disk for reading.
func openRead(path string) (Source, error) {
	f, err := direct.Open(path, os.O_RDONLY)
	if err != nil {
		return nil, fault.Unreachablef("open %s: %w", path, err)
	}
	return f, nil
}
