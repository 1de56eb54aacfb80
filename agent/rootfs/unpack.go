// Package rootfs makes a running system of a root file system that came as a tar: in
// memory, or on a disk with the tools that the root file system brings along. It fetches
// nothing.
package rootfs

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// maxFiles bounds what is unpacked; a full desktop has a tenth of it.
const maxFiles = 4 << 20

// Unpack writes a tar's files below root, owners, modes, times and extended attributes
// included. Names never lead out of root. A damaged tar, and one whose files (a sparse one
// may claim anything) have more than limit bytes, is Invalid; a file system that is full
// is Conflict, and one that fails Unreachable. What r says of itself, a fault, is returned
// as it is.
func Unpack(ctx context.Context, r io.Reader, root *os.Root, limit int64) error {
	in := tar.NewReader(r)
	u := unpacker{root: root, parent: root}
	defer u.leave()
	for n := 0; ; n++ {
		h, err := in.Next()
		switch {
		case err == io.EOF:
			return u.dress()
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && fault.KindOf(err) != fault.Internal:
			return err // what feeds us says why it ended
		case err != nil:
			return fault.Invalidf("the root file system's archive is damaged: %w", err).WithHint("add the image again")
		case n == maxFiles:
			return fault.Invalidf("the root file system has more than %d files", maxFiles)
		}
		if limit -= h.Size; limit < 0 {
			return fault.Invalidf("the root file system's files are larger than its archive allows").WithHint("make the archive without --sparse")
		}
		if h.Name = path.Clean("/" + h.Name)[1:]; h.Name == "" {
			continue
		}
		if err := u.one(in, h); err != nil {
			return unpacking(h.Name, err)
		}
	}
}

func unpacking(name string, err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.ENOMEM) {
		return fault.Conflictf("there is no room for the root file system at %s: %w", name, err).WithHint("the machine needs more memory, or the disk more space, than the unpacked system")
	}
	if fault.KindOf(err) != fault.Internal {
		return err
	}
	if failing(err) {
		return fault.Unreachablef("%s of the root file system cannot be written: %w", name, err).WithHint("the disk or the memory that takes the system is failing: replace it, then deploy again")
	}
	return fault.Invalidf("%s of the root file system cannot be unpacked: %w", name, err).WithHint("make the archive with tar --xattrs --numeric-owner, from the system's root")
}

// failing reports whether a file system failed, whatever it was to take.
func failing(err error) bool {
	for _, e := range []unix.Errno{unix.EIO, unix.EROFS, unix.ENODEV, unix.ENXIO, unix.EUCLEAN, unix.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// unpacker holds the folder that entries go to: archives list a folder's files together,
// and each step of a path costs a system call.
type unpacker struct {
	root, parent *os.Root
	dir          string        // parent's path, "" for the root
	folders      []*tar.Header // to be dressed at the end
}

// enter makes dir the parent; it is made if the archive does not list it first.
func (u *unpacker) enter(dir string) error {
	if dir == "." {
		dir = ""
	}
	if dir == u.dir {
		return nil
	}
	u.leave()
	if dir == "" {
		return nil
	}
	parent, err := u.root.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = u.root.MkdirAll(dir, 0o755); err == nil {
			parent, err = u.root.OpenRoot(dir)
		}
	}
	if err == nil {
		u.parent, u.dir = parent, dir
	}
	return err
}

func (u *unpacker) leave() {
	if u.parent != u.root {
		_ = u.parent.Close() // only looked at
	}
	u.parent, u.dir = u.root, ""
}

// one makes one entry.
func (u *unpacker) one(in io.Reader, h *tar.Header) error {
	dir, name := path.Split(h.Name)
	if err := u.enter(path.Clean("/" + dir)[1:]); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return u.file(in, h, name)
	case tar.TypeDir:
		u.folders = append(u.folders, h)
		if err := u.parent.Mkdir(name, 0o700); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case tar.TypeLink:
		return u.replacing(name, func() error { return u.root.Link(path.Clean("/" + h.Linkname)[1:], h.Name) })
	case tar.TypeSymlink:
		if err := u.replacing(name, func() error { return u.parent.Symlink(h.Linkname, name) }); err != nil {
			return err
		}
		return owned(u.parent.Lchown(name, h.Uid, h.Gid))
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return u.node(h, name)
	}
	return nil // what tar itself adds, such as global headers
}

// owned lets a program that is not root, a test, give nothing away.
func owned(err error) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return err
}

func (u *unpacker) file(in io.Reader, h *tar.Header, name string) error {
	f, err := u.create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	if err == nil {
		err = dressed(f, h)
	}
	return errors.Join(err, f.Close())
}

// create makes a file anew: an archive may bring one twice, and the last counts.
func (u *unpacker) create(name string) (f *os.File, err error) {
	err = u.replacing(name, func() error {
		f, err = u.parent.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	return f, err
}

func (u *unpacker) replacing(name string, do func() error) error {
	err := do()
	if errors.Is(err, fs.ErrExist) && u.parent.Remove(name) == nil {
		err = do()
	}
	return err
}

// node makes a device node or a pipe, in its parent that was reached inside root.
func (u *unpacker) node(h *tar.Header, name string) error {
	kind := map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}[h.Typeflag]
	if h.Devmajor < 0 || h.Devminor < 0 || h.Devmajor > 1<<12 || h.Devminor > 1<<20 {
		return fault.Invalidf("device %d:%d", h.Devmajor, h.Devminor)
	}
	parent, err := u.parent.Open(".")
	if err != nil {
		return err
	}
	defer parent.Close()
	device := unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	if err := u.replacing(name, func() error { return unix.Mknodat(int(parent.Fd()), name, kind|0o600, int(device)) }); err != nil {
		return err
	}
	if err := owned(u.parent.Lchown(name, h.Uid, h.Gid)); err != nil {
		return err
	}
	return u.parent.Chmod(name, h.FileInfo().Mode())
}

// dressed gives an open file or folder all that its entry says of it.
func dressed(f *os.File, h *tar.Header) error {
	if err := finish(f, h.Uid, h.Gid, h.FileInfo().Mode(), h.ModTime); err != nil {
		return err
	}
	return label(f, h)
}

// finish gives an open file its owner, mode and time. The mode comes after the owner:
// chown takes set-user-ID away.
func finish(f *os.File, uid, gid int, mode fs.FileMode, at time.Time) error {
	if err := owned(f.Chown(uid, gid)); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	t := unix.NsecToTimespec(at.UnixNano())
	return unix.UtimesNanoAt(int(f.Fd()), "", []unix.Timespec{t, t}, unix.AT_EMPTY_PATH) // Linux 5.8
}

// dress gives the folders their owners, modes and times when nothing is put into them any
// more, the deepest first.
func (u *unpacker) dress() error {
	u.leave()
	slices.SortStableFunc(u.folders, func(a, b *tar.Header) int { return strings.Count(b.Name, "/") - strings.Count(a.Name, "/") })
	for _, h := range u.folders {
		f, err := u.root.Open(h.Name)
		if err == nil {
			err = errors.Join(dressed(f, h), f.Close())
		}
		if err != nil {
			return unpacking(h.Name, err)
		}
	}
	return nil
}
