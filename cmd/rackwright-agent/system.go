package main

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"rackwright/agent"
	"rackwright/agent/efi"
	"rackwright/agent/rootfs"
	"rackwright/agent/system"
	"rackwright/fault"
)

// written is what this machine can do with a system on its disk.
func written() agent.Written {
	mount := system.MountAt("/run/system")
	w := agent.Written{Mount: mount,
		Partitions: func(disk string) ([]system.Partition, error) { return system.Partitions("/sys", "/dev", disk) },
		Load:       func(p system.Partition, e system.Entry) error { return system.Load(p, e, mount) }}
	if _, err := os.Stat(efi.Mount); err == nil {
		w.Entries = &efi.Variables{Dir: efi.Mount}
	}
	return w
}

// memory is what this machine can do with a system in memory. Its folders are file systems
// of their own, which may take most of what there is.
func memory() agent.Memory {
	return agent.Memory{Enter: rootfs.Enter, Tools: rootfs.Chroot, Folder: func(name string) (string, error) {
		at := filepath.Join("/memory", name)
		_ = unix.Unmount(at, unix.MNT_DETACH) // of an attempt before
		if err := os.MkdirAll(at, 0o755); err != nil {
			return "", fault.Internalf("folder in memory: %w", err)
		}
		if err := unix.Mount("tmpfs", at, "tmpfs", 0, "mode=0755,size=90%"); err != nil {
			return "", fault.Internalf("memory: %w", err)
		}
		return at, nil
	}}
}
