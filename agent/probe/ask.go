package probe

import (
	"bytes"
	"context"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/agent/ipmi"
	"rackwright/fault"
	"rackwright/inventory"
)

// Kernel is the Asker of the real machine.
type Kernel struct{}

// deviceTime bounds one question to a device, in milliseconds.
const deviceTime = 5000

// sgHeader is the kernel's struct sg_io_hdr (include/scsi/sg.h).
type sgHeader struct {
	id             int32
	direction      int32
	commandBytes   uint8
	maxSense       uint8
	vectors        uint16
	bytes          uint32
	data           unsafe.Pointer
	command        unsafe.Pointer
	sense          unsafe.Pointer
	timeout        uint32
	flags          uint32
	pack           int32
	user           unsafe.Pointer
	status         uint8
	masked         uint8
	message        uint8
	senseWritten   uint8
	host           uint16
	driver         uint16
	residual       int32
	duration, info uint32
}

// Constants of the same file, and of the kernel's SCSI and NVMe interfaces.
const (
	sgIO           = 0x2285
	sgNone         = -1
	sgFromDevice   = -3
	nvmeAdmin      = 0xc0484e41
	nvmeGetLogPage = 0x02
)

// scsi sends a command to a disk and returns what it gave and its sense data.
func scsi(path string, command []byte, size int) (data, sense []byte, status uint8, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, 0, fault.NotFoundf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	data, sense = make([]byte, size+1), make([]byte, 64)
	h := sgHeader{id: 'S', direction: sgNone, commandBytes: uint8(len(command)), maxSense: uint8(len(sense)), bytes: uint32(size), timeout: deviceTime,
		data: unsafe.Pointer(&data[0]), command: unsafe.Pointer(&command[0]), sense: unsafe.Pointer(&sense[0])}
	if size > 0 {
		h.direction = sgFromDevice
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), sgIO, uintptr(unsafe.Pointer(&h))); errno != 0 {
		return nil, nil, 0, fault.Conflictf("%s takes no SCSI command: %w", path, errno)
	}
	if h.host != 0 {
		return nil, nil, 0, fault.Unreachablef("%s does not answer", path)
	}
	return data[:max(0, min(size, size-int(h.residual)))], sense[:min(int(h.senseWritten), len(sense))], h.status, nil
}

// SCSI sends a command that reads.
func (Kernel) SCSI(path string, command []byte, size int) ([]byte, error) {
	data, _, status, err := scsi(path, bytes.Clone(command), size)
	if err == nil && status != 0 {
		err = fault.Conflictf("%s refuses the SCSI command %02x", path, command[0])
	}
	return data, err
}

// ATA sends an ATA command by ATA PASS-THROUGH (16) (SAT-4, section 12.2.2).
func (Kernel) ATA(path string, c ATACommand) ([]byte, ATARegisters, error) {
	b := make([]byte, 16)
	b[0] = 0x85
	b[1], b[2] = 3<<1, 0x20 // no data; the registers come as sense data
	if c.Sectors > 0 {
		b[1], b[2] = 4<<1, 0x0e // data in, counted in blocks by the sector count
	}
	if c.Command == ataReadLogExt {
		b[1] |= 1 // 48 bits
	}
	b[4], b[6], b[14] = c.Feature, c.Sectors, c.Command
	b[8], b[10], b[12] = c.LBA[0], c.LBA[1], c.LBA[2]
	data, sense, status, err := scsi(path, b, int(c.Sectors)*512)
	if err != nil {
		return nil, ATARegisters{}, err
	}
	r, ok := ataRegisters(sense)
	if c.Sectors > 0 && status != 0 || c.Sectors == 0 && !ok {
		return nil, r, fault.Conflictf("%s refuses the ATA command %02x", path, c.Command)
	}
	return data, r, nil
}

// ataRegisters reads the ATA status return descriptor (SAT-4, section 12.2.2.7) out of
// sense data, in either of its forms.
func ataRegisters(sense []byte) (ATARegisters, bool) {
	switch {
	case len(sense) >= 22 && sense[0]&0x7f == 0x72 && sense[8] == 0x09:
		return ATARegisters{sense[17], sense[19]}, true
	case len(sense) >= 14 && sense[0]&0x7f == 0x70 && sense[12] == 0 && sense[13] == 0x1d:
		if len(sense) >= 12 {
			return ATARegisters{sense[10], sense[11]}, true
		}
	}
	return ATARegisters{}, false
}

// nvmeCommand is the kernel's struct nvme_admin_cmd (include/uapi/linux/nvme_ioctl.h).
type nvmeCommand struct {
	opcode, flags        uint8
	_                    uint16
	namespace            uint32
	_, _                 uint32
	metadata             uint64
	data                 uint64
	metadataSize, size   uint32
	words                [6]uint32 // 10 to 15
	timeout, resultField uint32
}

// NVMe reads a log page of the whole controller.
func (Kernel) NVMe(path string, page byte, size int) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fault.NotFoundf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	data := make([]byte, size)
	c := nvmeCommand{opcode: nvmeGetLogPage, namespace: 0xffffffff, data: uint64(uintptr(unsafe.Pointer(&data[0]))), size: uint32(size), timeout: deviceTime}
	c.words[0] = uint32(page) | uint32(size/4-1)<<16
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), nvmeAdmin, uintptr(unsafe.Pointer(&c))); errno != 0 {
		return nil, fault.Conflictf("%s gives no log page %02x: %w", path, page, errno)
	}
	return data, nil
}

// driverInfo is the kernel's struct ethtool_drvinfo.
type driverInfo struct {
	cmd                                  uint32
	driver, version, firmware, bus, erom [32]byte
	_                                    [12]byte
	_                                    [5]uint32
}

// Driver asks a port's driver for its firmware's version (ETHTOOL_GDRVINFO).
func (Kernel) Driver(nic string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil || len(nic) >= unix.IFNAMSIZ {
		return ""
	}
	defer unix.Close(fd)
	answer := driverInfo{cmd: unix.ETHTOOL_GDRVINFO}
	request := ifreqPointer{data: unsafe.Pointer(&answer)}
	copy(request.name[:], nic)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return ""
	}
	text, _, _ := bytes.Cut(answer.firmware[:], []byte{0})
	if s := clean(string(text)); s != "N/A" {
		return s
	}
	return ""
}

// ipmiDevice is the kernel's, where it has one.
const ipmiDevice = "/dev/ipmi0"

// BMC describes the machine's BMC.
func (Kernel) BMC(ctx context.Context) (*inventory.Controller, []inventory.MAC) {
	d, err := ipmi.Open(ctx, ipmiDevice)
	if err != nil {
		return nil, nil
	}
	defer d.Close()
	c, macs, err := ipmi.Describe(d)
	if err != nil {
		return nil, nil
	}
	return c, macs
}
