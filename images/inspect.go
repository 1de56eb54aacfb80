package images

import (
	"bytes"
	"io"

	"rackwright/fault"
	"rackwright/inventory"
)

// Layout is what an image holds, as far as booting it goes.
type Layout struct {
	Arch     string               // amd64 or arm64
	Firmware []inventory.Firmware // boot modes it can boot in; never empty
}

// Inspect reads the partition table and the boot loaders of a raw disk image of size
// bytes. Anything that no machine could boot is Invalid, with what was found instead.
func Inspect(r io.ReaderAt, size int64) (Layout, error) {
	head := make([]byte, min(size, HeadBytes))
	if err := readFull(r, head, 0); err != nil {
		return Layout{}, err
	}
	if err := CheckHead(head); err != nil {
		return Layout{}, err
	}
	parts, err := readGPT(r, size)
	if err != nil {
		return Layout{}, err
	}
	layout := Layout{Arch: "amd64"}
	if bootsBIOS(head, parts) {
		layout.Firmware = append(layout.Firmware, inventory.BIOS)
	}
	if arch := loaderArch(r, parts); arch != "" {
		layout.Arch = arch
		layout.Firmware = append(layout.Firmware, inventory.UEFI)
	}
	if layout.Arch != "amd64" { // only x86 has BIOS firmware
		layout.Firmware = []inventory.Firmware{inventory.UEFI}
	}
	if len(layout.Firmware) == 0 {
		return Layout{}, fault.Invalidf("the image has a partition table but nothing that boots: no EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI on an EFI system partition, and no BIOS boot partition with boot code").
			WithHint("install a boot loader in the image; for UEFI at the removable-media path (grub-install --removable)")
	}
	return layout, nil
}

// bootsBIOS: GRUB keeps its core in a BIOS boot partition and starts it from the boot
// code of the MBR; syslinux's MBR code looks for the legacy bootable attribute.
func bootsBIOS(mbr []byte, parts []partition) bool {
	code := mbr[:440]
	if len(bytes.Trim(code, "\x00")) == 0 {
		return false
	}
	for _, p := range parts {
		if p.kind == biosBootType || p.legacyBoot {
			return true
		}
	}
	return false
}

// loaderArch returns the architecture of the loader at the removable-media path (UEFI
// 2.10, section 3.5.1.1), amd64 before arm64; "" when no system partition has one. A
// system partition whose file system cannot be read counts as amd64: the firmware
// may know better.
func loaderArch(r io.ReaderAt, parts []partition) string {
	found := ""
	for _, p := range parts {
		if p.kind != espType {
			continue
		}
		loaders, err := listEFIBoot(io.NewSectionReader(r, p.start, p.bytes))
		switch {
		case err != nil || loaders["BOOTX64 EFI"]:
			return "amd64"
		case loaders["BOOTAA64EFI"]:
			found = "arm64"
		}
	}
	return found
}

// readFull reads exactly len(p) bytes; a reader that ends early is Invalid.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		return fault.Invalidf("the image cannot be read at byte %d: %w", off+int64(n), err)
	}
	return nil
}
