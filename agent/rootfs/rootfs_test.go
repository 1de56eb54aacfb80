package rootfs

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackwright/fault"
)

var long = time.Unix(1_700_000_000, 0)

// archive makes a tar of headers; regular files hold their own name.
func archive(t testing.TB, list ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range list {
		h.ModTime = long
		if h.Uid == 0 && os.Geteuid() != 0 {
			h.Uid, h.Gid = os.Geteuid(), os.Getegid()
		}
		content := ""
		if h.Typeflag == tar.TypeReg {
			content = h.Name
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpack(t testing.TB, b []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return dir, Unpack(context.Background(), bytes.NewReader(b), root, 1<<20)
}

func system(t testing.TB) []byte {
	return archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeDir, Name: "./etc/", Mode: 0o750},
		tar.Header{Typeflag: tar.TypeReg, Name: "./etc/hostname", Mode: 0o644},
		tar.Header{Typeflag: tar.TypeReg, Name: "./usr/bin/su", Mode: 0o4755},
		tar.Header{Typeflag: tar.TypeLink, Name: "./usr/bin/sudo", Linkname: "./usr/bin/su", Mode: 0o4755},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./bin", Linkname: "usr/bin"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./sbin", Linkname: "/usr/sbin"},
		tar.Header{Typeflag: tar.TypeReg, Name: "./etc/hostname", Mode: 0o600})
}

func TestATreeIsUnpackedAndCopiedAsItWas(t *testing.T) {
	dir, err := unpack(t, system(t))
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Copy(context.Background(), dir, to); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{dir, to} {
		if b, err := os.ReadFile(filepath.Join(at, "etc/hostname")); err != nil || string(b) != "./etc/hostname" {
			t.Errorf("%q, %v", b, err)
		}
		for name, mode := range map[string]os.FileMode{"etc": os.ModeDir | 0o750, "etc/hostname": 0o600, "usr/bin/su": os.ModeSetuid | 0o755} {
			info, err := os.Lstat(filepath.Join(at, name))
			if err != nil || info.Mode() != mode || !info.ModTime().Equal(long) {
				t.Errorf("%s: %v", name, info)
			}
		}
		a, _ := os.Stat(filepath.Join(at, "usr/bin/su"))
		b, _ := os.Stat(filepath.Join(at, "bin/sudo"))
		if !os.SameFile(a, b) || a.Sys().(*syscall.Stat_t).Nlink != 2 {
			t.Error("a hard link became a file of its own, or a link leads nowhere")
		}
	}
}

func TestNoNameLeadsOutOfTheRoot(t *testing.T) {
	for what, list := range map[string][]tar.Header{
		"dots":              {{Typeflag: tar.TypeReg, Name: "../../escaped", Mode: 0o644}},
		"absolute":          {{Typeflag: tar.TypeReg, Name: "/escaped", Mode: 0o644}},
		"through a symlink": {{Typeflag: tar.TypeSymlink, Name: "out", Linkname: "/tmp"}, {Typeflag: tar.TypeReg, Name: "out/escaped", Mode: 0o644}},
		"a hard link":       {{Typeflag: tar.TypeLink, Name: "passwd", Linkname: "../../../../../../etc/passwd"}},
	} {
		dir, err := unpack(t, archive(t, list...))
		if _, inside := os.Lstat(filepath.Join(dir, "escaped")); err == nil && inside != nil {
			t.Errorf("%s: unpacked somewhere", what)
		}
		for _, outside := range []string{"/escaped", "/tmp/escaped", filepath.Join(dir, "../escaped"), filepath.Join(dir, "../../escaped")} {
			if _, err := os.Lstat(outside); err == nil {
				t.Fatalf("%s: %s is there", what, outside)
			}
		}
	}
}

func TestADamagedArchiveIsInvalid(t *testing.T) {
	b := system(t)
	large := archive(t, tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("n", 90), Mode: 0o644})
	copy(large[124:136], "77777777777\x00")
	for what, bad := range map[string][]byte{"too large": resum(large), "cut": b[:len(b)/2+300], "noise": []byte(strings.Repeat("noise", 1000))} {
		if _, err := unpack(t, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// resum mends a header's checksum (POSIX.1-2017 pax, ustar interchange format).
func resum(b []byte) []byte {
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

func TestWhatARootFileSystemLacksIsNamed(t *testing.T) {
	dir, err := unpack(t, archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "usr/sbin/mkfs.vfat", Mode: 0o755}, tar.Header{Typeflag: tar.TypeReg, Name: "sbin/init", Mode: 0o755}))
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Memory: dir}
	if err := p.check(); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "mkfs.ext4") || !strings.Contains(fault.HintOf(err), "e2fsprogs") {
		t.Errorf("%v", err)
	}
	if begin, err := Init(dir); err != nil || begin != "/sbin/init" {
		t.Errorf("init %q, %v", begin, err)
	}
	if _, err := Init(t.TempDir()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a system without init: %v", err)
	}
	if _, err := Chroot(context.Background(), dir, "grub-install"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// FuzzUnpack: an archive may be anything, and nothing appears outside of the root.
func FuzzUnpack(f *testing.F) {
	f.Add(system(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "a", "b")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_ = Unpack(context.Background(), bytes.NewReader(b), root, 1<<16)
		for _, at := range []string{parent, filepath.Join(parent, "a")} {
			if list, err := os.ReadDir(at); err != nil || len(list) != 1 {
				t.Fatalf("%v appeared outside, %v", list, err)
			}
		}
	})
}
