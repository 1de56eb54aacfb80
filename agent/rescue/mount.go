package rescue

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// kinds are the file systems that are tried where nobody says which it is.
func kinds() []string { return []string{"ext4", "xfs", "btrfs", "vfat", "iso9660", "squashfs"} }

func mount(ctx context.Context, s *shell, args []string) error {
	if len(args) == 0 {
		return show(ctx, s, []string{"/proc/mounts"})
	}
	readOnly, kind, options := false, "", ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch {
		case args[0] == "-r":
			readOnly = true
		case args[0] == "-t" && len(args) > 1:
			kind, args = args[1], args[1:]
		case args[0] == "-o" && len(args) > 1:
			options, args = args[1], args[1:]
		default:
			return fault.Invalidf("mount does not know %s", plain(args[0])).WithHint("type help")
		}
		args = args[1:]
	}
	if len(args) != 2 {
		return fault.Invalidf("usage: mount [-r] [-t TYPE] [-o OPTIONS] DEVICE DIR")
	}
	readOnly, options = readOnlyOption(readOnly, options)
	return s.mount(args[0], args[1], kind, options, readOnly)
}

// readOnlyOption takes ro and rw, which are no file system's own, out of options.
func readOnlyOption(readOnly bool, options string) (bool, string) {
	var own []string
	for o := range strings.SplitSeq(options, ",") {
		switch o {
		case "ro":
			readOnly = true
		case "rw":
			readOnly = false
		case "":
		default:
			own = append(own, o)
		}
	}
	return readOnly, strings.Join(own, ",")
}

func (s *shell) mount(source, target, kind, options string, readOnly bool) error {
	if err := os.MkdirAll(s.path(target), 0o755); err != nil {
		return fault.Conflictf("%w", err)
	}
	tried := kinds()
	if kind != "" {
		tried = []string{kind}
	}
	var last error
	for _, k := range tried {
		if last = s.house.ground.Mount(s.path(source), s.path(target), k, options, readOnly); last == nil {
			s.say("%s is mounted on %s (%s)", source, target, k)
			return nil
		}
	}
	return fault.Conflictf("%s cannot be mounted: %w", plain(source), last).WithHint("say -t TYPE; dmesg may tell more")
}

func umount(_ context.Context, s *shell, args []string) error {
	if err := s.house.ground.Unmount(s.path(args[0])); err != nil {
		return fault.Conflictf("%s is not unmounted: %w", plain(args[0]), err).WithHint("is a shell or a program in it?")
	}
	return nil
}

// chroot runs a program of a mounted system. What such programs expect of the kernel is
// bound into it once, and stays until the rescue ends.
func chroot(ctx context.Context, s *shell, args []string) error {
	root := s.path(args[0])
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return fault.NotFoundf("%s is no directory", plain(args[0]))
	}
	for _, name := range []string{"dev", "dev/pts", "proc", "sys", "run"} {
		from, to := filepath.Join(s.house.ground.Root, name), filepath.Join(root, name)
		if info, err := os.Lstat(to); err != nil || !info.IsDir() || bound(from, to) {
			continue
		}
		if err := s.house.ground.Mount(from, to, "bind", "", false); err != nil {
			s.say("%s is not there in it: %v", name, err)
		}
	}
	argv := args[1:]
	if len(argv) == 0 {
		argv = []string{"/bin/sh"}
	}
	path, err := findProgram(root, argv[0])
	if err != nil {
		return err
	}
	return s.run(ctx, root, path, argv)
}

// bound reports whether two directories are one.
func bound(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// findProgram finds a program below a root as its own search path would.
func findProgram(root, name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if info, err := os.Lstat(filepath.Join(root, dir, name)); err == nil && !info.IsDir() {
			return filepath.Join(dir, name), nil
		}
	}
	return "", fault.NotFoundf("%s is no program of that system", plain(name)).WithHint("is its file system mounted?")
}

// KernelMount is the Mount of the real machine; the kind "bind" shows a directory a second
// time.
func KernelMount(source, target, kind, options string, readOnly bool) error {
	flags := uintptr(0)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if kind == "bind" {
		kind, flags = "", unix.MS_BIND
	}
	return unix.Mount(source, target, kind, flags, options)
}

// KernelUnmount is the Unmount of the real machine.
func KernelUnmount(target string) error { return unix.Unmount(target, 0) }

// maxMessages bounds what is read of the kernel's messages.
const maxMessages = 16 << 20

// KernelMessages is the Dmesg of the real machine.
func KernelMessages() ([]byte, error) {
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil)
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(max(n, 4096), maxMessages))
	n, err = unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, b)
	return b[:max(n, 0)], err
}
