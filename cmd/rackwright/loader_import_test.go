package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/fault"
)

// signedLoader is a built-in loader with the head of a signature.
func signedLoader(name string) []byte {
	le := binary.LittleEndian
	b := bytes.Clone(boot.NewLoaders().Get(name).Bytes())
	table := b[le.Uint32(b[0x3c:])+24+112+4*8:]
	le.PutUint32(table, uint32(len(b)))
	le.PutUint32(table[4:], 8)
	return append(b, 8, 0, 0, 0, 0, 2, 2, 0)
}

// releaseOf packs files of one folder.
func releaseOf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ipxeboot.tar")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "ipxeboot/sb/" + name, Size: int64(len(content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnImportedReleaseIsWhatTheServerOffers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "loaders")
	x64, arm := signedLoader("ipxe.efi"), signedLoader("snp.efi")
	for range 2 { // once more changes nothing
		if _, err := importLoaders(releaseOf(t, map[string][]byte{"shimx64.efi": x64, "ipxe.efi": x64}), "amd64", dir); err != nil {
			t.Fatal(err)
		}
	}
	shelf, err := boot.NewLoaders().With(dir)
	if err != nil || len(shelf.Unsigned()) > 0 || shelf.Get("ipxe-signed/ipxe.efi") == nil {
		t.Fatalf("%v", err)
	}
	client := boot.Client{Class: boot.PXE, Arch: boot.ArchX64}
	if got := client.Next("http://s", boot.SignedIPXE, shelf); got != "ipxe-signed/ipxe-shimx64.efi" {
		t.Errorf("a machine is told of %s", got)
	}
	if i, err := os.Stat(filepath.Join(dir, "ipxe-signed", "ipxe.efi")); err != nil || i.Mode().Perm() != 0o644 {
		t.Errorf("another user cannot read it: %v", err)
	}
	if _, err := importLoaders(releaseOf(t, map[string][]byte{"shimaa64.efi": arm, "ipxe.efi": arm}), "arm64", dir); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "ipxe-shimx64.efi is there already") {
		t.Errorf("a second architecture: %v", err)
	}
	unsigned := boot.NewLoaders().Get("ipxe.efi").Bytes()
	if _, err := importLoaders(releaseOf(t, map[string][]byte{"shimx64.efi": x64, "ipxe.efi": unsigned}), "amd64", dir); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "ipxe.efi carries no signature") {
		t.Errorf("an unsigned iPXE: %v", err)
	}
	if _, err := importLoaders(filepath.Join(dir, "none.tar"), "amd64", dir); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no archive: %v", err)
	}
}
