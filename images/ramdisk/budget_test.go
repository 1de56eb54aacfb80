package ramdisk

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// budget is what agent and the drivers below may take, compressed.
const budget = 20 << 20

func TestTheAgentWithTheCommonDriversStaysWithinItsBudget(t *testing.T) {
	cache := os.Getenv("RACKWRIGHT_CACHE")
	if cache == "" {
		dir, _ := os.UserCacheDir()
		cache = filepath.Join(dir, "rackwright")
	}
	versions, _ := filepath.Glob(filepath.Join(cache, "kernel/lib/modules/*"))
	if len(versions) == 0 {
		t.Skip("no kernel in " + cache + ": run scripts/kernel")
	}
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "agent"), "rackwright/cmd/rackwright-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := Build(Options{Kernel: filepath.Join(cache, "kernel/vmlinuz"), ModulesDir: versions[0], Agent: filepath.Join(dir, "agent"), Out: dir, Arch: "amd64",
		Modules: []string{"virtio_net", "virtio_blk", "virtio_scsi", "virtio_pci", "e1000", "e1000e", "nvme", "ahci", "sd_mod", "ixgbe", "mlx5_core", "bnxt_en"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes compressed, %d in memory", r.Initrd.Bytes, r.Unpacked)
	if r.Initrd.Bytes > budget {
		t.Errorf("the ramdisk has %d bytes, its budget is %d", r.Initrd.Bytes, budget)
	}
}
