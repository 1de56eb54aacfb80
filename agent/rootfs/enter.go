package rootfs

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// inits are the programs a system may begin with.
var inits = [...]string{"/sbin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/bin/init"}

// Init returns the program an unpacked system begins with, its own path. NotFound if there is none.
func Init(root string) (string, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return "", fault.Internalf("the unpacked system: %w", err)
	}
	defer dir.Close()
	for _, name := range inits {
		if _, err := dir.Lstat(name[1:]); err == nil {
			return name, nil
		}
	}
	return "", fault.NotFoundf("the root file system has no /sbin/init").WithHint("put an init system into it, for example the package systemd-sysv, then add it again")
}

// Enter makes root the machine's root and runs its init in place of this program, which
// must be process 1: what the kernel's initramfs documentation calls switch_root. It
// returns only if it fails. The modules of the running kernel are carried over where the
// system has none for it.
func Enter(root string) error {
	begin, err := Init(root)
	if err != nil {
		return err
	}
	if err := carryModules("/lib/modules", filepath.Join(root, "lib/modules")); err != nil {
		return err
	}
	for _, name := range []string{"dev", "proc", "sys", "run"} {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return fault.Internalf("mount point: %w", err)
		}
		if err := unix.Mount("/"+name, at, "", unix.MS_MOVE, ""); err != nil {
			return fault.Internalf("move /%s: %w", name, err)
		}
	}
	if err := unix.Chdir(root); err != nil {
		return fault.Internalf("enter: %w", err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fault.Internalf("move the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fault.Internalf("change the root: %w", err)
	}
	return fault.Internalf("start %s: %w", begin, unix.Exec(begin, []string{begin}, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=linux", "HOME=/"}))
}

// carryModules copies each kernel's modules that to does not have.
func carryModules(from, to string) error {
	list, err := os.ReadDir(from)
	if err != nil {
		return nil // all drivers are part of the kernel
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fault.Internalf("modules: %w", err)
	}
	for _, e := range list {
		at := filepath.Join(to, e.Name())
		if _, err := os.Stat(at); err == nil {
			continue
		}
		if err := os.CopyFS(at, os.DirFS(filepath.Join(from, e.Name()))); err != nil {
			return fault.Conflictf("modules of kernel %s: %w", e.Name(), err)
		}
	}
	return nil
}
