package boot

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"rackwright/inventory"
)

// Arch is a client system architecture type as firmware sends it in DHCP option 93
// (RFC 4578 section 2.1, RFC 5970 section 3.3, IANA "Processor Architecture Types").
type Arch uint16

// The architectures Rackwright has a loader for, and ArchUnknown for a client that
// names none. Firmware for x86-64 sends 7 or, after the RFC's own mix-up, 9.
const (
	ArchBIOS      Arch = 0
	ArchX64       Arch = 7
	ArchX64Other  Arch = 9
	ArchARM64     Arch = 11
	ArchX64HTTP   Arch = 16
	ArchARM64HTTP Arch = 19
	ArchUnknown   Arch = 0xffff
)

// String names the architecture for people.
func (a Arch) String() string {
	switch a {
	case ArchBIOS:
		return "bios"
	case ArchX64, ArchX64Other:
		return "uefi-x64"
	case ArchARM64:
		return "uefi-arm64"
	case ArchX64HTTP:
		return "uefi-x64-http"
	case ArchARM64HTTP:
		return "uefi-arm64-http"
	case ArchUnknown:
		return "unknown"
	}
	return fmt.Sprintf("type-%d", uint16(a))
}

// Firmware is the boot mode the architecture implies, "" when it implies none.
func (a Arch) Firmware() inventory.Firmware {
	switch a {
	case ArchBIOS:
		return inventory.BIOS
	case ArchX64, ArchX64Other, ArchARM64, ArchX64HTTP, ArchARM64HTTP:
		return inventory.UEFI
	}
	return ""
}

// Machine is the processor as kernels and images name it: amd64 or arm64.
func (a Arch) Machine() string {
	if a == ArchARM64 || a == ArchARM64HTTP {
		return "arm64"
	}
	return "amd64"
}

// Loader is the file name of the loader for the architecture, "" when there is none:
// such a client is left alone. IA32 UEFI (6) is among them.
func (a Arch) Loader() string {
	switch a {
	case ArchBIOS:
		return "undionly.kpxe"
	case ArchX64, ArchX64Other, ArchX64HTTP:
		return "ipxe.efi"
	case ArchARM64, ArchARM64HTTP:
		return "snp.efi"
	}
	return ""
}

// Class is what kind of netboot client asks.
type Class uint8

// The classes. An installed system is NotNetboot and never gets a boot file.
const (
	NotNetboot Class = iota
	PXE              // firmware that loads by TFTP: option 60 begins with PXEClient
	HTTP             // firmware that loads by HTTP: option 60 begins with HTTPClient
	IPXE             // a loader that runs scripts: user class iPXE or Tinkerbell
)

// String names the class for people.
func (c Class) String() string {
	return [...]string{"os", "pxe", "http", "ipxe"}[c]
}

// ClassOf tells the class from option 60 and option 77. The user class wins: iPXE
// keeps saying PXEClient in option 60.
func ClassOf(vendorClass string, userClasses []string) Class {
	for _, u := range userClasses {
		if u == "iPXE" || u == "Tinkerbell" {
			return IPXE
		}
	}
	switch {
	case strings.HasPrefix(vendorClass, "PXEClient"):
		return PXE
	case strings.HasPrefix(vendorClass, "HTTPClient"):
		return HTTP
	}
	return NotNetboot
}

// Client is a netboot client as its request describes it.
type Client struct {
	Class Class
	Arch  Arch
	MAC   inventory.MAC
	UUID  string // SMBIOS system UUID in lower case, may be empty
}

// Next is what the client loads next: a file name to be had by TFTP from the same
// server, or an http URL below base. It is "" when nothing can be offered.
func (c Client) Next(base string) string {
	switch c.Class {
	case IPXE:
		return base + c.scriptPath()
	case HTTP:
		if l := c.Arch.Loader(); l != "" {
			return base + "/boot/" + l
		}
	case PXE:
		return c.Arch.Loader()
	}
	return ""
}

// scriptPath is short on purpose: with an IPv4 base it fits the 127 bytes of the BOOTP
// header's file field. The names and values are iPXE's own settings.
func (c Client) scriptPath() string {
	q := "?mac=" + c.MAC.String()
	if p := platform(c.Arch.Firmware()); p != "" {
		q += "&platform=" + p
	}
	if c.Arch != ArchUnknown && c.Arch.Machine() == "arm64" {
		q += "&arch=arm64"
	}
	if c.UUID != "" {
		q += "&uuid=" + url.QueryEscape(c.UUID)
	}
	return "/boot/script" + q
}

// platform is iPXE's ${platform} for a boot mode.
func platform(f inventory.Firmware) string {
	switch f {
	case inventory.BIOS:
		return "pcbios"
	case inventory.UEFI:
		return "efi"
	}
	return ""
}

// BaseURL is where the boot server at address and port is reached by plain HTTP:
// firmware knows no other scheme for certain.
func BaseURL(server netip.Addr, port uint16) string {
	if port == 80 && server.Is4() {
		return "http://" + server.String()
	}
	return "http://" + netip.AddrPortFrom(server, port).String()
}
