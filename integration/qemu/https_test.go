package qemu

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/boot/attempt"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// Firmware that holds the server's authority loads by HTTPS. Firmware that holds another ends TLS,
// and why says so, until an operation enrols it through the BMC: then it comes to the agent, though
// its disk is first.
func TestFirmwareLoadsByHTTPSFromWhomItTrusts(t *testing.T) {
	nodes := []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.UEFI, HTTP: true, Boot: "[disk]", Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}},
	}
	w, ctx := stopped(t, nodes)
	nodes[0].HTTPSCA, nodes[1].HTTPSCA = filepath.Join(w.Dir, "state", "boot-ca.pem"), filepath.Join(w.Dir, "other-ca.pem")
	other := httptest.NewTLSServer(nil)
	other.Close()
	check(t, os.WriteFile(nodes[1].HTTPSCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate().Raw}), 0o644))
	check(t, os.WriteFile(filepath.Join(w.Dir, "rack.yaml"), []byte(lab.RackFile(nodes)), 0o644))
	overHTTPS(t, ctx, w, "node1", "node2")
	command(t, ctx, w, "bmc", "boot", "node2", "http")
	command(t, ctx, w, "power", "node1", "on")
	command(t, ctx, w, "power", "node2", "on")
	loadsOverHTTPS(t, ctx, w, "node1")

	var said *attempt.Trouble
	if err := lab.Until(ctx, 2*time.Minute, "a certificate that node2 refuses", func() (bool, error) {
		why, err := w.Client.Why(ctx, "node2")
		said = why.Boot
		return err == nil && said != nil && said.Code == "certificate-refused", err
	}); err != nil {
		t.Fatalf("%v: %+v\n%s", err, said, timeline(ctx, w, "node2"))
	}
	if !strings.Contains(said.Hint, "rackwright bmc trust") {
		t.Errorf("%+v", said)
	}
	inspected(t, ctx, w, "node2")
	loadsOverHTTPS(t, ctx, w, "node2")
	if out := timeline(ctx, w, "node2"); !strings.Contains(out, "enrolled, or there already") {
		t.Errorf("the operation enrolled nothing:\n%s", out)
	}
	command(t, ctx, w, "bmc", "trust", "node2")
}

// overHTTPS starts a lab whose server has loaders over HTTPS, and machines that are to load so.
func overHTTPS(t *testing.T, ctx context.Context, w *lab.World, machines ...string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(w.Dir, "rackwright.toml"), os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = file.WriteString("https_listen = \":8444\"\n") // in [boot], which is the last
	check(t, err)
	check(t, file.Close())
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "model.yaml"), []byte("site: lab\nmodels:\n  - {name: trusting, https: true}\n"), 0o644))
	planned(t, w, func(m map[string]any) {
		m["model"] = "trusting"
		delete(m, "netboot") // as its model
	}, machines...)
	discovered(t, ctx, w, len(machines))
}

// loadsOverHTTPS waits until a machine's firmware loaded so.
func loadsOverHTTPS(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	t.Helper()
	if err := lab.Until(ctx, 2*time.Minute, "HTTPS boot of "+machine, func() (bool, error) {
		out := timeline(ctx, w, machine)
		return strings.Contains(out, "https://10.77.0.1:8444/boot/ipxe.efi") && strings.Contains(out, "ipxe.efi sent by HTTP"), nil
	}); err != nil {
		t.Fatalf("%v\n%s", err, timeline(ctx, w, machine))
	}
}
