package qemu

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"

	"rackwright/racksim"
)

// httpEntry is the number of the boot entry this package owns in a machine's UEFI
// variables, far from those the firmware and operating systems number from 0.
const httpEntry = 0xbc00

// enterSetup asks UEFI firmware to stop in its set-up at the next start. The firmware
// takes the wish back by itself (EFI_OS_INDICATIONS_BOOT_TO_FW_UI, UEFI 2.10, 8.5.4).
func enterSetup(path string) error {
	image, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("firmware variables: %w", err)
	}
	s, err := parseStore(image)
	if err != nil {
		return err
	}
	s.set("OsIndications", binary.LittleEndian.AppendUint64(nil, 1))
	if image, err = s.encode(); err != nil {
		return err
	}
	return replaceFile(path, image)
}

// setHTTPBoot writes a one-time UEFI HTTP boot into the variable file, or takes it
// out when want is nil. BootNext is what firmware itself consumes (UEFI 2.10, 3.1.2).
func setHTTPBoot(path string, m racksim.Machine, want *racksim.HTTPBoot) error {
	image, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("firmware variables: %w", err)
	}
	s, err := parseStore(image)
	if err != nil {
		return err
	}
	entry := fmt.Sprintf("Boot%04X", httpEntry)
	if want == nil {
		if s.get(entry) == nil {
			return nil
		}
		s.remove(entry)
		if next := s.get("BootNext"); len(next) == 2 && binary.LittleEndian.Uint16(next) == httpEntry {
			s.remove("BootNext")
		}
	} else {
		i := slices.IndexFunc(m.NICs, racksim.NIC.Boots)
		if i < 0 {
			return fmt.Errorf("no NIC of %s boots", m.Name)
		}
		s.set(entry, loadOption("Redfish HTTP boot", httpPath(m.NICs[i].MAC, nicSlot+i, m.NoIPv4, want.URI)))
		s.set("BootNext", binary.LittleEndian.AppendUint16(nil, httpEntry))
	}
	if image, err = s.encode(); err != nil {
		return err
	}
	return replaceFile(path, image)
}

// replaceFile writes path in one step, so that an interrupted write leaves the old one.
func replaceFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// loadOption encodes an active EFI_LOAD_OPTION (UEFI 2.10, 3.1.3).
func loadOption(description string, path []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 1)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(path)))
	b = append(b, encodeUTF16(description)...)
	return append(b, path...)
}

// httpPath is the device path PciRoot/Pci/MAC/IPv4/Uri, or with IPv6 (UEFI 2.10, 10.3): a
// NIC on the root bus, address by DHCP, the loader's URI or, when empty, DHCP's.
func httpPath(mac string, slot int, six bool, uri string) []byte {
	hw, _ := net.ParseMAC(mac)
	path := node(2, 1, []byte{0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0}) // ACPI PNP0A03, UID 0
	path = append(path, node(1, 1, []byte{0, byte(slot)})...)      // function, device
	path = append(path, node(3, 11, append(padded(hw, 32), 1))...) // Ethernet
	if six {
		address := make([]byte, 56)
		address[39] = 64                             // the prefix length of OVMF's own entry, which this has to be equal to
		path = append(path, node(3, 13, address)...) // IPv6, otherwise unset
	} else {
		path = append(path, node(3, 12, make([]byte, 23))...) // IPv4, unset
	}
	path = append(path, node(3, 24, []byte(uri))...) // URI
	return append(path, 0x7f, 0xff, 4, 0)            // end
}

func node(kind, sub byte, data []byte) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{kind, sub}, uint16(4+len(data)))
	return append(b, data...)
}

func padded(b []byte, n int) []byte {
	out := make([]byte, n)
	copy(out, b)
	return out
}
