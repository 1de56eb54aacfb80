package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/agent"
	"rackwright/fault"
)

// maxMemory is what the collector aims to stay below; the machines it runs on have more,
// but the ramdisk and the kernel want theirs.
const maxMemory = 128 << 20

// ground mounts what a program expects of a system and returns the console.
func ground() io.Writer {
	debug.SetMemoryLimit(maxMemory)
	for _, m := range []struct{ source, target, kind, data string }{
		{"proc", "/proc", "proc", ""}, {"sysfs", "/sys", "sysfs", ""}, {"devtmpfs", "/dev", "devtmpfs", "mode=0755"},
		{"tmpfs", "/run", "tmpfs", "mode=0755,size=16m"}, {"tmpfs", "/tmp", "tmpfs", "mode=1777,size=16m"},
		{"devpts", "/dev/pts", "devpts", "mode=0620,gid=5,ptmxmode=0666"},
	} {
		_ = os.MkdirAll(m.target, 0o755)                                   // it is in the ramdisk
		_ = unix.Mount(m.source, m.target, m.kind, unix.MS_NOSUID, m.data) // what lacks for it says so
	}
	console, err := os.OpenFile("/dev/console", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return os.Stderr
	}
	quietKernel()
	// A defect in another goroutine ends pid 1: then the kernel restarts the machine.
	_ = os.WriteFile("/proc/sys/kernel/panic", []byte("20\n"), 0o644)
	return console
}

// quietKernel keeps the kernel's lesser messages out of what a person reads.
func quietKernel() { _ = os.WriteFile("/proc/sys/kernel/printk", []byte("4\n"), 0o644) }

// reapEvery is how often is looked for children that nobody waits for.
const reapEvery = 5 * time.Second

// reap collects the children that orphaned processes leave to pid 1. A child of ours is
// collected at once by whoever started it; one that is still there on the second look has
// nobody.
func reap(ctx context.Context) {
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	seen := map[int]bool{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := map[int]bool{}
		for _, pid := range zombies() {
			if seen[pid] {
				_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // somebody may have collected it meanwhile
			}
			now[pid] = true
		}
		seen = now
	}
}

// zombies lists dead children of this process (proc_pid_stat(5): state and parent follow
// the name, which may have anything in it but ends with the last bracket).
func zombies() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(b[max(0, strings.LastIndexByte(string(b), ')')):]), " ")
		words := strings.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err == nil && len(words) > 1 && words[0] == "Z" && words[1] == "1" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// readParams reads the kernel's command line.
func readParams() (agent.Params, error) {
	b, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return agent.Params{}, fault.Internalf("the kernel's command line cannot be read: %w", err)
	}
	return agent.ParseParams(string(b))
}

func kernelVersion() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(b))
}

// uptime is the time since the kernel started.
func uptime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // zero if there is none
	return time.Duration(t.Nano()).Round(10 * time.Millisecond)
}

// version is the commit the program was built from, as the go command stamps it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
	}
	return info.Main.Version
}

// peakMemory is the most this program ever had in memory, as the kernel words it.
func peakMemory() string {
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// machine is the Power of the real one.
type machine struct{ say func(string, ...any) }

// Restart syncs and restarts.
func (m machine) Restart() error { return m.leave(unix.LINUX_REBOOT_CMD_RESTART) }

// Off syncs and powers off.
func (m machine) Off() error { return m.leave(unix.LINUX_REBOOT_CMD_POWER_OFF) }

// Kexec syncs and starts the kernel that was taken in.
func (m machine) Kexec() error { return m.leave(unix.LINUX_REBOOT_CMD_KEXEC) }

func (m machine) leave(how int) error {
	m.say("used at most %s of memory", peakMemory())
	unix.Sync()
	if err := unix.Reboot(how); err != nil {
		return fault.Internalf("the kernel does not restart the machine: %w", err)
	}
	return nil
}
