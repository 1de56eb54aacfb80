package images

import (
	"encoding/binary"
	"io"

	"rackwright/fault"
	"rackwright/inventory"
)

// isoSector is the size of a sector of a CD, bytes.
const isoSector = 2048

// InspectISO says in which modes an ISO 9660 image boots from a CD ("El Torito" Bootable
// CD-ROM Format Specification 1.0). It does not tell the architecture.
func InspectISO(r io.ReaderAt, size int64) ([]inventory.Firmware, error) {
	b := make([]byte, isoSector)
	if size < 18*isoSector || readFull(r, b, 16*isoSector) != nil || string(b[1:6]) != "CD001" {
		return nil, fault.Invalidf("the file is not an ISO 9660 image").WithHint("add it as what it is: its kind (--kind) is disk, rootfs or netboot")
	}
	if err := readFull(r, b, 17*isoSector); err != nil {
		return nil, err
	}
	if b[0] != 0 || string(b[7:30]) != "EL TORITO SPECIFICATION" {
		return nil, fault.Invalidf("the ISO image does not boot: it has no El Torito boot record").WithHint("add the publisher's bootable image")
	}
	at := int64(binary.LittleEndian.Uint32(b[0x47:])) * isoSector
	if at > size-isoSector {
		return nil, fault.Invalidf("the ISO image is cut short: its boot catalogue lies at byte %d of %d", at, size).
			WithHint("fetch it again and compare its SHA-256 with the publisher's")
	}
	if err := readFull(r, b, at); err != nil {
		return nil, err
	}
	return bootModes(b)
}

// bootModes reads a boot catalogue: a validation entry whose platform is that of the
// default entry, then sections with a header each (90h: more follow, 91h: the last).
func bootModes(catalogue []byte) ([]inventory.Firmware, error) {
	const x86, efi, bootable = 0, 0xef, 0x88
	found := map[byte]bool{}
	if catalogue[0] == 1 && catalogue[32] == bootable {
		found[catalogue[1]] = true
	}
	for at := 64; at+32 <= len(catalogue); {
		head := catalogue[at]
		if head != 0x90 && head != 0x91 {
			break
		}
		platform, entries := catalogue[at+1], int(binary.LittleEndian.Uint16(catalogue[at+2:]))
		for at += 32; entries > 0 && at+32 <= len(catalogue); entries, at = entries-1, at+32 {
			if catalogue[at] == bootable {
				found[platform] = true
			}
		}
		if head == 0x91 {
			break
		}
	}
	var modes []inventory.Firmware
	if found[x86] {
		modes = append(modes, inventory.BIOS)
	}
	if found[efi] {
		modes = append(modes, inventory.UEFI)
	}
	if len(modes) == 0 {
		return nil, fault.Invalidf("the ISO image does not boot: its boot catalogue has no bootable entry").WithHint("add the publisher's bootable image")
	}
	return modes, nil
}
