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

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// maxFiles bounds what is unpacked; a full desktop has a tenth of it.
const maxFiles = 4 << 20

// Unpack writes a tar's files below root, owners, modes, times and extended attributes
// included. Names never lead out of root. A damaged tar, and one whose files (a sparse one
// may claim anything) have more than limit bytes, is Invalid; a file system that is full
// is Conflict.
func Unpack(ctx context.Context, r io.Reader, root *os.Root, limit int64) error {
	in := tar.NewReader(r)
	var folders []*tar.Header
	for n := 0; ; n++ {
		h, err := in.Next()
		switch {
		case err == io.EOF:
			return dress(root, folders)
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
		name := path.Clean("/" + h.Name)[1:]
		if name == "" {
			continue
		}
		if err := one(root, in, h, name); err != nil {
			return unpacking(name, err)
		}
		if h.Typeflag == tar.TypeDir {
			h.Name = name
			folders = append(folders, h)
		}
	}
}

func unpacking(name string, err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fault.Conflictf("there is no room for the root file system at %s: %w", name, err).WithHint("the machine needs more memory, or the disk more space, than the unpacked system")
	}
	if fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.Invalidf("%s of the root file system cannot be unpacked: %w", name, err).WithHint("make the archive with tar --xattrs --numeric-owner, from the system's root")
}

// one makes one entry. Its parent is made if the archive does not list it first.
func one(root *os.Root, in io.Reader, h *tar.Header, name string) error {
	err := create(root, in, h, name)
	if errors.Is(err, fs.ErrNotExist) && h.Typeflag != tar.TypeLink {
		if err = root.MkdirAll(path.Dir(name), 0o755); err == nil {
			err = create(root, in, h, name)
		}
	}
	if err != nil || h.Typeflag == tar.TypeLink {
		return err
	}
	if err := root.Lchown(name, h.Uid, h.Gid); err != nil && os.Geteuid() == 0 {
		return err
	}
	if h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeDir {
		return nil // links have no mode; folders are dressed at the end
	}
	return finish(root, h, name)
}

func create(root *os.Root, in io.Reader, h *tar.Header, name string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(name, 0o700); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case tar.TypeReg:
		return file(root, in, h, name)
	case tar.TypeSymlink:
		return replacing(root, name, func() error { return root.Symlink(h.Linkname, name) })
	case tar.TypeLink:
		return replacing(root, name, func() error { return root.Link(path.Clean("/" + h.Linkname)[1:], name) })
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return node(root, h, name)
	}
	return nil // what tar itself adds, such as global headers
}

func file(root *os.Root, in io.Reader, h *tar.Header, name string) error {
	_ = root.Remove(name) // an archive may bring a file twice; the last counts
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	for key, value := range h.PAXRecords {
		if attribute, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok && err == nil {
			if no := unix.Fsetxattr(int(f.Fd()), attribute, []byte(value), 0); no != nil && no != unix.ENOTSUP && os.Geteuid() == 0 {
				err = no
			}
		}
	}
	return errors.Join(err, f.Close())
}

func replacing(root *os.Root, name string, do func() error) error {
	err := do()
	if errors.Is(err, fs.ErrExist) && root.Remove(name) == nil {
		err = do()
	}
	return err
}

// node makes a device node or a pipe, in its parent that was reached inside root.
func node(root *os.Root, h *tar.Header, name string) error {
	kind := map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}[h.Typeflag]
	parent, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer parent.Close()
	if h.Devmajor < 0 || h.Devminor < 0 || h.Devmajor > 1<<12 || h.Devminor > 1<<20 {
		return fault.Invalidf("device %d:%d", h.Devmajor, h.Devminor)
	}
	device := unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	return replacing(root, name, func() error { return unix.Mknodat(int(parent.Fd()), path.Base(name), kind|0o600, int(device)) })
}

// finish gives a file its mode and time. The mode comes after the owner: chown takes
// set-user-ID away.
func finish(root *os.Root, h *tar.Header, name string) error {
	if err := root.Chmod(name, h.FileInfo().Mode()); err != nil {
		return err
	}
	return root.Chtimes(name, h.ModTime, h.ModTime)
}

// dress gives the folders their modes and times when nothing is put into them any more,
// the deepest first.
func dress(root *os.Root, folders []*tar.Header) error {
	slices.SortStableFunc(folders, func(a, b *tar.Header) int { return strings.Count(b.Name, "/") - strings.Count(a.Name, "/") })
	for _, h := range folders {
		if err := finish(root, h, h.Name); err != nil {
			return unpacking(h.Name, err)
		}
	}
	return nil
}
