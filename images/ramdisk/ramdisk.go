// Package ramdisk builds the netboot ramdisk: the agent as /init and the kernel modules a
// server may need to reach its network and its disks. It compiles and boots nothing.
package ramdisk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"

	"rackwright/fault"
)

// Options says what goes in.
type Options struct {
	Kernel     string   // the kernel's file, e.g. /boot/vmlinuz-VERSION
	ModulesDir string   // its modules, a folder named for its version: /lib/modules/VERSION
	Agent      string   // the static program that becomes /init
	Modules    []string // names without .ko; nil: DefaultModules
	Out        string   // folder; the result goes to Out/Arch
	Arch       string   // amd64 or arm64, as Go names it
}

// Report is also what contents.json holds.
type Report struct {
	Arch    string   `json:"arch"`
	Version string   `json:"kernel_version"`
	Modules []Module `json:"modules"`
	Builtin []string `json:"builtin"` // asked for and part of the kernel itself
	Absent  []string `json:"absent"`  // asked for and not there: hardware this ramdisk cannot drive
	Kernel  Stored   `json:"vmlinuz"`
	Initrd  Stored   `json:"initrd"`
	Agent   Stored   `json:"agent"`
}

// Module is one kernel module in the ramdisk.
type Module struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Stored is a file by its size and digest.
type Stored struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// DefaultModules are the drivers of servers' network ports and disk controllers, and of
// the hypervisors people rehearse on.
func DefaultModules() []string {
	return []string{"virtio_net", "virtio_blk", "virtio_scsi", "virtio_pci", "virtio_mmio", "virtio_rng", "nvme", "ahci", "ata_piix", "sd_mod",
		"e1000", "e1000e", "igb", "igc", "ixgbe", "i40e", "ice", "bnxt_en", "bnx2x", "mlx4_en", "mlx5_core", "tg3", "r8169", "ena", "gve",
		"vmxnet3", "vmw_pvscsi", "hv_netvsc", "hv_storvsc", "megaraid_sas", "mpt3sas", "hpsa", "smartpqi", "af_packet", "efivarfs"}
}

// Build writes Out/Arch/vmlinuz, initrd and contents.json. The same inputs give the same
// bytes. A module that this kernel does not have is reported, not an error. Nothing
// half-written stays behind. Errors: NotFound, Invalid.
func Build(o Options) (Report, error) {
	if o.Arch != "amd64" && o.Arch != "arm64" {
		return Report{}, fault.Invalidf("architecture %q", o.Arch).WithHint("use amd64 or arm64")
	}
	r := Report{Arch: o.Arch, Version: filepath.Base(o.ModulesDir), Modules: []Module{}, Builtin: []string{}, Absent: []string{}}
	kernel, err := readInput("kernel", o.Kernel)
	if err != nil {
		return r, err
	}
	agent, err := readInput("agent", o.Agent)
	if err != nil {
		return r, err
	}
	if !slices.Equal(agent[:min(4, len(agent))], []byte("\x7fELF")) {
		return r, fault.Invalidf("%s is not a Linux program", o.Agent).WithHint("build it: CGO_ENABLED=0 go build ./cmd/rackwright-agent")
	}
	tree, err := collect(o, &r)
	if err != nil {
		return r, err
	}
	initrd, err := pack(agent, r.Version, tree)
	if err != nil {
		return r, err
	}
	r.Kernel, r.Agent, r.Initrd = stored(kernel), stored(agent), stored(initrd)
	return r, publish(filepath.Join(o.Out, o.Arch), kernel, initrd, r)
}

func readInput(what, path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.NotFoundf("cannot read the %s: %w", what, err).WithHint("name an existing file")
	}
	return b, nil
}

func stored(b []byte) Stored { return Stored{int64(len(b)), digest(b)} }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// publish puts the files in place, each whole or not at all; contents.json comes last.
func publish(dir string, kernel, initrd []byte, r Report) error {
	contents, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fault.Internalf("encode contents.json: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Invalidf("cannot make the folder: %w", err).WithHint("name a folder that can be written to")
	}
	for _, f := range []struct {
		name  string
		bytes []byte
	}{{"vmlinuz", kernel}, {"initrd", initrd}, {"contents.json", append(contents, '\n')}} {
		if err := replace(filepath.Join(dir, f.name), f.bytes); err != nil {
			return fault.Invalidf("cannot write: %w", err).WithHint("is the disk full?")
		}
	}
	return nil
}

func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// pack renders the compressed archive. Windows stay at 8 MiB, which every kernel's
// decoder accepts; CONFIG_RD_ZSTD is set by Debian and Ubuntu.
func pack(agent []byte, version string, tree map[string][]byte) ([]byte, error) {
	var a archive
	a.directories("dev", "proc", "sys", "run", "tmp", "etc")
	a.file("init", 0o755, agent)
	for _, name := range sortedKeys(tree) {
		a.file("lib/modules/"+version+"/"+name, 0o644, tree[name])
	}
	return compress(a.finish())
}

// readAll reads at most limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fault.Invalidf("more than %d bytes", limit)
	}
	return b, err
}
