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
	"rackwright/integration/lab"
)

// The machine's link: an interface of the bench's own network, and our address on it.
const (
	writeTap  = "write0"
	writeHost = "10.0.2.2"
)

// guestLimit bounds the machine's life.
const guestLimit = 10 * time.Minute

// guest goes through the ways in a machine with two emulated processors and a virtio disk.
func (w *writeBench) guest(ctx context.Context) (times, error) {
	initrd, err := w.initrd(ctx)
	if err != nil {
		return nil, err
	}
	disk := filepath.Join(w.dir, "guest.raw")
	if err := emptyDisk(disk); err != nil {
		return nil, err
	}
	if err := shell(ctx, fmt.Sprintf("ip tuntap add %[1]s mode tap && ip addr add %[2]s/24 dev %[1]s && ip link set %[1]s up", writeTap, writeHost)); err != nil {
		return nil, err
	}
	defer func() { _ = shell(context.WithoutCancel(ctx), "ip link del "+writeTap) }()
	ctx, cancel := context.WithTimeout(ctx, guestLimit)
	defer cancel()
	drive := func(id, file, more string) []string {
		return []string{"-drive", "if=none,format=raw,cache=unsafe,discard=unmap,id=" + id + ",file=" + file + more, "-device", "virtio-blk-pci,drive=" + id}
	}
	args := []string{"-accel", "tcg,thread=multi", "-cpu", "max", "-m", "1024", "-smp", "2", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-serial", "stdio", "-kernel", filepath.Join(w.cache, "kernel", "vmlinuz"), "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1",
		"-netdev", "tap,id=n,script=no,downscript=no,ifname=" + writeTap, "-device", "virtio-net-pci,netdev=n,romfile=", "-device", "virtio-rng-pci"}
	args = append(args, drive("target", disk, "")...)
	args = append(args, drive("copy", filepath.Join(w.dir, "copy.ext4"), ",readonly=on")...)
	console, err := os.Create(filepath.Join(w.dir, "console.log"))
	if err != nil {
		return nil, err
	}
	defer console.Close()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Run(); err != nil {
		return nil, fault.Internalf("the machine: %w\n%s", err, lab.Tail(console.Name(), 5))
	}
	b, err := os.ReadFile(console.Name())
	if err != nil {
		return nil, err
	}
	t := times{}
	t.figures(string(b))
	for _, way := range guestWays() {
		if len(t[way]) != writeRounds {
			return nil, fault.Internalf("the machine told %d times of %q\n%s", len(t[way]), way, lab.Tail(console.Name(), 10))
		}
	}
	return t, nil
}

func guestWays() []string {
	return []string{"write", "whole", "proof", "memory", "pipeline", "qcow2", "raw", "zeros", "direct"}
}

// script is what the machine runs. Each way begins on an empty disk.
func (w *writeBench) script() string {
	return fmt.Sprintf(`#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/tools:/bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
modprobe -a virtio_pci virtio_net virtio_blk virtio_rng crc32c_generic ext4
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
mount -t ext4 -o ro /dev/vdb /mnt
url=http://%s:%d
way() {
  name=$1; shift
  blkdiscard -f /dev/vda; echo 3 >/proc/sys/vm/drop_caches
  read a _ </proc/uptime
  "$@" 2>/tmp/err || { echo "$name failed"; cat /tmp/err; }
  read b _ </proc/uptime
  echo "FIG $name $(echo "$b - $a" | bc)"
}
ours() { /writer -source $url -digest %s -disk /dev/vda; }
pipeline() { curl -sS $url/image.zst | zstd -dcq | dd of=/dev/vda bs=1M conv=fsync; }
qcow2() { qemu-img convert -n -W -t none -f qcow2 -O raw /mnt/image.qcow2 /dev/vda && sync; }
raw() { qemu-img convert -n -W -t none -f raw -O raw /mnt/image.raw /dev/vda && sync; }
zeros() { dd if=/dev/zero of=/dev/vda bs=1M count=%.0f conv=fsync; }
direct() { dd if=/dev/zero of=/dev/vda bs=1M count=%.0f oflag=direct conv=fsync; }
for round in %s; do
  way ours ours; way pipeline pipeline; way qcow2 qcow2; way raw raw; way zeros zeros; way direct direct
done
reboot -f
`, writeHost, w.port, w.digest, w.data, w.data, strings.Repeat("x ", writeRounds))
}

// initrd packs the script, its tools with the libraries they want, and kernel modules.
func (w *writeBench) initrd(ctx context.Context) (string, error) {
	root := filepath.Join(w.dir, "root")
	for _, dir := range []string{"bin", "tools", "dev", "proc", "sys", "mnt", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "init"), []byte(w.script()), 0o755); err != nil {
		return "", err
	}
	pack := fmt.Sprintf(`
root=%s kernel=%s out=%s
cp "$(command -v busybox)" $root/bin/busybox
cp %s $root/writer
need() { ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | sort -u; }
for tool in busybox curl zstd dd qemu-img; do
  path=$(command -v $tool); [ $tool = busybox ] || cp "$path" $root/tools/
  need "$path"
done | sort -u | while read -r lib; do mkdir -p "$root$(dirname "$lib")"; cp -L "$lib" "$root$lib"; done
cd $kernel/lib/modules; version=$(ls); cd $version
for module in virtio_pci virtio_net virtio_blk virtio-rng crc32c_generic ext4; do grep "/$module.ko:" modules.dep | tr -d :; done | xargs -n1 | sort -u |
  while read -r ko; do mkdir -p "$root/lib/modules/$version/$(dirname $ko)"; cp $ko "$root/lib/modules/$version/$ko"; done
cp modules.dep modules.alias $root/lib/modules/$version/
cd $root; find . | cpio -o -H newc --quiet >$out
`, abs(root), filepath.Join(w.cache, "kernel"), abs(root)+".cpio", abs(filepath.Join(w.bin, "writer")))
	if out, err := exec.CommandContext(ctx, "bash", "-eu", "-o", "pipefail", "-c", pack).CombinedOutput(); err != nil {
		return "", fault.Internalf("pack the machine's system: %w: %s", err, out).WithHint("'scripts/need bench' and 'make images' bring what is missing")
	}
	return abs(root) + ".cpio", nil
}

func abs(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
