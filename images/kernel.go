package images

import (
	"bytes"
	"encoding/binary"
)

// Consoles are the arguments that have a kernel speak on the screen and on the serial port, which a
// BMC carries over the network. Its messages go to all of them, a program's output to the last one
// named: on arm64 the PL011 that most servers have (Arm SBSA, "Generic UART").
func Consoles(arch string) string {
	const usual = "console=tty0 console=ttyS0,115200"
	if arch == "arm64" {
		return usual + " console=ttyAMA0,115200"
	}
	return usual
}

// KernelArch is the architecture of a Linux kernel by its first bytes: an x86 bzImage
// (Documentation/arch/x86/boot.rst), an arm64 Image (Documentation/arch/arm64/booting.rst),
// or any kernel in a PE file; "" when they do not tell.
func KernelArch(head []byte) string {
	at := func(off int, s string) bool { return len(head) >= off && bytes.HasPrefix(head[off:], []byte(s)) }
	switch {
	case at(0x202, "HdrS"):
		return "amd64"
	case at(56, "ARM\x64"):
		return "arm64"
	case at(0, "MZ") && len(head) > 64:
		pe := int(binary.LittleEndian.Uint32(head[60:]))
		if pe >= 64 && pe < len(head)-6 && at(pe, "PE\x00\x00") {
			return map[uint16]string{0x8664: "amd64", 0xaa64: "arm64"}[binary.LittleEndian.Uint16(head[pe+4:])]
		}
	}
	return ""
}
