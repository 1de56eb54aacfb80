package qemu

import (
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

// Firmware that was given the server's authority loads by HTTPS and comes to the agent. Firmware
// that was given another ends TLS, and why says so.
func TestFirmwareLoadsByHTTPSFromWhomItTrusts(t *testing.T) {
	nodes := []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.UEFI, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}},
	}
	w, ctx := stopped(t, nodes)
	nodes[0].HTTPSCA, nodes[1].HTTPSCA = filepath.Join(w.Dir, "state", "boot-ca.pem"), filepath.Join(w.Dir, "other-ca.pem")
	other := httptest.NewTLSServer(nil)
	other.Close()
	check(t, os.WriteFile(nodes[1].HTTPSCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate().Raw}), 0o644))
	check(t, os.WriteFile(filepath.Join(w.Dir, "rack.yaml"), []byte(lab.RackFile(nodes)), 0o644))
	file, err := os.OpenFile(filepath.Join(w.Dir, "rackwright.toml"), os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = file.WriteString("https_listen = \":8444\"\n") // in [boot], which is the last
	check(t, err)
	check(t, file.Close())
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "model.yaml"), []byte("site: lab\nmodels:\n  - {name: trusting, https: true}\n"), 0o644))
	planned(t, w, func(m map[string]any) { m["model"] = "trusting" }, "node1", "node2")
	discovered(t, ctx, w, len(nodes))

	_, err = w.Client.Inspect(ctx, "node2")
	check(t, err)
	inspected(t, ctx, w, "node1")
	if out := timeline(ctx, w, "node1"); !strings.Contains(out, "https://10.77.0.1:8444/boot/ipxe.efi") || !strings.Contains(out, "ipxe.efi sent by HTTP") {
		t.Errorf("another way than HTTPS:\n%s", out)
	}
	var said *attempt.Trouble
	if err := lab.Until(ctx, 2*time.Minute, "a certificate that node2 refuses", func() (bool, error) {
		why, err := w.Client.Why(ctx, "node2")
		said = why.Boot
		return err == nil && said != nil && said.Code == "certificate-refused", err
	}); err != nil {
		t.Fatalf("%v: %+v\n%s", err, said, timeline(ctx, w, "node2"))
	}
	if !strings.Contains(said.Hint, "boot-ca.pem") {
		t.Errorf("%+v", said)
	}
}
