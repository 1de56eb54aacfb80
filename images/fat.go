package images

import (
	"encoding/binary"
	"io"

	"rackwright/fault"
)

// fat reads directories of a FAT12, FAT16 or FAT32 file system ("Microsoft FAT
// Specification", 2004). It takes a few kilobytes whatever the boot sector
// claims, because an uploaded image is hostile until proven.
type fat struct {
	r           *io.SectionReader
	cluster     int64 // bytes
	table       int64 // offset of the first FAT
	data        int64 // offset of cluster 2
	clusters    uint32
	bits        int // 12, 16 or 32
	root        int64
	rootBytes   int64
	rootCluster uint32
}

// maxDirectory bounds a directory: FAT allows 65,536 entries of 32 bytes.
const maxDirectory = 65536 * 32

// listEFIBoot lists the files of EFI/BOOT by 8.3 name, padded as on disk ("BOOTX64 EFI").
// Every name that matters there is its own short name.
func listEFIBoot(r *io.SectionReader) (map[string]bool, error) {
	fs, err := openFAT(r)
	if err != nil {
		return nil, err
	}
	dir, err := fs.readRoot()
	for _, name := range []string{"EFI        ", "BOOT       "} {
		if err != nil {
			return nil, err
		}
		first, ok := dir.folders[name]
		if !ok {
			return map[string]bool{}, nil
		}
		dir, err = fs.readChain(first)
	}
	return dir.files, err
}

func openFAT(r *io.SectionReader) (*fat, error) {
	b := make([]byte, sector)
	if err := readFull(r, b, 0); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	bps, spc := int64(le.Uint16(b[11:])), int64(b[13])
	reserved, copies, rootEntries := int64(le.Uint16(b[14:])), int64(b[16]), int64(le.Uint16(b[17:]))
	total, perFAT := int64(le.Uint16(b[19:])), int64(le.Uint16(b[22:]))
	if total == 0 {
		total = int64(le.Uint32(b[32:]))
	}
	if perFAT == 0 {
		perFAT = int64(le.Uint32(b[36:]))
	}
	if bps < 512 || bps > 4096 || bps&(bps-1) != 0 || spc == 0 || spc&(spc-1) != 0 || reserved == 0 || copies == 0 || perFAT == 0 {
		return nil, fault.Invalidf("the EFI system partition is not a FAT file system")
	}
	rootBytes := (rootEntries*32 + bps - 1) / bps * bps
	root := (reserved + copies*perFAT) * bps
	clusters := (total*bps - root - rootBytes) / (spc * bps)
	if clusters <= 0 || root+rootBytes > r.Size() {
		return nil, fault.Invalidf("the EFI system partition has a damaged boot sector")
	}
	return &fat{r: r, cluster: spc * bps, table: reserved * bps, data: root + rootBytes, clusters: uint32(clusters),
		bits: fatBits(le.Uint16(b[22:]), clusters), root: root, rootBytes: rootBytes, rootCluster: le.Uint32(b[44:])}, nil
}

// fatBits: a volume without a 16-bit FAT size is FAT32 to EDK2 and Linux, however few
// clusters it has (mkfs.vfat -F 32 on a small partition); else the count decides
// (FAT Specification, section 3.5).
func fatBits(fat16Sectors uint16, clusters int64) int {
	switch {
	case fat16Sectors == 0:
		return 32
	case clusters < 4085:
		return 12
	}
	return 16
}

func (f *fat) readRoot() (directory, error) {
	if f.bits == 32 {
		return f.readChain(f.rootCluster)
	}
	return f.readRun(f.root, min(f.rootBytes, maxDirectory), newDirectory())
}

// readChain reads the directory that starts at a cluster.
func (f *fat) readChain(c uint32) (directory, error) {
	dir := newDirectory()
	for read := int64(0); c >= 2 && c-2 < f.clusters; read += f.cluster {
		if read >= maxDirectory {
			return dir, fault.Invalidf("a directory of the EFI system partition does not end")
		}
		var err error
		if dir, err = f.readRun(f.data+int64(c-2)*f.cluster, f.cluster, dir); err != nil || dir.ended {
			return dir, err
		}
		if c, err = f.next(c); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

func (f *fat) readRun(off, n int64, dir directory) (directory, error) {
	b := make([]byte, n)
	if err := readFull(f.r, b, off); err != nil {
		return dir, err
	}
	for ; len(b) >= 32 && !dir.ended; b = b[32:] {
		dir.add(b[:32])
	}
	return dir, nil
}

// next follows the chain one link; an end marker is beyond the last cluster.
func (f *fat) next(c uint32) (uint32, error) {
	var b [4]byte
	off := int64(c) * int64(f.bits) / 8
	if err := readFull(f.r, b[:(f.bits+15)/16*2], f.table+off); err != nil {
		return 0, err
	}
	v := binary.LittleEndian.Uint32(b[:])
	switch {
	case f.bits == 32:
		return v & 0x0fffffff, nil
	case f.bits == 12 && c%2 == 1:
		return v >> 4 & 0xfff, nil
	case f.bits == 12:
		return v & 0xfff, nil
	}
	return v & 0xffff, nil
}

// directory is what add has seen: files, and folders with their first cluster.
type directory struct {
	files   map[string]bool
	folders map[string]uint32
	ended   bool
}

func newDirectory() directory {
	return directory{files: map[string]bool{}, folders: map[string]uint32{}}
}

func (d *directory) add(e []byte) {
	const label, folder = 0x08, 0x10 // a long name entry carries label too
	switch attr := e[11]; {
	case e[0] == 0:
		d.ended = true
	case e[0] == 0xe5 || attr&label != 0: // deleted, label or long name
	case attr&folder != 0:
		le := binary.LittleEndian
		d.folders[string(e[:11])] = uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:]))
	default:
		d.files[string(e[:11])] = true
	}
}
