package images

import (
	"bytes"

	"rackwright/fault"
)

// HeadBytes is how much of a file CheckHead and Sniff look at.
const HeadBytes = 40 << 10

// CheckHead refuses the start of a file (up to HeadBytes of it) that cannot be a raw
// disk image with a partition table, and says what it looks like instead.
func CheckHead(head []byte) error {
	if kind := Sniff(head); kind != "" {
		return fault.Invalidf("the file is %s, not a disk image", kind).WithHint("%s", hintFor(kind))
	}
	if len(head) < 512 {
		return fault.Invalidf("the file has %d bytes: too short for a disk image", len(head)).
			WithHint("add a raw or qcow2 disk image")
	}
	if head[510] != 0x55 || head[511] != 0xaa {
		return fault.Invalidf("the file has no partition table: bytes 510 and 511 are %02x %02x, not 55 aa", head[510], head[511]).
			WithHint("add a whole-disk image with a GPT, raw or qcow2; a bare file system cannot boot")
	}
	return nil
}

func hintFor(kind string) string {
	switch kind {
	case vmdk, vhd, vhdx, vdi:
		return "convert it first: qemu-img convert -O qcow2 -c IN OUT.qcow2"
	case ISO:
		return "an installer ISO is not an installed system: add it with --kind iso, or add the distribution's cloud image (raw or qcow2)"
	case Tarball:
		return "a root file system is added with --kind rootfs; a disk image in a tar archive is unpacked first"
	case zipped:
		return "unpack it and add the disk image inside"
	}
	return "add a raw or qcow2 disk image, plain or wrapped once in gzip, xz or zstd"
}

// What a file can turn out to be.
const (
	Gzip    = "a gzip file"
	XZ      = "an xz file"
	Zstd    = "a zstd file"
	bzipped = "a bzip2 file"
	Tarball = "a tar archive"
	zipped  = "a zip archive"
	ISO     = "an ISO 9660 image"
	vmdk    = "a VMware disk"
	vhdx    = "a Hyper-V disk (vhdx)"
	vhd     = "a Virtual PC disk (vhd)"
	vdi     = "a VirtualBox disk"
	QCOW2   = "a qcow2 image"
	squash  = "a squashfs file system"
	ext     = "an ext2/3/4 file system without a partition table"
	page    = "a web page"
)

type magic struct {
	kind   string
	offset int
	bytes  string
}

// Sniff names what a file is by its magic bytes, e.g. "a tar archive"; "" when they are
// of nothing it knows, as those of a raw disk image are.
func Sniff(head []byte) string {
	for _, m := range [...]magic{
		{Gzip, 0, "\x1f\x8b"}, {XZ, 0, "\xfd7zXZ\x00"}, {Zstd, 0, "\x28\xb5\x2f\xfd"}, {bzipped, 0, "BZh"},
		{Tarball, 257, "ustar"}, {zipped, 0, "PK\x03\x04"}, {QCOW2, 0, "QFI\xfb"},
		{vmdk, 0, "KDMV"}, {vmdk, 0, "# Disk DescriptorFile"}, {vhdx, 0, "vhdxfile"}, {vhd, 0, "conectix"},
		{vdi, 0x40, "\x7f\x10\xda\xbe"}, {squash, 0, "hsqs"}, {page, 0, "<!DOCTYPE html"}, {page, 0, "<!doctype html"}, {page, 0, "<html"},
	} {
		if len(head) >= m.offset && bytes.HasPrefix(head[m.offset:], []byte(m.bytes)) {
			return m.kind
		}
	}
	return sniffDisk(head)
}

// sniffDisk tells apart what may also be a disk: hybrid ISO images carry a partition
// table too, and a file system is not one.
func sniffDisk(head []byte) string {
	at := func(off int, s string) bool { return len(head) >= off && bytes.HasPrefix(head[off:], []byte(s)) }
	hasTable := at(510, "\x55\xaa")
	switch {
	case at(32769, "CD001"):
		return ISO
	case !hasTable && at(1080, "\x53\xef"):
		return ext
	}
	return ""
}
