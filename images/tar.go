package images

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"path"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/line"
)

// maxEntries bounds the archive of a root file system; large ones have some 500,000.
const maxTarEntries = 10_000_000

// InspectTar reads the archive of a root file system and says what it is for. One with
// paths that lead out of it, or without etc/ and usr/, is Invalid. Reading is sequential;
// r should be an io.Seeker, so that the contents of files are passed over.
func InspectTar(r io.Reader) (Layout, error) {
	t := tar.NewReader(r)
	seen := map[string]bool{}
	arch := ""
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Layout{}, tarFault(err)
		}
		if n >= maxTarEntries {
			return Layout{}, fault.Invalidf("the archive has more than %d entries", maxTarEntries)
		}
		if err := checkEntry(h); err != nil {
			return Layout{}, err
		}
		name := path.Clean(h.Name)
		top, _, _ := strings.Cut(name, "/")
		seen[top] = true
		if arch == "" && h.Typeflag == tar.TypeReg && isProgram(name) {
			arch = elfArch(t)
		}
	}
	if !seen["etc"] || !seen["usr"] {
		return Layout{}, fault.Invalidf("the archive is not of a root file system: it has no etc/ or no usr/").
			WithHint("pack the root itself: tar -C ROOT --numeric-owner --xattrs -cf root.tar .")
	}
	return tarLayout(arch)
}

func tarLayout(arch string) (Layout, error) {
	switch arch {
	case "amd64":
		return Layout{Arch: arch, Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}}, nil
	case "arm64":
		return Layout{Arch: arch, Firmware: []inventory.Firmware{inventory.UEFI}}, nil
	}
	return Layout{}, fault.Invalidf("the archive has no program for amd64 or arm64 in bin, sbin or usr").
		WithHint("add the root file system of an amd64 or arm64 system")
}

// checkEntry refuses what would write outside of the root it is unpacked in.
func checkEntry(h *tar.Header) error {
	if leadsOut(h.Name) {
		return fault.Invalidf("the archive has the entry %.200q, which leads out of it", h.Name).WithHint("pack with relative paths: tar -C ROOT -cf root.tar .")
	}
	if h.Typeflag == tar.TypeLink && leadsOut(h.Linkname) {
		return fault.Invalidf("the archive links %.200q to %.200q, which leads out of it", h.Name, h.Linkname).
			WithHint("pack with relative paths: tar -C ROOT -cf root.tar .")
	}
	return nil
}

func leadsOut(name string) bool {
	if name == "" || strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

func isProgram(name string) bool {
	for _, dir := range []string{"bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/lib/systemd/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// elfArch is the architecture of a program by its first bytes (ELF-64 header), "" when it
// is none.
func elfArch(r io.Reader) string {
	h := make([]byte, 20)
	if _, err := io.ReadFull(r, h); err != nil || !bytes.HasPrefix(h, []byte(elf.ELFMAG)) || h[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		return ""
	}
	switch elf.Machine(uint16(h[18]) | uint16(h[19])<<8) {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	}
	return ""
}

func tarFault(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Invalidf("the archive cannot be read: %w", err).WithHint("pack or fetch it again and compare its SHA-256 with the publisher's")
}

// PlaceInTar says in words which entry of an archive holds byte off. r is the archive;
// what of it cannot be read ends the search.
func PlaceInTar(r io.ReadSeeker, off int64) string {
	t := tar.NewReader(r)
	last := ""
	for range maxTarEntries {
		h, err := t.Next()
		at, seekErr := r.Seek(0, io.SeekCurrent)
		switch {
		case errors.Join(err, seekErr) != nil && last == "":
			return "the archive's first entry"
		case errors.Join(err, seekErr) != nil:
			return "after " + last
		case off < at+h.Size:
			return line.Of(h.Name, 255)
		}
		last = line.Of(h.Name, 255)
	}
	return "after " + last
}
