package ramdisk

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"rackwright/fault"
)

// Bounds of what is read back.
const (
	maxContents = 16 << 20
	maxInitrd   = 1 << 30
	maxUnpacked = 2 << 30
	maxEntries  = 1 << 17
)

// Entry is a file of the archive as it lies there: a module is compressed.
type Entry struct {
	Name  string `json:"name"`
	Mode  string `json:"mode"` // as ls has it
	Bytes int64  `json:"bytes"`
	Link  string `json:"link,omitempty"`
}

// Inspection is what a ramdisk says of itself and what was found in it.
type Inspection struct {
	Folder string   `json:"folder"`
	Report Report   `json:"contents"`
	Files  []Entry  `json:"files,omitempty"`
	Wrong  []string `json:"wrong"` // what is not as contents.json has it
}

// List returns what the ramdisks of a folder say of themselves: dir may be one of them, or
// have one for each architecture. Errors: NotFound, Invalid.
func List(dir string) ([]Inspection, error) {
	var found []Inspection
	for _, folder := range []string{dir, filepath.Join(dir, "amd64"), filepath.Join(dir, "arm64")} {
		if _, err := os.Stat(filepath.Join(folder, "contents.json")); err != nil {
			continue
		}
		r, err := readContents(folder)
		if err != nil {
			return nil, err
		}
		found = append(found, Inspection{Folder: folder, Report: r, Wrong: []string{}})
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("there is no ramdisk in %s", dir).WithHint("build one: 'rackwright ramdisk build'")
	}
	return found, nil
}

// Show reads a ramdisk itself and compares it with what contents.json says of it. dir is
// the folder of one architecture. Errors: NotFound, Invalid.
func Show(dir string) (Inspection, error) {
	i := Inspection{Folder: dir, Wrong: []string{}}
	var err error
	if i.Report, err = readContents(dir); err != nil {
		return i, err
	}
	for name, want := range map[string]Stored{"vmlinuz": i.Report.Kernel, "initrd": i.Report.Initrd} {
		b, err := readBounded(filepath.Join(dir, name), maxInitrd)
		if err != nil {
			return i, fault.NotFoundf("cannot read it: %w", err).WithHint("build it again")
		}
		if stored(b) != want {
			i.Wrong = append(i.Wrong, name+" has another digest than contents.json says")
		}
		if name != "initrd" {
			continue
		}
		if i.Files, err = entries(b); err != nil {
			return i, err
		}
	}
	i.compare()
	return i, nil
}

// compare sees that each module and each firmware file that is promised is there.
func (i *Inspection) compare() {
	there := map[string]bool{}
	for _, f := range i.Files {
		there[strings.TrimPrefix(f.Name, "lib/firmware/")] = true
		if name, ok := moduleName(f.Name); ok {
			there[name] = true
		}
	}
	for _, list := range [][]Module{i.Report.Modules, i.Report.Firmware} {
		for _, m := range list {
			if !there[m.Name] {
				i.Wrong = append(i.Wrong, m.Name+" is not in the ramdisk")
			}
		}
	}
	if !there["init"] {
		i.Wrong = append(i.Wrong, "init is not in the ramdisk")
	}
}

func readContents(dir string) (r Report, err error) {
	b, err := readBounded(filepath.Join(dir, "contents.json"), maxContents)
	if err != nil {
		return r, fault.NotFoundf("cannot read the list of contents: %w", err).WithHint("name a folder that 'rackwright ramdisk build' made, e.g. boot/amd64")
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fault.Invalidf("%s/contents.json: %w", dir, err).WithHint("build it again")
	}
	return r, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, limit)
}

// entries lists the files of a compressed archive.
func entries(initrd []byte) ([]Entry, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, fault.Internalf("zstd: %w", err)
	}
	defer dec.Close()
	plain, err := dec.DecodeAll(initrd, nil)
	if err != nil {
		return nil, fault.Invalidf("the ramdisk cannot be unpacked: %w", err).WithHint("build it again")
	}
	list, ok := readArchive(plain)
	if !ok {
		return nil, fault.Invalidf("the ramdisk is no cpio archive").WithHint("build it again")
	}
	return list, nil
}

// readArchive reads a newc archive up to its trailer.
func readArchive(b []byte) (list []Entry, ok bool) {
	const head = 110
	at := 0
	field := func(n int) int {
		v, err := strconv.ParseUint(string(b[at+6+8*n:at+14+8*n]), 16, 32)
		if err != nil {
			return -1
		}
		return int(v)
	}
	for len(b)-at >= head && bytes.HasPrefix(b[at:], []byte("070701")) && len(list) < maxEntries {
		mode, size, nameSize := field(1), field(6), field(11)
		if mode < 0 || size < 0 || nameSize < 1 || nameSize > 4096 || len(b)-at-head < nameSize {
			return nil, false
		}
		name := string(b[at+head : at+head+nameSize-1])
		if name == "TRAILER!!!" {
			return list, true
		}
		start := (at + head + nameSize + 3) &^ 3
		if start > len(b) || size > len(b)-start {
			return nil, false
		}
		list = append(list, entry(name, mode, b[start:start+size]))
		at = (start + size + 3) &^ 3
		if at > len(b) {
			return nil, false
		}
	}
	return nil, false
}

func entry(name string, mode int, content []byte) Entry {
	e := Entry{Name: name, Bytes: int64(len(content))}
	kind := os.FileMode(0)
	switch mode &^ 0o7777 {
	case modeDir:
		kind = os.ModeDir
	case modeLink:
		kind = os.ModeSymlink
		e.Link = string(content[:min(len(content), 4096)])
	}
	e.Mode = (kind | os.FileMode(mode&0o777)).String()
	return e
}
