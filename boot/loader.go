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
// names none; U-Boot (21, 22) is its own. Firmware for x86-64 sends 7 or, after the RFC's own mix-up, 9.
const (
	ArchBIOS       Arch = 0
	ArchIA32       Arch = 6 // no loader
	ArchX64        Arch = 7
	ArchX64Other   Arch = 9
	ArchARM64      Arch = 11
	ArchIA32HTTP   Arch = 15 // no loader
	ArchX64HTTP    Arch = 16
	ArchARM64HTTP  Arch = 19
	ArchARMUBoot   Arch = 21
	ArchARM64UBoot Arch = 22
	ArchUnknown    Arch = 0xffff
)

// String names the architecture for people.
func (a Arch) String() string {
	if a == ArchUnknown {
		return "unknown"
	}
	if f := a.firm(); f != nil {
		return f.name
	}
	return fmt.Sprintf("type-%d", uint16(a))
}

// Firmware is the boot mode the architecture implies, "" when it implies none.
func (a Arch) Firmware() inventory.Firmware {
	if f := a.firm(); f != nil {
		return f.mode
	}
	return ""
}

// Machine is the processor as kernels and images name it: amd64 or arm64.
func (a Arch) Machine() string {
	if f := a.firm(); f != nil && f.machine != "" {
		return f.machine
	}
	return "amd64"
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

// ReadsConfig reports whether the client needs no loader, because it reads
// pxelinux.cfg/01-MAC by TFTP itself: U-Boot, whose vendor class is its builder's choice.
func (c Client) ReadsConfig() bool {
	f := c.Arch.firm()
	return c.Class != IPXE && f != nil && f.uboot
}

// Next is what the client loads next: a file name to be had by TFTP from the same
// server, or an http URL below base. It is "" when nothing can be offered. The loader is of
// the wished kind where the shelf has it, else the built-in one; a nil shelf has those only.
func (c Client) Next(base string, wish Kind, shelf *Loaders) string {
	file := ""
	if f := c.Arch.firm(); f != nil {
		file = f.file(wish, shelf)
	}
	switch {
	case c.Class == IPXE:
		return c.Script(base)
	case file == "":
		return ""
	case c.Class == HTTP:
		return base + "/boot/" + file
	case c.Class == PXE:
		return file
	}
	return ""
}

// Script is the URL of the client's script. It is short on purpose: with an IPv4 base it fits the 127
// bytes of the BOOTP header's file field. The names and values are iPXE's own settings.
func (c Client) Script(base string) string {
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
	return base + "/boot/script" + q
}

// Query is how a loader of the host asks for its script in a tongue.
func (h *Host) Query(tongue string) url.Values {
	q := url.Values{"mac": {h.MAC.String()}, "format": {tongue}}
	if p := platform(h.Firmware); p != "" {
		q.Set("platform", p)
	}
	return q
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

// Base is where a client loads from: by HTTPS when its firmware loads by HTTP and holds our
// authority, else by plain HTTP. A port 0 is of no server.
func (v *View) Base(c Client, h *Host, server netip.Addr, plain, secure uint16) string {
	if c.Class == HTTP && h != nil && secure != 0 && v.LoadsSecurely(h) {
		return "https://" + netip.AddrPortFrom(server, secure).String()
	}
	return BaseURL(server, plain)
}

// LoadsSecurely reports whether a host's firmware holds our authority, by its model.
func (v *View) LoadsSecurely(h *Host) bool { return v.models.HTTPS[h.Model] }

// BaseURL is where the boot server at address and port is reached by plain HTTP:
// firmware knows no other scheme for certain.
func BaseURL(server netip.Addr, port uint16) string {
	if port == 80 && server.Is4() {
		return "http://" + server.String()
	}
	return "http://" + netip.AddrPortFrom(server, port).String()
}
