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
	Addr   netip.Addr    // of the machine, invalid when the name has none; without either whose it is says the asker's address
}

// ParseFileName reads the names that loaders try in turn, in whatever folder: of PXELINUX
// and U-Boot pxelinux.cfg/01-MAC and pxelinux.cfg/ADDRESS, of GRUB grub.cfg-01-MAC,
// grub.cfg-ADDRESS and grub.cfg, an address being eight hexadecimal digits; and of ours,
// MAC/boot.ipxe and mac-MAC/boot.ipxe, .../grub.cfg and .../pxelinux.cfg.
func ParseFileName(name string) (w Wanted, ok bool) {
	folder, file := path.Split(name)
	folder = path.Base(folder)
	if mac, ok := dashed(strings.TrimPrefix(folder, "mac-")); ok {
		tongue := map[string]string{"boot.ipxe": "ipxe", "grub.cfg": "grub", "pxelinux.cfg": "pxelinux"}[file]
		return Wanted{Tongue: tongue, MAC: mac}, tongue != ""
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
	who, ethernet := strings.CutPrefix(who, "01-")
	mac, ok := dashed(who)
	return Wanted{Tongue: tongue, MAC: mac}, ok && ethernet
}

// dashed reads a MAC with dashes or colons.
func dashed(s string) (inventory.MAC, bool) {
	if len(s) != 17 {
		return inventory.MAC{}, false
	}
	mac, err := inventory.ParseMAC(strings.ReplaceAll(s, "-", ":"))
	return mac, err == nil
}
