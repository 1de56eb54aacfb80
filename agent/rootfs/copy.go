package rootfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Copy copies a tree with owners, modes, times, hard links and those extended attributes
// that the target's file system takes. What is mounted below from is left out.
func Copy(ctx context.Context, from, to string) error {
	top, err := os.Lstat(from)
	if err != nil {
		return fault.Internalf("copy: %w", err)
	}
	c := copier{from: from, to: to, device: top.Sys().(*syscall.Stat_t).Dev, links: map[uint64]string{}}
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		return c.entry(path, d)
	})
	for i := len(c.folders) - 1; err == nil && i >= 0; i-- { // children first: a file put in changes its folder's time
		err = c.folders[i].dress()
	}
	if errors.Is(err, unix.ENOSPC) {
		return fault.Conflictf("there is no room for the system on the disk: %w", err).WithHint("name a larger disk in root_disk of the plan")
	}
	if err != nil && ctx.Err() == nil {
		return fault.Unreachablef("copy the system: %w", err)
	}
	return err
}

type copier struct {
	from, to string
	device   uint64
	links    map[uint64]string // inode -> first path in to
	folders  []folder
}

type folder struct {
	from, path string
	info       fs.FileInfo
}

func (d folder) dress() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	stat := d.info.Sys().(*syscall.Stat_t)
	return errors.Join(finish(f, int(stat.Uid), int(stat.Gid), d.info.Mode(), d.info.ModTime()), f.Close(), attributes(d.from, d.path))
}

func (c *copier) entry(path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	stat := info.Sys().(*syscall.Stat_t)
	at := filepath.Join(c.to, strings.TrimPrefix(path, c.from))
	mounted := stat.Dev != c.device
	if info.IsDir() {
		if err := os.Mkdir(at, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if mounted {
			return fs.SkipDir
		}
		c.folders = append(c.folders, folder{path, at, info})
		return nil
	}
	if mounted {
		return nil
	}
	if first, again := c.links[stat.Ino]; again && stat.Nlink > 1 {
		return os.Link(first, at)
	}
	if stat.Nlink > 1 {
		c.links[stat.Ino] = at
	}
	return c.one(path, at, info, stat)
}

func (c *copier) one(path, at string, info fs.FileInfo, stat *syscall.Stat_t) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if err := os.Symlink(target, at); err != nil {
			return err
		}
		return errors.Join(owned(os.Lchown(at, int(stat.Uid), int(stat.Gid))), attributes(path, at))
	case info.Mode().IsRegular():
		return content(path, at, info, stat)
	}
	if err := unix.Mknod(at, stat.Mode, int(stat.Rdev)); err != nil {
		return err
	}
	if err := owned(os.Lchown(at, int(stat.Uid), int(stat.Gid))); err != nil {
		return err
	}
	return errors.Join(os.Chmod(at, info.Mode()), attributes(path, at))
}

func content(path, at string, info fs.FileInfo, stat *syscall.Stat_t) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = finish(out, int(stat.Uid), int(stat.Gid), info.Mode(), info.ModTime())
	}
	if err == nil {
		err = attributes(path, at)
	}
	return errors.Join(err, out.Close())
}
