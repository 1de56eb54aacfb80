package ipmi

import (
	"context"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Device is the kernel's IPMI device, a Line.
type Device struct {
	file *os.File
	ctx  context.Context
	id   int
}

// Open opens the device, usually /dev/ipmi0. Exchanges end when ctx does. NotFound: this
// machine has no BMC that its system can talk to.
func Open(ctx context.Context, path string) (*Device, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fault.NotFoundf("%s cannot be opened: %w", path, err).WithHint("the modules ipmi_si and ipmi_devintf make it, where the machine has a BMC")
	}
	return &Device{file: os.NewFile(uintptr(fd), path), ctx: ctx}, nil
}

// Close closes the device.
func (d *Device) Close() error { return d.file.Close() }

// The kernel's structures (include/uapi/linux/ipmi.h).
type (
	systemAddress struct {
		kind    int32
		channel int16
		lun     uint8
	}
	message struct {
		netFn, command uint8
		length         uint16
		data           unsafe.Pointer
	}
	request struct {
		address unsafe.Pointer
		length  uint32
		id      int // long
		message message
	}
	received struct {
		kind    int32
		address unsafe.Pointer
		length  uint32
		id      int
		message message
	}
	anyAddress [40]byte
)

// Constants of the same file.
const (
	systemInterface = 0x0c
	thisBMC         = 0x0f
	ioctlSend       = 2<<30 | unsafe.Sizeof(request{})<<16 | 'i'<<8 | 13
	ioctlReceive    = 3<<30 | unsafe.Sizeof(received{})<<16 | 'i'<<8 | 11 // cuts what is too long
	answerTime      = 5 * time.Second
	maxAnswer       = 272 // IPMI_MAX_MSG_LENGTH
)

// Exchange sends one request to the machine's own BMC and waits for its answer.
func (d *Device) Exchange(netFn, command byte, data []byte) ([]byte, error) {
	d.id++
	if err := d.send(netFn, command, data); err != nil {
		return nil, fault.Unreachablef("the BMC takes no request: %w", err)
	}
	deadline := time.Now().Add(answerTime)
	for {
		if err := d.await(deadline); err != nil {
			return nil, err
		}
		id, answer, err := d.receive()
		if err != nil {
			return nil, fault.Unreachablef("the BMC's answer cannot be read: %w", err)
		}
		if id == d.id {
			return answer, nil
		}
	}
}

func (d *Device) send(netFn, command byte, data []byte) error {
	to := systemAddress{kind: systemInterface, channel: thisBMC}
	r := request{address: unsafe.Pointer(&to), length: uint32(unsafe.Sizeof(to)), id: d.id,
		message: message{netFn: netFn, command: command, length: uint16(len(data))}}
	if len(data) > 0 {
		r.message.data = unsafe.Pointer(&data[0])
	}
	return d.ioctl(ioctlSend, unsafe.Pointer(&r))
}

func (d *Device) receive() (int, []byte, error) {
	var from anyAddress
	buffer := make([]byte, maxAnswer)
	r := received{address: unsafe.Pointer(&from), length: uint32(len(from)), message: message{data: unsafe.Pointer(&buffer[0]), length: maxAnswer}}
	if err := d.ioctl(ioctlReceive, unsafe.Pointer(&r)); err != nil && err != unix.EMSGSIZE {
		return 0, nil, err
	}
	return r.id, buffer[:min(int(r.message.length), maxAnswer)], nil
}

// await waits for an answer in short turns, so that an ended context ends it.
func (d *Device) await(deadline time.Time) error {
	for time.Now().Before(deadline) && d.ctx.Err() == nil {
		poll := []unix.PollFd{{Fd: int32(d.file.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, 100); err == nil && n > 0 {
			return nil
		}
	}
	return fault.Unreachablef("the BMC did not answer within %s", answerTime)
}

func (d *Device) ioctl(request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.file.Fd(), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}
