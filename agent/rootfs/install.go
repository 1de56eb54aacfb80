package rootfs

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/inventory"
)

// Tools runs a program of the unpacked system, with that system as its root, and returns
// what it said.
type Tools func(ctx context.Context, root, program string, args ...string) (string, error)

// Plan says where a root file system goes. The disk has its partitions already.
type Plan struct {
	Memory   string             // folder in memory where the system was unpacked
	Target   string             // empty folder to mount the disk's root at
	Disk     string             // device node of the disk, for the boot loader of a BIOS machine
	ESP      string             // device node of its EFI system partition
	Root     string             // device node of its root partition
	Label    string             // of the root file system
	Firmware inventory.Firmware // how the machine boots
	Arch     string             // amd64 or arm64
}

// label of the EFI system partition.
const espLabel = "ESP"

// Install copies the unpacked system onto the disk and makes it boot, with the system's
// own programs: mkfs, grub-install. Step is told what is done. Errors are faults; one of
// kind NotFound names the program that the root file system lacks.
func (p Plan) Install(ctx context.Context, run Tools, step func(string)) error {
	if err := p.check(); err != nil {
		return err
	}
	if err := kernelFolders(p.Memory); err != nil {
		return err
	}
	defer letGo(p.Memory)
	step("making file systems")
	if _, err := run(ctx, p.Memory, "mkfs.vfat", "-F", "32", "-n", espLabel, p.ESP); err != nil {
		return err
	}
	if _, err := run(ctx, p.Memory, "mkfs.ext4", "-q", "-F", "-L", p.Label, p.Root); err != nil {
		return err
	}
	if err := p.mount(); err != nil {
		return err
	}
	defer p.unmount()
	step("copying the system")
	if err := Copy(ctx, p.Memory, p.Target); err != nil {
		return err
	}
	if err := p.table(); err != nil {
		return err
	}
	if err := kernelFolders(p.Target); err != nil {
		return err
	}
	defer letGo(p.Target)
	step("installing the boot loader")
	if err := p.loader(ctx, run); err != nil {
		return err
	}
	unix.Sync()
	return nil
}

// check sees that the system can do what it is needed for.
func (p Plan) check() error {
	for _, need := range []struct{ program, from string }{{"mkfs.vfat", "dosfstools"}, {"mkfs.ext4", "e2fsprogs"}, {"grub-install", "grub2-common and grub-efi or grub-pc-bin"}} {
		if _, err := Look(p.Memory, need.program); err != nil {
			return fault.NotFoundf("the root file system has no %s", need.program).WithHint("put the packages %s into it (or add a disk image instead), then add it again", need.from)
		}
	}
	kernels, _ := filepath.Glob(filepath.Join(p.Memory, "boot/vmlinu[xz]*"))
	if len(kernels) == 0 {
		return fault.NotFoundf("the root file system has no kernel in /boot").WithHint("put a kernel package into it, then add it again; without one it can only run in memory")
	}
	return nil
}

// Look finds a program of an unpacked system; the path is the system's own.
func Look(root, program string) (string, error) {
	for _, dir := range []string{"usr/sbin", "usr/bin", "sbin", "bin"} {
		if info, err := os.Stat(filepath.Join(root, dir, program)); err == nil && info.Mode().IsRegular() {
			return "/" + dir + "/" + program, nil
		}
	}
	return "", fs.ErrNotExist
}

// mount mounts the new file systems. What stood on the disk before is gone.
func (p Plan) mount() error {
	for _, m := range []struct{ from, at, kind string }{{p.Root, p.Target, "ext4"}, {p.ESP, filepath.Join(p.Target, "boot/efi"), "vfat"}} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return fault.Internalf("mount point: %w", err)
		}
		if err := unix.Mount(m.from, m.at, m.kind, 0, ""); err != nil {
			return fault.Unreachablef("%s cannot be mounted as %s: %w", m.from, m.kind, err).WithHint("the ramdisk may lack the file system's module: build it with its usual modules")
		}
	}
	return nil
}

func (p Plan) unmount() {
	for _, at := range []string{filepath.Join(p.Target, "boot/efi"), p.Target} {
		_ = unix.Unmount(at, unix.MNT_DETACH) // it was synced; the machine restarts soon
	}
}

// table writes /etc/fstab.
func (p Plan) table() error {
	text := fmt.Sprintf("LABEL=%s / ext4 errors=remount-ro 0 1\nLABEL=%s /boot/efi vfat umask=0077,nofail 0 1\n", p.Label, espLabel)
	if err := os.WriteFile(filepath.Join(p.Target, "etc/fstab"), []byte(text), 0o644); err != nil {
		return fault.Unreachablef("write fstab: %w", err)
	}
	return nil
}

// loader installs GRUB for the firmware the machine boots with, at the path where any
// firmware finds it, and has it find the kernels.
func (p Plan) loader(ctx context.Context, run Tools) error {
	args := []string{"--target=i386-pc", "--recheck", p.Disk}
	if p.Firmware != inventory.BIOS {
		target := map[string]string{"amd64": "x86_64-efi", "arm64": "arm64-efi"}[p.Arch]
		args = []string{"--target=" + target, "--efi-directory=/boot/efi", "--removable", "--no-nvram", "--recheck"}
	}
	if _, err := run(ctx, p.Target, "grub-install", args...); err != nil {
		return err
	}
	_, err := run(ctx, p.Target, "grub-mkconfig", "-o", "/boot/grub/grub.cfg")
	return err
}

// kernelFolders shows a system the kernel's own folders, which its programs expect.
func kernelFolders(root string) error {
	for _, m := range [][2]string{{"/dev", "dev"}, {"/proc", "proc"}, {"/sys", "sys"}} {
		at := filepath.Join(root, m[1])
		if err := os.MkdirAll(at, 0o755); err != nil {
			return fault.Internalf("mount point: %w", err)
		}
		if err := unix.Mount(m[0], at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fault.Internalf("bind %s: %w", m[0], err)
		}
	}
	return nil
}

func letGo(root string) {
	for _, name := range []string{"sys", "proc", "dev"} {
		_ = unix.Unmount(filepath.Join(root, name), unix.MNT_DETACH)
	}
}

// tail is the end of what a program said, for an error.
func tail(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 600 {
		s = "..." + s[len(s)-600:]
	}
	return s
}
