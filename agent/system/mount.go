package system

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Mounter shows what is on a partition under a folder while do runs.
type Mounter func(p Partition, write bool, do func(root *os.Root) error) error

// MountAt is the Mounter of the real machine: partitions appear at dir, one at a time.
// Nothing on them is executed and no device node of theirs works.
func MountAt(dir string) Mounter {
	return func(p Partition, write bool, do func(*os.Root) error) error {
		flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
		if !write {
			flags |= unix.MS_RDONLY
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fault.Internalf("mount point: %w", err)
		}
		options := ""
		if !write { // not even a journal is played back
			options = map[string]string{"ext4": "noload", "xfs": "norecovery"}[p.Kind]
		}
		if err := unix.Mount(p.Path, dir, p.Kind, flags, options); err != nil {
			return fault.Unreachablef("%s (%s) cannot be mounted: %w", p.Path, p.Kind, err).
				WithHint("the ramdisk may lack the file system's module: build it with its usual modules")
		}
		root, err := os.OpenRoot(dir)
		if err == nil {
			err = errors.Join(do(root), root.Close())
		}
		if gone := unix.Unmount(dir, 0); gone != nil {
			err = errors.Join(err, fault.Unreachablef("%s cannot be unmounted: %w", p.Path, gone))
		}
		return err
	}
}
