package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// The key of Debian's package ovmf that its firmware with keys of one's own trusts, and nothing else.
const (
	ownFirmware = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
	ownKey      = "/usr/share/ovmf/PkKek-1-snakeoil.key"
	ownCert     = "/usr/share/ovmf/PkKek-1-snakeoil.pem"
)

// Firmware with Secure Boot on and keys of the operator's own comes by UEFI HTTP boot to the agent: iPXE and
// kernel are signed with them.
func TestAMachineWithKeysOfItsOperatorReachesTheAgentByHTTP(t *testing.T) {
	w, ctx := stopped(t, []lab.Node{{Name: "node1", Firmware: inventory.UEFI, Secure: true, HTTP: true, Disks: []string{"{size: 1GiB, serial: FIRST, bus: virtio}"}}})
	sign := signer(t)
	plain, ours := filepath.Join(t.TempDir(), "ipxe.efi"), filepath.Join(w.Dir, "ramdisk", "amd64")
	check(t, os.WriteFile(plain, boot.NewLoaders().Get("ipxe.efi").Bytes(), 0o644))
	sign(plain, filepath.Join(w.Dir, "state", "loaders", "ipxe-signed", "ipxe-shimx64.efi"))
	sign(filepath.Join(w.Cache, "ramdisk", "amd64", "vmlinuz"), filepath.Join(ours, "vmlinuz"))
	check(t, os.Symlink(filepath.Join(w.Cache, "ramdisk", "amd64", "initrd"), filepath.Join(ours, "initrd")))
	edit(t, filepath.Join(w.Dir, "rackwright.toml"), filepath.Join(w.Cache, "ramdisk"), filepath.Join(w.Dir, "ramdisk"))
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "model.yaml"), []byte("site: lab\nmodels:\n  - {name: own, loader: ipxe-signed}\n"), 0o644))
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	trusted, err := os.ReadFile(ownFirmware)
	check(t, err)
	check(t, os.WriteFile(w.FirmwareVariables("node1"), trusted, 0o600))
	planned(t, w, func(m map[string]any) { m["model"] = "own" }, "node1")
	discovered(t, ctx, w, 1)
	inspected(t, ctx, w, "node1")
	if said := console(t, w, "node1"); !strings.Contains(said, "Secure boot enabled") || !strings.Contains(said, "locked down from EFI Secure Boot") {
		t.Errorf("the kernel does not say that it is locked down:\n%s", lab.Tail(w.ConsoleLog("node1"), 40))
	}
	if out := timeline(ctx, w, "node1"); !strings.Contains(out, "ipxe-signed/ipxe-shimx64.efi sent by HTTP") {
		t.Errorf("another way than the signed iPXE by HTTP:\n%s", out)
	}
}

// signer signs EFI programs with the key, and skips the test where it cannot.
func signer(t *testing.T) func(from, to string) {
	t.Helper()
	openssl, sbsign := program(t, "openssl", "openssl"), program(t, "sbsign", "sbsigntool")
	for _, file := range []string{ownFirmware, ownKey, ownCert} {
		if _, err := os.Stat(file); err != nil {
			t.Skipf("missing %s: apt-get install ovmf", file)
		}
	}
	key := filepath.Join(t.TempDir(), "key")
	run := func(program string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	run(openssl, "pkey", "-in", ownKey, "-passin", "pass:snakeoil", "-out", key)
	return func(from, to string) {
		t.Helper()
		check(t, os.MkdirAll(filepath.Dir(to), 0o755))
		run(sbsign, "--key", key, "--cert", ownCert, "--output", to, from)
	}
}

// edit replaces text in a file.
func edit(t *testing.T, file, from, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	check(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), from, to)), 0o644))
}
