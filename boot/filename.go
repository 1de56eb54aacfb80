package boot

import (
	"encoding/hex"
	"net/netip"
	"path"
	"strings"

	"rackwright/inventory"
)

// Wanted is a file that a loader asks for by name and that is another for each machine.
type Wanted struct {
	Tongue string        // ipxe, grub, pxelinux
	MAC    inventory.MAC // of the machine, zero when the name has none
	UUID   string        // of the machine in lower case, "" when the name has none; its first fields may be in either byte order
	Addr   netip.Addr    // of the machine, invalid when the name has none; without any of them whose it is says the asker's address
}

// ParseFileName reads the names that loaders try in turn, in whatever folder: of PXELINUX
// and U-Boot pxelinux.cfg/UUID, /01-MAC and /ADDRESS, of GRUB grub.cfg-UUID, -01-MAC,
// -ADDRESS and grub.cfg, an address being eight hexadecimal digits, by IPv6 eight numbers
// with dashes between; and of ours, MAC/boot.ipxe, mac-MAC/boot.ipxe and UUID/boot.ipxe,
// .../grub.cfg and .../pxelinux.cfg.
func ParseFileName(name string) (w Wanted, ok bool) {
	folder, file := path.Split(name)
	folder = path.Base(folder)
	w.Tongue = map[string]string{"boot.ipxe": "ipxe", "grub.cfg": "grub", "pxelinux.cfg": "pxelinux"}[file]
	if w.MAC, ok = dashed(strings.TrimPrefix(folder, "mac-")); ok {
		return w, w.Tongue != ""
	}
	if w.UUID, ok = uuid(folder); ok {
		return w, w.Tongue != ""
	}
	switch rest, grub := strings.CutPrefix(file, "grub.cfg"); {
	case grub && rest == "":
		return Wanted{Tongue: "grub"}, true
	case grub && rest[0] == '-':
		return named("grub", rest[1:])
	case folder == "pxelinux.cfg":
		return named("pxelinux", file)
	}
	return w, false
}

func named(tongue, who string) (Wanted, bool) {
	if b, err := hex.DecodeString(who); err == nil && len(b) == 4 {
		return Wanted{Tongue: tongue, Addr: netip.AddrFrom4([4]byte(b))}, true
	}
	if id, ok := uuid(who); ok {
		return Wanted{Tongue: tongue, UUID: id}, true
	}
	if a, err := netip.ParseAddr(strings.ReplaceAll(who, "-", ":")); err == nil && strings.Count(who, "-") == 7 {
		return Wanted{Tongue: tongue, Addr: a}, true
	}
	who, ethernet := strings.CutPrefix(who, "01-")
	mac, ok := dashed(who)
	return Wanted{Tongue: tongue, MAC: mac}, ok && ethernet
}

// uuid reads a system UUID as loaders write it.
func uuid(s string) (string, bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return "", false
	}
	_, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	return strings.ToLower(s), err == nil && strings.Count(s, "-") == 4
}

// Swapped is a UUID with its first three fields in the other byte order: firmware and
// loaders do not agree on which one SMBIOS means.
func Swapped(id string) string {
	if _, ok := uuid(id); !ok {
		return ""
	}
	turn := func(field string) (out string) {
		for ; field != ""; field = field[2:] {
			out = field[:2] + out
		}
		return out
	}
	return turn(id[:8]) + "-" + turn(id[9:13]) + "-" + turn(id[14:18]) + id[18:]
}

// dashed reads a MAC with dashes or colons.
func dashed(s string) (inventory.MAC, bool) {
	if len(s) != 17 {
		return inventory.MAC{}, false
	}
	mac, err := inventory.ParseMAC(strings.ReplaceAll(s, "-", ":"))
	return mac, err == nil
}
