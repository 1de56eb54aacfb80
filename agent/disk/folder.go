package disk

import (
	"encoding/binary"
	"fmt"
	"strings"

	"rackwright/fault"
)

// folder is a directory of the seed before it has a place.
type folder struct {
	name    string
	files   []File // names without directories
	folders []*folder
}

// maxPath bounds a file's name with its directories, in bytes.
const maxPath = 255

// newFolder sorts files into their directories.
func newFolder(files []File) (*folder, error) {
	root := &folder{}
	for _, f := range files {
		at, parts := root, strings.Split(f.Name, "/")
		if len(f.Name) > maxPath {
			return nil, fault.Invalidf("a seed file's name has %d bytes", len(f.Name))
		}
		for i, part := range parts {
			if part == "" || part == "." || part == ".." || len(part) > 64 || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r > '~' }) {
				return nil, fault.Invalidf("seed file name %q", f.Name)
			}
			if i < len(parts)-1 {
				at = at.below(part)
			}
		}
		at.files = append(at.files, File{parts[len(parts)-1], f.Content})
	}
	return root, nil
}

func (d *folder) below(name string) *folder {
	for _, sub := range d.folders {
		if sub.name == name {
			return sub
		}
	}
	sub := &folder{name: name}
	d.folders = append(d.folders, sub)
	return sub
}

// entries is how many directory entries its contents take.
func (d *folder) entries() (n int) {
	for _, f := range d.files {
		n += 1 + longParts(f.Name)
	}
	for _, sub := range d.folders {
		n += 1 + longParts(sub.name)
	}
	return n
}

func longParts(name string) int { return (len(name) + 12) / 13 }

// directory is a directory of the volume being filled.
type directory struct {
	v       *volume
	cluster int    // its first; 0: the root
	left    []byte // what is left of it
}

// fill stores a folder's files and the folders below.
func (d *directory) fill(from *folder) error {
	if 32*from.entries() > len(d.left) {
		return fault.Invalidf("the seed has too many files in one directory")
	}
	for _, f := range from.files {
		first, space, err := d.v.take(f.Name, len(f.Content))
		if err != nil {
			return err
		}
		copy(space, f.Content)
		d.name(f.Name, 0x20, first, len(f.Content))
	}
	for _, sub := range from.folders {
		first, space, err := d.v.take(sub.name, 32*(2+sub.entries()))
		if err != nil {
			return err
		}
		d.name(sub.name, 0x10, first, 0)
		below := &directory{v: d.v, cluster: first, left: space}
		below.entry(".          ", 0x10, first, 0)
		below.entry("..         ", 0x10, d.cluster, 0)
		if err := below.fill(sub); err != nil {
			return err
		}
	}
	return nil
}

// name appends the entries of a file or directory.
func (d *directory) name(name string, attributes byte, cluster, size int) {
	short := shortName(name, d.v.number)
	d.v.number++
	d.longName(name, short)
	d.entry(short, attributes, cluster, size)
}

// entry appends a directory entry with an eleven character name.
func (d *directory) entry(name string, attributes byte, cluster, size int) {
	e, le := d.left[:32], binary.LittleEndian
	copy(e, name)
	e[11] = attributes
	le.PutUint16(e[16:], dosDate)
	le.PutUint16(e[18:], dosDate)
	le.PutUint16(e[24:], dosDate)
	le.PutUint16(e[26:], uint16(cluster))
	le.PutUint32(e[28:], uint32(size))
	d.left = d.left[32:]
}

// longName appends the entries that carry the long name, last part first.
func (d *directory) longName(name, short string) {
	var sum byte
	for i := range 11 {
		sum = sum>>1 | sum<<7
		sum += short[i]
	}
	parts := longParts(name)
	for part := parts; part > 0; part-- {
		e := d.left[:32]
		e[0], e[11], e[13] = byte(part), 0x0f, sum
		if part == parts {
			e[0] |= 0x40
		}
		for i, at := range [13]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
			binary.LittleEndian.PutUint16(e[at:], longChar(name, 13*(part-1)+i))
		}
		d.left = d.left[32:]
	}
}

// longChar is character i of a long name, then one NUL, then 0xffff.
func longChar(name string, i int) uint16 {
	switch {
	case i < len(name):
		return uint16(name[i])
	case i == len(name):
		return 0
	}
	return 0xffff
}

// shortName makes a unique 8.3 name of a long one.
func shortName(name string, number int) string {
	stem := strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
	tail := fmt.Sprintf("~%d", number)
	return fmt.Sprintf("%-8s   ", stem[:min(len(stem), 8-len(tail))]+tail)
}
