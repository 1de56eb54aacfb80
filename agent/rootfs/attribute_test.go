package rootfs

import (
	"archive/tar"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// capable is the attribute of a program that may open raw sockets (VFS_CAP_REVISION_2,
// CAP_NET_RAW), see capabilities(7).
func capable() string {
	var b []byte
	for _, word := range []uint32{0x02000001, 1 << 13, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return string(b)
}

// acl is a POSIX ACL (acl(5), version 2 of its attribute): user::rwx user:1000:r-x group::r-x
// mask::r-x other::---.
func acl() string {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{1, 7, 1<<32 - 1}, {2, 5, 1000}, {4, 5, 1<<32 - 1}, {0x10, 5, 1<<32 - 1}, {0x20, 0, 1<<32 - 1}} {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return string(b)
}

func TestExtendedAttributesComeAlongWhereTheFileSystemTakesThem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: capabilities and labels are given by root only")
	}
	const label = "system_u:object_r:bin_t:s0\x00"
	want := map[string]map[string]string{
		"usr/bin/ping": {"security.capability": capable(), "user.origin": "a package", "security.selinux": label},
		"etc/shared":   {"system.posix_acl_access": acl()},
		"srv":          {"system.posix_acl_default": acl(), "user.note": "a folder"},
	}
	records := func(name string) map[string]string {
		out := map[string]string{}
		for k, v := range want[name] {
			if k == "security.selinux" {
				out["RHT.security.selinux"] = v
			} else {
				out["SCHILY.xattr."+k] = v
			}
		}
		return out
	}
	dir, err := unpack(t, archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "srv/", Mode: 0o750, PAXRecords: records("srv")},
		tar.Header{Typeflag: tar.TypeReg, Name: "etc/shared", Mode: 0o750, PAXRecords: records("etc/shared")},
		tar.Header{Typeflag: tar.TypeReg, Name: "usr/bin/ping", Mode: 0o755, Uid: 7, Gid: 7, PAXRecords: records("usr/bin/ping")}))
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := Copy(context.Background(), dir, to); err != nil {
		t.Fatal(err)
	}
	for name, list := range want {
		for attribute, value := range list {
			for _, at := range []string{dir, to} {
				if got, err := attributeOf(filepath.Join(at, name), attribute); errors.Is(err, unix.ENOTSUP) {
					t.Logf("%s: the file system of %s does not take it", attribute, at)
				} else if err != nil || got != value {
					t.Errorf("%s of %s: %q, %v", attribute, filepath.Join(at, name), got, err)
				}
			}
		}
	}
}

// attributeOf reads an attribute, ENOTSUP where the file system could not have taken it.
func attributeOf(path, name string) (string, error) {
	b := make([]byte, 1024)
	n, err := unix.Lgetxattr(path, name, b)
	if errors.Is(err, unix.ENODATA) {
		if no := unix.Lsetxattr(path, name, []byte(acl()), 0); errors.Is(no, unix.ENOTSUP) {
			return "", no
		}
	}
	return string(b[:max(n, 0)]), err
}

func TestADiskThatFailsIsNotTakenForABadArchive(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Kind
	}{
		{unix.EIO, fault.Unreachable}, {unix.EROFS, fault.Unreachable}, {unix.ENOSPC, fault.Conflict}, {unix.ENOMEM, fault.Conflict},
		{unix.ENAMETOOLONG, fault.Invalid}, {unix.ENOTDIR, fault.Invalid}, {fault.Unreachablef("the server is gone"), fault.Unreachable},
	} {
		if err := unpacking("etc/hostname", &os.PathError{Op: "open", Path: "x", Err: c.err}); !fault.Is(err, c.want) {
			t.Errorf("%v became %v", c.err, err)
		}
	}
}
