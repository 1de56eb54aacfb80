package system

import (
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// maxInitrd bounds what several initrds are joined to.
const maxInitrd = 1 << 30

// Load has the running kernel take in the entry of a partition, to be started with
// reboot(2) LINUX_REBOOT_CMD_KEXEC instead of going through the firmware. A kernel that
// was locked down, or built without kexec_file_load(2), is Denied.
func Load(p Partition, e Entry, mount Mounter) error {
	return mount(p, false, func(root *os.Root) error {
		kernel, err := root.Open(e.Kernel)
		if err != nil {
			return fault.NotFoundf("the kernel %s: %w", e.Kernel, err)
		}
		defer kernel.Close()
		initrd, err := join(root, e.Initrds)
		if err != nil {
			return err
		}
		flags := 0
		fd := -1
		if initrd == nil {
			flags = unix.KEXEC_FILE_NO_INITRAMFS
		} else {
			defer initrd.Close()
			fd = int(initrd.Fd())
		}
		if err := unix.KexecFileLoad(int(kernel.Fd()), fd, strings.TrimSpace(e.Args), flags); err != nil {
			return fault.Deniedf("the kernel does not take another one in: %w", err).WithHint("under Secure Boot only a signed kernel can be started so; deploy without --kexec")
		}
		return nil
	})
}

// join returns the initrds as one file; nil for none. The kernel reads them as one
// archive after the other.
func join(root *os.Root, names []string) (*os.File, error) {
	switch len(names) {
	case 0:
		return nil, nil
	case 1:
		return root.Open(names[0])
	}
	fd, err := unix.MemfdCreate("initrd", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fault.Internalf("memory for the initrd: %w", err)
	}
	all := os.NewFile(uintptr(fd), "initrd")
	for _, name := range names {
		if err := copyInto(all, root, name); err != nil {
			return nil, errors.Join(err, all.Close())
		}
	}
	_, err = all.Seek(0, io.SeekStart)
	return all, err
}

func copyInto(all *os.File, root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return fault.NotFoundf("the initrd %s: %w", name, err)
	}
	defer f.Close()
	n, err := io.Copy(all, io.LimitReader(f, maxInitrd))
	if err == nil && n == maxInitrd {
		err = fault.Invalidf("the initrd %s is larger than %d bytes", name, maxInitrd)
	}
	return err
}
