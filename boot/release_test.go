package boot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
)

// entry is a file of an archive.
type entry struct{ name, text string }

// packed is a tar of files in gzip.
func packed(t testing.TB, files ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.text)), Mode: 0o644}
		if to, ok := strings.CutPrefix(f.text, "-> "); ok {
			h.Typeflag, h.Linkname, h.Size, f.text = tar.TypeSymlink, to, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAReleaseOfIPXEIsTakenFromItsArchive(t *testing.T) {
	x64, aa64, plain := efi(amd64, application, true), efi(arm64, application, true), efi(amd64, application, false)
	release := []entry{{"ipxeboot/undionly.kpxe", "bios"}, {"ipxeboot/x86_64/ipxe.efi", plain}, {"ipxeboot/x86_64-sb/shimx64.efi", x64}, {"ipxeboot/x86_64-sb/ipxe.efi", x64},
		{"ipxeboot/arm64-sb/shimaa64.efi", aa64}, {"ipxeboot/arm64-sb/ipxe.efi", aa64}}
	for _, c := range []struct {
		what    string
		machine string
		archive []byte
		want    []string // files, or words of the error
	}{
		{"the project's", "amd64", packed(t, release...), []string{"ipxe-signed/ipxe-shimx64.efi", "ipxe-signed/ipxe.efi"}},
		{"the project's for arm64", "arm64", packed(t, release...), []string{"ipxe-signed/ipxe-shimaa64.efi", "ipxe-signed/ipxe.efi"}},
		{"an operator's own, without folders", "amd64", packed(t, entry{"ipxe.efi", x64}, entry{"ipxe-shimx64.efi", x64}), []string{"ipxe-signed/ipxe-shimx64.efi", "ipxe-signed/ipxe.efi"}},
		{"another processor", "riscv64", packed(t, release...), []string{"no signed iPXE for"}},
		{"an unsigned one", "amd64", packed(t, entry{"a/ipxe.efi", plain}, entry{"a/shimx64.efi", x64}), []string{"ipxe.efi carries no signature"}},
		{"another's iPXE", "amd64", packed(t, entry{"a/ipxe.efi", aa64}, entry{"a/shimx64.efi", x64}), []string{"ipxe.efi is for arm64"}},
		{"no shim", "amd64", packed(t, entry{"a/ipxe.efi", x64}, entry{"b/shimx64.efi", x64}), []string{"no folder of it has both"}},
		{"a link", "amd64", packed(t, entry{"a/ipxe.efi", "-> /etc/shadow"}, entry{"a/shimx64.efi", x64}), []string{"no folder of it has both"}},
		{"a loader that is too large", "amd64", packed(t, entry{"a/ipxe.efi", strings.Repeat("x", maxLoader+1)}), []string{"more than"}},
		{"an archive that is cut", "amd64", packed(t, release...)[:200], []string{"cannot be read"}},
		{"no archive", "amd64", []byte("#!ipxe\n" + strings.Repeat("x", 1000)), []string{"cannot be read"}},
		{"nothing", "amd64", nil, []string{"no folder of it has both"}},
	} {
		list, err := SignedRelease(bytes.NewReader(c.archive), c.machine)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.want[0]) {
				t.Errorf("%s: %v, want %v", c.what, err, c.want)
			}
			continue
		}
		var names []string
		for _, l := range list {
			if names = append(names, l.Name); !l.Signed || len(l.Bytes()) != len(x64) {
				t.Errorf("%s: %+v", c.what, l)
			}
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%s: %v, want %v", c.what, names, c.want)
		}
	}
}
