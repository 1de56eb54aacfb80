package ramdisk

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rackwright/fault"
)

// maxModule bounds an unpacked module or firmware file; the largest in use has some MiB.
const maxModule = 64 << 20

// module is an unpacked module and what it says of itself.
type module struct {
	name     string
	path     string // below the modules folder, ending in .ko
	bytes    []byte
	needs    []string // names or aliases, from depends= and softdep=pre:
	aliases  []string
	firmware []string // files it may ask for, below the firmware folder
}

// unpackFile reads a file that may be compressed, as its name says.
func unpackFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(path) {
	case ".xz":
		r, err = xz.NewReader(f)
	case ".gz":
		r, err = gzip.NewReader(f)
	case ".zst":
		var dec *zstd.Decoder
		if dec, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1)); err == nil {
			defer dec.Close()
			r = dec
		}
	}
	if err != nil {
		return nil, err
	}
	return readAll(r, maxModule)
}

// readAll reads at most limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fault.Invalidf("more than %d bytes", limit)
	}
	return b, err
}

// describe reads the ELF section .modinfo: strings of the form name=value.
func (m *module) describe(machine elf.Machine) error {
	file, err := elf.NewFile(bytes.NewReader(m.bytes))
	if err != nil {
		return err
	}
	if file.Machine != machine {
		return fault.Invalidf("it is for %s", file.Machine)
	}
	section := file.Section(".modinfo")
	if section == nil {
		return fault.Invalidf("no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(info), "\x00") {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "alias":
			m.aliases = append(m.aliases, value)
		case "firmware":
			m.firmware = append(m.firmware, value)
		case "depends":
			m.needs = append(m.needs, strings.FieldsFunc(value, func(r rune) bool { return r == ',' })...)
		case "softdep":
			before, _, _ := strings.Cut(value, "post:")
			if _, names, ok := strings.Cut(before, "pre:"); ok {
				m.needs = append(m.needs, strings.Fields(names)...)
			}
		}
	}
	return nil
}
