package disk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loop makes a block device of a file and returns its node.
func loop(t *testing.T, file string, options ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loop devices need root")
	}
	out, err := exec.Command("losetup", append(options, "--show", "-f", file)...).CombinedOutput()
	if err != nil {
		t.Skipf("this machine has no loop devices: modprobe loop, apt-get install mount (%v: %s)", err, out)
	}
	node := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", node).Run() })
	return node
}

// sparse is a file of so many MiB without data.
func sparse(t *testing.T, dir string, mib int64) string {
	t.Helper()
	path := filepath.Join(dir, "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(mib << 20); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestABlockDeviceIsWrittenProvenAndFinished(t *testing.T) {
	for _, sector := range []string{"512", "4096"} {
		t.Run(sector, func(t *testing.T) {
			image := noise(24)
			m, s := pack(t, image)
			node := loop(t, oldDisk(t, 72), "-b", sector)
			d := openDisk(t, node)
			if _, err := write(m, s, d).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if again, err := write(m, s, d).Run(t.Context()); err != nil || again.Kept == 0 {
				t.Errorf("the second time: %+v %v", again, err)
			}
			if _, err := Open(node); err == nil {
				t.Error("a device was opened twice for writing")
			}
		})
	}
}

// TestADeviceThatEndsInTheMiddle has reads and writes behind a point fail with EIO.
func TestADeviceThatEndsInTheMiddle(t *testing.T) {
	m, s := pack(t, noise(24))
	file := sparse(t, t.TempDir(), 64)
	d := openDisk(t, loop(t, file))
	w := write(m, s, d)
	w.Progress = func(_ Pass, done, _ int64) {
		if done > 0 { // the medium is gone under the device
			_ = os.Truncate(file, 8<<20)
		}
	}
	if _, err := w.Run(t.Context()); CauseOf(err) != CauseIO && CauseOf(err) != CauseReadBack {
		t.Fatal(err)
	}
}

// TestADeviceThatRunsFull stands on a file system that has no room for the image.
func TestADeviceThatRunsFull(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("this machine mounts no tmpfs: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	m, s := pack(t, noise(24))
	file := sparse(t, dir, 64)
	for name, path := range map[string]string{"file": file, "device": loop(t, file)} {
		if _, err := write(m, s, openDisk(t, path)).Run(t.Context()); CauseOf(err) != CauseIO && CauseOf(err) != CauseReadBack {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingIsFetchedForADiskThatHoldsTheImage(t *testing.T) {
	m, s := pack(t, noise(24))
	path := oldDisk(t, 48)
	for range 2 {
		s.asked = 0
		if _, err := write(m, s, openDisk(t, path)).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ends := 0
	for _, c := range m.Chunks {
		if c.Offset < wiped || c.Offset+c.Bytes > m.Bytes-wiped {
			ends++
		}
	}
	if s.asked != ends {
		t.Errorf("%d chunks were asked for, %d are at the ends of %d", s.asked, ends, len(m.Chunks))
	}
}
