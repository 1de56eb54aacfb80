package ramdisk

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/klauspost/compress/zstd"

	"rackwright/fault"
)

// archive is a cpio archive in the format "newc" that the kernel unpacks (its
// Documentation/driver-api/early-userspace/buffer-format.rst). Owner and times are zero.
type archive struct {
	bytes.Buffer
	inode int
	made  map[string]bool
}

// The file types in a mode.
const (
	modeDir  = 0o040000
	modeFile = 0o100000
	modeLink = 0o120000
)

func (a *archive) directories(names ...string) {
	for _, name := range names {
		if a.made == nil {
			a.made = map[string]bool{}
		}
		if name != "." && !a.made[name] {
			a.directories(path.Dir(name))
			a.made[name] = true
			a.record(name, modeDir|0o755, nil)
		}
	}
}

func (a *archive) file(name string, permissions uint32, content []byte) {
	a.directories(path.Dir(name))
	a.record(name, modeFile|permissions, content)
}

func (a *archive) link(name, target string) {
	a.directories(path.Dir(name))
	a.record(name, modeLink|0o777, []byte(target))
}

func (a *archive) record(name string, mode uint32, content []byte) {
	a.inode++
	links := 1
	if mode&modeDir != 0 {
		links = 2
	}
	fmt.Fprintf(a, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", a.inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name)+1, 0)
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(content)
	a.pad()
}

func (a *archive) pad() { a.Write(make([]byte, -a.Len()&3)) }

func (a *archive) finish() []byte {
	a.inode = -1
	a.record("TRAILER!!!", 0, nil)
	return a.Bytes()
}

// compress makes one zstd frame. Windows stay at 8 MiB, which every kernel's decoder
// accepts; CONFIG_RD_ZSTD is set by Debian and Ubuntu.
func compress(b []byte) ([]byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return nil, fault.Internalf("zstd: %w", err)
	}
	defer enc.Close()
	return enc.EncodeAll(b, nil), nil
}

func sortedKeys(m map[string][]byte) []string { return slices.Sorted(maps.Keys(m)) }
