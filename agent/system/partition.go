// Package system works inside a system that lies on a disk: it mounts a partition for a
// moment, places files there, and finds the kernel the system would boot. It writes no
// images and no partition tables.
package system

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
)

// Partition is a partition of a disk and the file system on it.
type Partition struct {
	Path  string // device node, e.g. /dev/vda3
	Kind  string // of its file system, as mount calls it; empty: none we mount
	Label string // of the file system
}

// Partitions lists the partitions of a disk (its device node) in their order. sys is
// where sysfs is, dev where device nodes are.
func Partitions(sys, dev, disk string) ([]Partition, error) {
	name := filepath.Base(disk)
	entries, err := os.ReadDir(filepath.Join(sys, "block", name))
	if err != nil {
		return nil, fault.Unreachablef("the partitions of %s cannot be listed: %w", disk, err).WithHint("the disk may be gone: look at its cable")
	}
	found := map[int]Partition{}
	for _, e := range entries {
		n, err := os.ReadFile(filepath.Join(sys, "block", name, e.Name(), "partition"))
		number, bad := strconv.Atoi(strings.TrimSpace(string(n)))
		if err != nil || bad != nil || number < 1 {
			continue
		}
		p := Partition{Path: filepath.Join(dev, e.Name())}
		if f, err := os.Open(p.Path); err == nil {
			p.Kind, p.Label = identify(f)
			f.Close()
		}
		found[number] = p
	}
	var list []Partition
	for _, number := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[number])
	}
	return list, nil
}

// identify tells a file system that we mount and its label.
func identify(r io.ReaderAt) (kind, label string) {
	head := make([]byte, 4096)
	n, _ := r.ReadAt(head, 0) // a short one is padded with zeros: nothing is found there
	clear(head[n:])
	switch {
	case binary.LittleEndian.Uint16(head[1024+56:]) == 0xef53: // ext2/3/4 superblock, s_magic
		return "ext4", text(head[1024+120 : 1024+136])
	case string(head[:4]) == "XFSB":
		return "xfs", text(head[108:120])
	case string(head[82:90]) == "FAT32   ":
		return "vfat", text(head[71:82])
	case string(head[54:59]) == "FAT16" || string(head[54:59]) == "FAT12":
		return "vfat", text(head[43:54])
	}
	super := make([]byte, 1024)
	if n, _ := r.ReadAt(super, 64<<10); n == len(super) && string(super[64:72]) == "_BHRfS_M" {
		return "btrfs", text(super[299:555])
	}
	return "", ""
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimRight(string(b), " ")
}
