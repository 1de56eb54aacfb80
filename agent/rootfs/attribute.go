package rootfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAttributes bounds the names of one file's extended attributes, and each value: the
// kernel's own limit (XATTR_LIST_MAX, XATTR_SIZE_MAX).
const maxAttributes = 64 << 10

// attributes gives an entry the extended attributes of another: capabilities, POSIX ACLs,
// labels, a user's own. Those that the file system does not take stay behind. It comes
// after the owner, whose change takes capabilities away.
func attributes(from, to string) error {
	names := make([]byte, maxAttributes)
	n, err := unix.Llistxattr(from, names)
	if err != nil || n == 0 {
		return untaken(err)
	}
	value := make([]byte, maxAttributes)
	for name := range bytes.SplitSeq(bytes.TrimSuffix(names[:n], []byte{0}), []byte{0}) {
		size, err := unix.Lgetxattr(from, string(name), value)
		if err == nil {
			err = unix.Lsetxattr(to, string(name), value[:size], 0)
		}
		if err := untaken(err); err != nil {
			return err
		}
	}
	return nil
}

// label gives an open file the extended attributes that came with its entry in a tar:
// those of tar --xattrs, and the security context of tar --selinux.
func label(f *os.File, h *tar.Header) error {
	for key, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(key, "SCHILY.xattr.")
		if !ok {
			name, ok = strings.CutPrefix(key, "RHT.")
			ok = ok && name == "security.selinux"
		}
		if !ok {
			continue
		}
		if err := untaken(unix.Fsetxattr(int(f.Fd()), name, []byte(value), 0)); err != nil {
			return err
		}
	}
	return nil
}

// untaken drops the error of a file system that keeps no such attribute.
func untaken(err error) error {
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENODATA) {
		return nil
	}
	return owned(err)
}
