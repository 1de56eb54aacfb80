package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/agent/direct"
	"rackwright/fault"
)

// Device is a block device, or a regular file that stands for one.
type Device struct {
	f       *os.File
	size    int64
	block   int
	special bool // a block device
}

// Open opens a block device or file for one writer, around the page cache where the
// kernel allows it. A device that is mounted or otherwise held is Conflict.
func Open(path string) (*Device, error) {
	f, err := direct.Open(path, os.O_RDWR|unix.O_EXCL)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fault.Conflictf("%s is in use by this machine", path).WithHint("it is mounted or part of a volume; reboot the machine")
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Problem{CauseIO, fault.NotFoundf("disk %s is gone", path).WithHint("look at its cable and its bay")}
	case err != nil:
		return nil, ioProblem("open "+path, 0, err)
	}
	d := &Device{f: f, block: 512}
	if err := d.measure(); err != nil {
		return nil, errors.Join(ioProblem("measure "+path, 0, err), f.Close())
	}
	return d, nil
}

func (d *Device) measure() error {
	info, err := d.f.Stat()
	if err != nil {
		return err
	}
	if d.special = info.Mode()&fs.ModeDevice != 0; !d.special {
		d.size = info.Size()
		return nil
	}
	var size uint64
	if err := d.ioctl(unix.BLKGETSIZE64, unsafe.Pointer(&size)); err != nil {
		return err
	}
	d.size = int64(size)
	d.block, err = unix.IoctlGetInt(int(d.f.Fd()), unix.BLKSSZGET)
	return err
}

// ReadAt reads from the device.
func (d *Device) ReadAt(p []byte, off int64) (int, error) { return d.f.ReadAt(p, off) }

// WriteAt writes to the device.
func (d *Device) WriteAt(p []byte, off int64) (int, error) { return d.f.WriteAt(p, off) }

// Size returns the device's bytes.
func (d *Device) Size() int64 { return d.size }

// BlockSize returns the logical block in bytes.
func (d *Device) BlockSize() int { return d.block }

// Flush empties the device's write cache.
func (d *Device) Flush() error { return d.f.Sync() }

// Close closes the device.
func (d *Device) Close() error { return d.f.Close() }

// SyscallConn reaches the open device for commands of its own kind, past reads and writes.
func (d *Device) SyscallConn() (syscall.RawConn, error) { return d.f.SyscallConn() }

// Reread has the kernel read the partition table again; a file has none to read.
func (d *Device) Reread() error {
	if !d.special {
		return nil
	}
	return unix.IoctlSetInt(int(d.f.Fd()), unix.BLKRRPART, 0)
}

// Zero makes a range read as zeros: BLKZEROOUT, which uses the device's own command if
// it has one (BLKDISCARD promises nothing of the kind), a hole in a file, or plain writes.
func (d *Device) Zero(off, n int64) error {
	if n == 0 {
		return nil
	}
	var err error
	if d.special {
		span := [2]uint64{uint64(off), uint64(n)}
		err = d.ioctl(unix.BLKZEROOUT, unsafe.Pointer(&span))
	} else {
		err = unix.Fallocate(int(d.f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	}
	if err == nil {
		return nil
	}
	return d.writeZeros(off, n)
}

func (d *Device) writeZeros(off, n int64) error {
	zeros := direct.Buffer(1<<20, 0)
	for n > 0 {
		part := min(n, int64(len(zeros)))
		if _, err := d.f.WriteAt(zeros[:part], off); err != nil {
			return err
		}
		off, n = off+part, n-part
	}
	return nil
}

func (d *Device) ioctl(request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.f.Fd(), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
