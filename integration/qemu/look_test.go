package qemu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rackwright/agent/efi"
	"rackwright/integration/lab"
	"rackwright/racksim/qemu"
)

// What a test sees of a machine from outside: its disks' files, its firmware's variables.

// extents calls see with each part of a sparse file that holds data.
func extents(t *testing.T, path string, see func(f *os.File, at, n int64)) {
	t.Helper()
	f, err := os.Open(path)
	check(t, err)
	defer f.Close()
	for at := int64(0); ; {
		from, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, syscall.ENXIO) { // no data behind at
			return
		}
		check(t, err)
		at, err = unix.Seek(int(f.Fd()), from, unix.SEEK_HOLE)
		check(t, err)
		see(f, from, at-from)
	}
}

// allocated is how many bytes of a disk were ever written and not given back.
func allocated(t *testing.T, path string) (n int64) {
	t.Helper()
	extents(t, path, func(_ *os.File, _, bytes int64) { n += bytes })
	return n
}

// held is how many MiB of a disk are not all zeros.
func held(t *testing.T, path string) (n int) {
	t.Helper()
	block, zeros := make([]byte, 1<<20), make([]byte, 1<<20)
	extents(t, path, func(f *os.File, at, long int64) {
		for in := io.NewSectionReader(f, at, long); ; {
			got, err := io.ReadFull(in, block)
			if !bytes.Equal(block[:got], zeros[:got]) {
				n++
			}
			if err != nil {
				return
			}
		}
	})
	return n
}

// keepsABootEntry sees that a UEFI firmware has our entry for an image in its boot order,
// behind the network's.
func keepsABootEntry(t *testing.T, w *lab.World, machine, image string) {
	t.Helper()
	flash, err := os.ReadFile(w.FirmwareVariables(machine))
	check(t, err)
	all, err := qemu.Variables(flash)
	check(t, err)
	var names []string
	for order := all["BootOrder"]; len(order) >= 2; order = order[2:] {
		o, err := efi.ParseOption(all[fmt.Sprintf("Boot%04X", binary.LittleEndian.Uint16(order))])
		if err != nil {
			t.Errorf("%s: %v", machine, err)
		}
		names = append(names, o.Description)
	}
	network := func(name string) bool { return strings.Contains(name, "PXE") || strings.Contains(name, "HTTP") }
	at := slices.Index(names, "rackwright "+image)
	if at < 1 || !network(names[0]) || slices.ContainsFunc(names[at:], network) {
		t.Errorf("%s: the firmware's boot order is %q", machine, names)
	}
}
