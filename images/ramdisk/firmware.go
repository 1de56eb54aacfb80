package ramdisk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rackwright/fault"
)

// firmwareOf gathers the files that the modules name, as far as they are installed. They
// go in uncompressed: whether a kernel unpacks them depends on how it was built. What is
// not there is reported: a port that needs it will not work.
func firmwareOf(dir string, loaded map[string]*module, r *Report) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range firmwareNames(loaded) {
		b, found, err := readFirmware(dir, name)
		switch {
		case err != nil:
			return nil, fault.Invalidf("firmware %s: %w", name, err).WithHint("install the package it came with again")
		case !found:
			r.NoFirmware = append(r.NoFirmware, name)
		default:
			files[name] = b
			r.Firmware = append(r.Firmware, Module{name, int64(len(b)), digest(b)})
		}
	}
	return files, nil
}

// firmwareNames lists what the modules name, sorted. A name that leads out of the
// firmware folder is none.
func firmwareNames(loaded map[string]*module) []string {
	var names []string
	for _, m := range loaded {
		for _, f := range m.firmware {
			if filepath.IsLocal(f) && filepath.Clean(f) == f && !strings.ContainsAny(f, "*?[\x00") && len(f) < 256 {
				names = append(names, f)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func readFirmware(dir, name string) (b []byte, found bool, err error) {
	if dir == "" {
		return nil, false, nil
	}
	for _, ending := range []string{"", ".xz", ".zst"} {
		path := filepath.Join(dir, name+ending)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		b, err := unpackFile(path)
		return b, true, err
	}
	return nil, false, nil
}
