package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"rackwright/fault"
	"rackwright/images/ramdisk"
)

// budgetModules are the drivers that the ramdisk's budget is about, with what they need.
func budgetModules() []string {
	return []string{"virtio_net", "virtio_blk", "virtio_scsi", "virtio_pci", "e1000", "e1000e", "nvme", "ahci", "sd_mod", "ixgbe", "mlx5_core", "bnxt_en"}
}

// measureRamdisk builds the ramdisk of the budget and the whole one, from the kernel in
// the cache, with the command.
func measureRamdisk(ctx context.Context, b *bench) error {
	dir, err := emptyFolder(b.out, "ramdisk")
	if err != nil {
		return err
	}
	kernel := filepath.Join(b.cache, "kernel")
	versions, err := os.ReadDir(filepath.Join(kernel, "lib/modules"))
	if err != nil || len(versions) == 0 {
		return fault.NotFoundf("there is no kernel in %s", kernel).WithHint("run scripts/kernel")
	}
	common := []string{"--output", "json", "--kernel", filepath.Join(kernel, "vmlinuz"), "--modules-dir", filepath.Join(kernel, "lib/modules", versions[0].Name()),
		"--agent", filepath.Join(b.bin, "rackwright-agent"), "--arch", "amd64"}
	var budget []string
	for _, m := range budgetModules() {
		budget = append(budget, "--module", m)
	}
	small, err := buildRamdisk(ctx, b, append(append(budget, "--out", filepath.Join(dir, "budget")), common...))
	if err != nil {
		return err
	}
	whole, err := buildRamdisk(ctx, b, append([]string{"--out", filepath.Join(dir, "whole")}, common...))
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		bytes int64
	}{{"ramdisk.budget", small.Initrd.Bytes}, {"ramdisk.whole", whole.Initrd.Bytes}, {"ramdisk.whole_memory", whole.Unpacked}} {
		if err := b.report(f.name, reading{value: float64(f.bytes) / (1 << 20)}); err != nil {
			return err
		}
	}
	return nil
}

func buildRamdisk(ctx context.Context, b *bench, args []string) (r ramdisk.Report, err error) {
	c := exec.CommandContext(ctx, filepath.Join(b.bin, "rackwright"), append([]string{"ramdisk", "build"}, args...)...)
	c.Stderr = b.say
	out, err := c.Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil {
		return r, fault.Internalf("build the ramdisk: %w", err)
	}
	return r, nil
}
