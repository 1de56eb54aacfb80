// Package probe reads the machine it runs on (sysfs, procfs, SMBIOS, LLDP frames) into
// facts. It changes nothing and reports to nobody.
package probe

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackwright/inventory"
	"rackwright/line"
)

// maxAttribute bounds what is read of one sysfs or procfs file.
const maxAttribute = 1 << 20

// Tree is a machine's file system from its root: "/" or a copy made for a test.
type Tree struct {
	Root      string
	Permanent func(nic string) (inventory.MAC, bool) // burnt-in address of a port; may be nil
	Look      *Looks                                 // at what is on the disks; may be nil
}

// Facts reads everything once. What cannot be read is absent, never an error: a
// machine with odd parts must still check in.
func (t Tree) Facts(now time.Time, heard []inventory.Neighbor) inventory.Facts {
	f := inventory.Facts{Source: "agent", Observed: now, Firmware: t.Firmware(), MemoryMiB: t.memoryMiB(),
		Disks: t.Disks(), NICs: t.NICs(), LLDP: heard, Unbound: t.Unbound(), PCI: t.PCI(), Memory: t.MemoryErrors()}
	if t.Look != nil {
		f.Disks = t.Look.All(f.Disks)
	}
	f.System, f.CPUs, f.DIMMs = parseSMBIOS(t.read("sys/firmware/dmi/tables/DMI"))
	if len(f.CPUs) == 0 {
		f.CPUs = t.cpuinfo()
	}
	return f
}

// Firmware is how the machine booted.
func (t Tree) Firmware() inventory.Firmware {
	if t.exists("sys/firmware/efi") {
		return inventory.UEFI
	}
	return inventory.BIOS
}

// memoryMiB reads MemTotal, what the kernel has to give.
func (t Tree) memoryMiB() int64 {
	for line := range strings.Lines(string(t.read("proc/meminfo"))) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
			return kib / 1024
		}
	}
	return 0
}

func (t Tree) path(name string) string { return filepath.Join(t.Root, name) }

func (t Tree) exists(name string) bool {
	_, err := os.Stat(t.path(name))
	return err == nil
}

// read returns a file's bytes, at most maxAttribute, or nil.
func (t Tree) read(name string) []byte {
	f, err := os.Open(t.path(name))
	if err != nil {
		return nil
	}
	defer f.Close()
	var b []byte
	chunk := make([]byte, 4096)
	for len(b) < maxAttribute {
		n, err := f.Read(chunk)
		b = append(b, chunk[:n]...)
		if err != nil {
			break
		}
	}
	return b
}

// text returns an attribute without the blanks around it and without control characters.
func (t Tree) text(name string) string { return clean(string(t.read(name))) }

// clean bounds what hardware says of itself.
func clean(s string) string { return line.Of(s, 256) }

func (t Tree) number(name string) int64 {
	n, _ := strconv.ParseInt(t.text(name), 10, 64)
	return n
}

// link returns the last part of what a symbolic link points to, or "".
func (t Tree) link(name string) string {
	target, err := os.Readlink(t.path(name))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// target is where a symbolic link, and each on the way to it, leads to, relative to the
// root; "" for nothing.
func (t Tree) target(name string) string {
	root, err := filepath.EvalSymlinks(t.Root)
	if err != nil {
		return ""
	}
	to, err := filepath.EvalSymlinks(t.path(name))
	if err != nil {
		return ""
	}
	to, err = filepath.Rel(root, to)
	if err != nil {
		return ""
	}
	return to
}

// list returns the names in a directory, sorted.
func (t Tree) list(name string) []string {
	entries, err := os.ReadDir(t.path(name))
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	slices.Sort(names)
	return names
}
