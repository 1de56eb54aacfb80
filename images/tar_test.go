package images_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// elf is the first bytes of a program for a machine (ELF e_machine).
func elf(machine uint16) string {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(b[18:], machine)
	return string(b)
}

const amd64, arm64, riscv = 62, 183, 243

// archive packs entries: a name that ends in / is a directory, "a -> b" a hard link.
func archive(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		name, body, _ := strings.Cut(e, "=")
		h := &tar.Header{Name: name, Size: int64(len(body)), Typeflag: tar.TypeReg, Mode: 0o755}
		if from, to, link := strings.Cut(name, " -> "); link {
			h.Name, h.Linkname, h.Typeflag = from, to, tar.TypeLink
		} else if strings.HasSuffix(name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheArchiveOfARootTellsWhatItIsFor(t *testing.T) {
	for name, c := range map[string]struct {
		entries []string
		want    images.Layout
	}{
		"amd64":          {[]string{"./", "./etc/", "./etc/fstab=x", "./usr/bin/true=" + elf(amd64)}, images.Layout{Arch: "amd64", Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}}},
		"arm64":          {[]string{"etc/hostname=x", "usr/", "usr/sbin/init=" + elf(arm64), "usr/bin/x=" + elf(amd64)}, images.Layout{Arch: "arm64", Firmware: []inventory.Firmware{inventory.UEFI}}},
		"scripts before": {[]string{"etc/", "usr/bin/a=#!/bin/sh", "usr/bin/b=" + elf(amd64), "usr/bin/c -> usr/bin/b"}, images.Layout{Arch: "amd64", Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}}},
	} {
		got, err := images.InspectTar(bytes.NewReader(archive(t, c.entries...)))
		if err != nil || got.Arch != c.want.Arch || !slices.Equal(got.Firmware, c.want.Firmware) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAnArchiveThatIsNoRootOrLeadsOutIsRefused(t *testing.T) {
	good := []string{"etc/", "usr/bin/true=" + elf(amd64)}
	for name, entries := range map[string][]string{
		"absolute":        {"/etc/passwd=x"},
		"up":              {"etc/../../passwd=x"},
		"up at the end":   {"usr/.."},
		"a link out":      {"usr/x -> ../../etc/passwd"},
		"an absolute one": {"usr/x -> /etc/passwd"},
	} {
		if _, err := images.InspectTar(bytes.NewReader(archive(t, append(good, entries...)...))); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, entries := range map[string][]string{"nothing": nil, "no usr": {"etc/"}, "home": {"home/x=y", "etc=x"}, "another machine": {"etc/", "usr/bin/true=" + elf(riscv)}} {
		if _, err := images.InspectTar(bytes.NewReader(archive(t, entries...))); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := archive(t, good...)
	if _, err := images.InspectTar(bytes.NewReader(whole[:600])); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("cut short: %v", err)
	}
}

func TestAByteOfAnArchiveIsInAFile(t *testing.T) {
	b := archive(t, "etc/", "etc/fstab="+strings.Repeat("x", 2000), "usr/bin/true="+elf(amd64))
	for off, want := range map[int]string{0: "etc/", 1030: "etc/fstab", 2500: "etc/fstab", 3600: "usr/bin/true", 1 << 20: "after usr/bin/true"} {
		if got := images.PlaceInTar(bytes.NewReader(b), int64(off)); got != want {
			t.Errorf("byte %d is in %q, want %q", off, got, want)
		}
	}
	if got := images.PlaceInTar(strings.NewReader("no archive"), 5); got == "" {
		t.Error("nothing is said of what is no archive")
	}
}

// FuzzInspectTar: whatever the archive claims, reading ends, and what passes leads nowhere.
func FuzzInspectTar(f *testing.F) {
	f.Add(archive(f, "etc/", "usr/bin/true="+elf(amd64)))
	f.Add(archive(f, "/etc/x=y", "usr/x -> /etc/passwd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = images.PlaceInTar(bytes.NewReader(b), 1000)
		if _, err := images.InspectTar(bytes.NewReader(b)); err != nil {
			return
		}
		for r := tar.NewReader(bytes.NewReader(b)); ; {
			h, err := r.Next()
			if err != nil {
				return
			}
			if strings.HasPrefix(h.Name, "/") || slices.Contains(strings.Split(h.Name, "/"), "..") {
				t.Fatalf("%q passes", h.Name)
			}
		}
	})
}
