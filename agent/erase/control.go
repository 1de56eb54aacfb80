package erase

import (
	"errors"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Control sends commands through an open block device.
type Control struct{ Conn syscall.RawConn }

// Requests of Linux: include/uapi/linux/nvme_ioctl.h and include/scsi/sg.h.
const (
	ioctlNamespace = 0x4e40     // NVME_IOCTL_ID
	ioctlAdmin     = 0xc0484e41 // NVME_IOCTL_ADMIN_CMD
	ioctlSG        = 0x2285     // SG_IO
)

// adminCommand is struct nvme_passthru_cmd.
type adminCommand struct {
	opcode, flags                byte
	_                            uint16
	namespace, cdw2, cdw3        uint32
	metadata                     uint64
	data                         unsafe.Pointer
	metadataBytes, dataBytes     uint32
	dwords                       [6]uint32
	timeoutMilliseconds, result_ uint32
}

// sgCommand is struct sg_io_hdr.
type sgCommand struct {
	interfaceID, direction       int32
	cdbBytes, senseBytes         byte
	vectors                      uint16
	dataBytes                    uint32
	data, cdb, sense             unsafe.Pointer
	timeoutMilliseconds, flags   uint32
	packID                       int32
	user                         unsafe.Pointer
	status, masked, message, got byte
	host, driver                 uint16
	residual                     int32
	milliseconds, info           uint32
}

// Directions of a transfer.
const (
	sgNone = -1
	sgOut  = -2
	sgIn   = -3
)

// NVMe sends an admin command.
func (k Control) NVMe(c NVMe) (uint32, error) {
	raw := &adminCommand{opcode: c.Opcode, namespace: c.Namespace, dwords: c.Dwords, dataBytes: uint32(len(c.Data)), timeoutMilliseconds: milliseconds(c.Timeout)}
	if len(c.Data) > 0 {
		raw.data = unsafe.Pointer(unsafe.SliceData(c.Data))
	}
	status, err := k.ioctl(ioctlAdmin, unsafe.Pointer(raw))
	runtime.KeepAlive(c.Data)
	if err != nil {
		return 0, err
	}
	if status != 0 {
		if code := NVMeStatus(status & 0x7ff); code == 1 || code == 2 { // invalid opcode, invalid field
			return 0, errors.Join(code, errors.ErrUnsupported)
		}
		return 0, NVMeStatus(status & 0x7ff)
	}
	return raw.result_, nil
}

// Namespace asks the kernel which namespace the device is.
func (k Control) Namespace() (uint32, error) {
	id, err := k.ioctl(ioctlNamespace, nil)
	return uint32(id), err
}

// SCSI sends a command.
func (k Control) SCSI(c SCSI) (Sense, error) {
	sense := make([]byte, 64)
	raw := &sgCommand{interfaceID: 'S', direction: sgNone, cdbBytes: byte(len(c.CDB)), senseBytes: byte(len(sense)),
		cdb: unsafe.Pointer(unsafe.SliceData(c.CDB)), sense: unsafe.Pointer(unsafe.SliceData(sense)), timeoutMilliseconds: milliseconds(c.Timeout)}
	switch {
	case len(c.In) > 0:
		raw.direction, raw.data, raw.dataBytes = sgIn, unsafe.Pointer(unsafe.SliceData(c.In)), uint32(len(c.In))
	case len(c.Out) > 0:
		raw.direction, raw.data, raw.dataBytes = sgOut, unsafe.Pointer(unsafe.SliceData(c.Out)), uint32(len(c.Out))
	}
	_, err := k.ioctl(ioctlSG, unsafe.Pointer(raw))
	runtime.KeepAlive(c)
	switch {
	case err != nil:
		return nil, err
	case raw.host != 0:
		return nil, errors.New("the controller could not deliver the command")
	}
	return Sense(sense[:min(int(raw.got), len(sense))]), nil
}

// Punch uses fallocate(2): on a block device the kernel then has the device write zeros by
// its own command, or unmap where it promises zeros, and never falls back to writing.
func (k Control) Punch(off, n int64) (err error) {
	if ctl := k.Conn.Control(func(fd uintptr) {
		err = unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	}); ctl != nil {
		return ctl
	}
	return err
}

func (k Control) ioctl(request uintptr, arg unsafe.Pointer) (result int, err error) {
	ctl := k.Conn.Control(func(fd uintptr) {
		r, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg))
		if result = int(r); errno != 0 {
			err = errno
		}
	})
	runtime.KeepAlive(arg)
	if ctl != nil {
		return 0, ctl
	}
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		err = errors.Join(err, errors.ErrUnsupported)
	}
	return result, err
}

func milliseconds(d time.Duration) uint32 { return uint32(min(d.Milliseconds(), 1<<31)) }
