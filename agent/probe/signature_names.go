package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// magic is a signature at one place; a negative offset counts from the end.
type magic struct {
	off   int64
	magic string
	name  string
}

// magics are the signatures that one look tells, as the formats' own documentation and the
// kernel's headers have them.
func magics() []magic {
	return []magic{
		{0, "XFSB", "XFS"},
		{0x10040, "_BHRfS_M", "btrfs"},
		{3, "NTFS    ", "NTFS"},
		{3, "EXFAT   ", "exFAT"},
		{3, "-FVE-FS-", "BitLocker"},
		{0, "LUKS\xba\xbe", "LUKS"},
		{0x4000, "SKUL\xba\xbe", "LUKS"}, // second header of LUKS2 whose first was lost
		{4096 + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", "bcache"},
		{0x8001, "CD001", "ISO 9660"},
		{0, "hsqs", "squashfs"},
		{1024, "\xe2\xe1\xf5\xe0", "EROFS"},
		{1024, "\x10\x20\xf5\xf2", "F2FS"},
		{0, "bluestore block device", "Ceph BlueStore"},
		{32, "ORCLDISK", "Oracle ASM"},
		{0x8000, "JFS1", "JFS"},
		{0x10034, "ReIsErFs", "ReiserFS"},
		{0x10034, "ReIsEr2Fs", "ReiserFS"},
		{0x10034, "ReIsEr3Fs", "ReiserFS"},
		{0x10000, "\x01\x16\x19\x70", "GFS2"},
		{0x1000, "OCFSV2", "OCFS2"},
		{0x100000, "\x0d\xd0\x01\xc0", "VMFS"},
		{32, "NXSB", "APFS"},
		{1024, "H+\x00\x04", "HFS+"},
		{1024, "HX\x00\x05", "HFS+"},
	}
}

// ext tells the generations of one superblock apart by their features.
func (v *volume) ext() string {
	if v.le16(1024+56) != 0xef53 {
		return ""
	}
	compat, incompat, readOnly := v.le32(1024+92), v.le32(1024+96), v.le32(1024+100)
	const (
		hasJournal  = 0x4                      // compat
		journal     = 0x8                      // incompat
		newerNeeds  = 0x40 | 0x80 | 0x200      // incompat: extents, 64bit, flex_bg
		newerCarrys = 0x8 | 0x10 | 0x20 | 0x40 // ro_compat: huge_file, gdt_csum, dir_nlink, extra_isize
	)
	switch {
	case incompat&journal != 0:
		return "ext journal"
	case incompat&newerNeeds != 0 || readOnly&newerCarrys != 0:
		return "ext4"
	case compat&hasJournal != 0:
		return "ext3"
	}
	return "ext2"
}

// fat wants the boot sector's mark and the type's name, which mkfs writes for people.
func (v *volume) fat() string {
	if v.le16(510) != 0xaa55 {
		return ""
	}
	for off, name := range map[int64]string{54: "FAT12   ", 82: "FAT32   "} {
		if v.is(off, name) {
			return "FAT"
		}
	}
	if v.is(54, "FAT16   ") || v.is(54, "FAT     ") {
		return "FAT"
	}
	return ""
}

// swap has its mark at the end of the first page, whatever the machine's pages are.
func (v *volume) swap() string {
	for _, page := range []int64{4 << 10, 8 << 10, 16 << 10, 64 << 10} {
		for _, mark := range []string{"SWAPSPACE2", "SWAP-SPACE", "S1SUSPEND\x00", "S2SUSPEND\x00", "ULSUSPEND\x00"} {
			if v.is(page-10, mark) {
				return "swap"
			}
		}
	}
	return ""
}

// lvm: the label stands in one of the first four sectors.
func (v *volume) lvm() string {
	for sector := range int64(4) {
		if v.is(sector*512, "LABELONE") && v.is(sector*512+24, "LVM2 001") {
			return "LVM2 physical volume"
		}
	}
	return ""
}

const mdMagic = 0xa92b4efc

// md finds a member of a Linux software RAID by its superblock: 1.1 at the start, 1.2 at
// 4 KiB, 1.0 at least 8 KiB before the end, 0.90 in the last 64 KiB that begin at a
// multiple of as much, in the byte order of the machine that wrote it.
func (v *volume) md() string {
	sectors := v.size / 512
	for _, s := range []struct {
		at      int64
		version string
	}{{0, "1.1"}, {4096, "1.2"}, {(sectors - 16) &^ 7 * 512, "1.0"}} {
		if v.size >= 16<<10 && v.le32(s.at) == mdMagic && v.le32(s.at+4) == 1 {
			return "Linux RAID member (" + s.version + ")"
		}
	}
	if old := v.size&^(64<<10-1) - 64<<10; old >= 0 {
		if b := v.at(old, 4); b != nil && (binary.LittleEndian.Uint32(b) == mdMagic || binary.BigEndian.Uint32(b) == mdMagic) {
			return "Linux RAID member (0.90)"
		}
	}
	return ""
}

// zfs looks for an uberblock in the four labels of 256 KiB, two at each end; the ring of
// uberblocks fills the second half of a label.
func (v *volume) zfs() string {
	const label, ring = 256 << 10, 128 << 10
	end := v.size &^ (label - 1)
	for _, at := range []int64{0, label, end - 2*label, end - label} {
		if at < 0 || at+label > v.size {
			continue
		}
		b := v.at(at+ring, ring)
		for off := 0; off+8 <= len(b); off += 1 << 10 {
			if m := b[off : off+8]; binary.LittleEndian.Uint64(m) == 0x00bab10c || binary.BigEndian.Uint64(m) == 0x00bab10c {
				return "ZFS"
			}
		}
	}
	return ""
}

// raid finds the metadata that firmware and controllers keep at the end of a disk: SNIA
// DDF (2.0, section 4.2.1: the anchor is in the last block), Intel Matrix, Adaptec, LSI,
// NVIDIA and Promise.
func (v *volume) raid() string {
	last := v.at(-512, 512)
	if len(last) < 512 {
		return ""
	}
	switch {
	case bytes.HasPrefix(last, []byte("\xde\x11\xde\x11")), v.is(-4096, "\xde\x11\xde\x11"), v.is(-257*512, "\xde\x11\xde\x11"):
		return "DDF RAID member"
	case v.is(-1024, "Intel Raid ISM Cfg Sig. "), v.is(-8192, "Intel Raid ISM Cfg Sig. "):
		return "Intel RAID member"
	case bytes.HasPrefix(last, []byte("\x37\xfc\x4d\x1e")) && bytes.Contains(last, []byte("DPTM")):
		return "Adaptec RAID member"
	case bytes.HasPrefix(last, []byte("$XIDE$")):
		return "LSI RAID member"
	case v.is(-1024, "NVIDIA"):
		return "NVIDIA RAID member"
	}
	for _, sectors := range []int64{63, 255, 256, 16, 399, 591, 675, 735, 911, 974, 991, 951, 3087} {
		if v.is(-sectors*512, "Promise Technology, Inc.") {
			return "Promise RAID member"
		}
	}
	return ""
}

// udf: the volume recognition sequence begins at 32 KiB (ECMA-167, part 2, section 8.3).
func (v *volume) udf() string {
	for block := range int64(16) {
		if b := v.at(0x8001+block*2048, 5); b != nil && strings.HasPrefix(string(b), "NSR0") {
			return "UDF"
		}
	}
	return ""
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
