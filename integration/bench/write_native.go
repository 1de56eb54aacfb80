package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rackwright/fault"
)

// native goes through the ways on a loop device of this machine, whose bytes are in memory:
// what they cost the processor.
func (w *writeBench) native(ctx context.Context) (times, error) {
	file := "/dev/shm/rackwright-bench-write"
	defer os.Remove(file)
	if err := emptyDisk(file); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "losetup", "--show", "-f", file).CombinedOutput()
	if err != nil {
		return nil, fault.Internalf("losetup: %w: %s", err, out).WithHint("the kernel wants its module loop")
	}
	disk := strings.TrimSpace(string(out))
	defer func() { _ = exec.Command("losetup", "-d", disk).Run() }()
	all := times{}
	for range writeRounds {
		if err := w.nativeRound(ctx, disk, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (w *writeBench) nativeRound(ctx context.Context, disk string, all times) error {
	if err := shell(ctx, "blkdiscard -f "+disk); err != nil {
		return err
	}
	t, err := w.ours(ctx, disk)
	if err != nil {
		return err
	}
	for name, v := range t {
		all[name] = append(all[name], v...)
	}
	copied := filepath.Join(w.dir, "copy")
	for _, way := range [][2]string{
		{"pipeline", fmt.Sprintf("curl -sS http://127.0.0.1:%d/image.zst | zstd -dcq | dd of=%s bs=1M conv=fsync", w.port, disk)},
		{"qcow2", fmt.Sprintf("qemu-img convert -n -W -t none -f qcow2 -O raw %s/image.qcow2 %s && sync %s", copied, disk, disk)},
		{"raw", fmt.Sprintf("qemu-img convert -n -W -t none -f raw -O raw %s/image.raw %s && sync %s", copied, disk, disk)},
		{"zeros", fmt.Sprintf("dd if=/dev/zero of=%s bs=1M count=%.0f conv=fsync", disk, w.data)},
	} {
		if err := shell(ctx, "blkdiscard -f "+disk); err != nil {
			return err
		}
		began := time.Now()
		if err := shell(ctx, way[1]); err != nil {
			return err
		}
		all[way[0]] = append(all[way[0]], time.Since(began).Seconds())
	}
	return nil
}

func shell(ctx context.Context, command string) error {
	if out, err := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", command).CombinedOutput(); err != nil {
		return fault.Internalf("%s: %w: %s", command, err, out)
	}
	return nil
}

// targetBytes is the size of every disk that is written.
const targetBytes = 2 << 30

// emptyDisk makes a file an empty disk.
func emptyDisk(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(targetBytes)
}

// ours writes the image to a disk with a program of ours.
func (w *writeBench) ours(ctx context.Context, disk string) (times, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(w.bin, "writer"), "-source", fmt.Sprintf("http://127.0.0.1:%d", w.port), "-digest", w.digest, "-disk", disk).CombinedOutput()
	if err != nil {
		return nil, fault.Internalf("writer: %w: %s", err, out)
	}
	t := times{}
	t.figures(string(out))
	return t, nil
}
