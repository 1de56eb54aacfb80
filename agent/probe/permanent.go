package probe

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/inventory"
)

// permanentAddress is the kernel's struct ethtool_perm_addr with room for six bytes.
type permanentAddress struct {
	cmd, size uint32
	addr      [32]byte
}

// ifreqPointer is the kernel's struct ifreq with a pointer in its union.
type ifreqPointer struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// PermanentMAC asks the driver for a port's burnt-in address (ETHTOOL_GPERMADDR).
func PermanentMAC(nic string) (inventory.MAC, bool) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil || len(nic) >= unix.IFNAMSIZ {
		return inventory.MAC{}, false
	}
	defer unix.Close(fd)
	answer := permanentAddress{cmd: unix.ETHTOOL_GPERMADDR, size: 32}
	request := ifreqPointer{data: unsafe.Pointer(&answer)}
	copy(request.name[:], nic)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 || answer.size != 6 {
		return inventory.MAC{}, false
	}
	mac, _ := inventory.MACFrom(answer.addr[:6])
	return mac, !mac.IsZero() && mac != inventory.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
}
