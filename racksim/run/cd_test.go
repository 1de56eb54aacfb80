package run

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	bmcredfish "rackwright/bmc/redfish"
	"rackwright/integration/porttest"
	"rackwright/inventory"
	"rackwright/racksim"
)

// rescue is a CD that boots BIOS and UEFI machines. It says which it is and which version
// of firmware SMBIOS tells (type 0, string at offset 5, DSP0134 7.1).
func rescue(t *testing.T) string {
	t.Helper()
	for program, from := range map[string]string{"grub-mkrescue": "grub-common grub-pc-bin grub-efi-amd64-bin", "xorriso": "xorriso", "mformat": "mtools"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: apt-get install %s", program, from)
		}
	}
	for folder, from := range map[string]string{"i386-pc": "grub-pc-bin", "x86_64-efi": "grub-efi-amd64-bin"} {
		if _, err := os.Stat(filepath.Join("/usr/lib/grub", folder)); err != nil {
			t.Skipf("needs /usr/lib/grub/%s: apt-get install %s", folder, from)
		}
	}
	dir := t.TempDir()
	const script = `serial --unit=0 --speed=115200
terminal_output serial
terminal_input serial
smbios --type 0 --get-string 5 --set version
echo "THE CD IS UP ON $grub_platform, FIRMWARE <$version>"
sleep 600
`
	grub := filepath.Join(dir, "cd/boot/grub")
	if err := os.MkdirAll(grub, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(grub, "grub.cfg"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(dir, "rescue.iso")
	if out, err := exec.Command("grub-mkrescue", "-o", iso, filepath.Join(dir, "cd")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return iso
}

// says waits for text on the machine's serial console.
func says(t *testing.T, ctx context.Context, path, text string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		log, _ := os.ReadFile(path)
		if bytes.Contains(log, []byte(text)) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the console never says %q:\n%s", text, log)
		}
	}
}

// TestAMachineWithoutDHCPBootsAVirtualCDWithTheFirmwareItWasGiven has no network at all:
// what boots came over Redfish.
func TestAMachineWithoutDHCPBootsAVirtualCDWithTheFirmwareItWasGiven(t *testing.T) {
	iso := rescue(t)
	for firmware, platform := range map[string]string{racksim.BIOS: "pc", racksim.UEFI: "efi"} {
		t.Run(firmware, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			var file bytes.Buffer
			if err := racksim.WriteFirmware(&file, racksim.Firmware{Component: "bios", Version: "7.7-" + firmware}, 1<<20); err != nil {
				t.Fatal(err)
			}
			files := http.NewServeMux()
			files.HandleFunc("/rescue.iso", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, iso) })
			files.HandleFunc("/bios.bin", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(file.Bytes()) })
			server := httptest.NewTLSServer(files)
			defer server.Close()

			text := fmt.Sprintf("{rack: r1, machines: [{name: n1, u: 1, firmware: %s, memory: 512, disks: [{size: 1MiB}], bmc: {address: %q, password: racked-and-stacked}}]}",
				firmware, porttest.FreeAddress(t))
			rack, err := racksim.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			r, err := New(Config{Rack: rack, StateDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			down := up(t, r)
			defer down()
			bay := r.Bays()[0]
			c, err := (&bmcredfish.Dialer{}).Dial(ctx, bmc.Access{Address: bay.URL, Username: bay.Username, Password: "racked-and-stacked", CertificateSHA256: bay.Fingerprint})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.WithoutCancel(ctx))
			update(t, ctx, c, server.URL+"/bios.bin")
			for _, step := range []struct {
				what string
				do   func() error
			}{
				{"insert", func() error { return c.InsertMedia(ctx, server.URL+"/rescue.iso") }},
				{"boot", func() error {
					return c.SetNextBoot(ctx, bmc.Boot{Target: bmc.BootCD, Mode: inventory.Firmware(firmware)})
				}},
				{"on", func() error { return c.On(ctx) }},
			} {
				if err := step.do(); err != nil {
					t.Fatalf("%s: %v", step.what, err)
				}
			}
			says(t, ctx, bay.Console, "THE CD IS UP ON "+platform+", FIRMWARE <7.7-"+firmware+">")
			f, err := c.Facts(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if f.System.BIOSVersion != "7.7-"+firmware {
				t.Errorf("the BMC tells firmware %q", f.System.BIOSVersion)
			}
			if err := c.EjectMedia(ctx); err != nil {
				t.Error(err)
			}
			if firmware == racksim.UEFI {
				setup(t, ctx, c, bay.Console)
			}
		})
	}
}

// setup has the machine stop in its firmware's set-up.
func setup(t *testing.T, ctx context.Context, c bmc.Controller, console string) {
	t.Helper()
	if err := c.SetNextBoot(ctx, bmc.Boot{Target: bmc.BootSetup}); err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	says(t, ctx, console, "Boot Maintenance Manager")
}

// update has the BMC fetch a firmware file and waits until it has it.
func update(t *testing.T, ctx context.Context, c bmc.Controller, uri string) {
	t.Helper()
	task, err := c.StartUpdate(ctx, bmc.Update{Name: "bios.bin", URI: uri})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for err == nil && task.State == bmc.TaskRunning {
		select {
		case <-tick.C:
			task, err = c.Task(ctx, task.ID)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil || task.State != bmc.TaskDone || !strings.Contains(task.Message, "reset") {
		t.Fatalf("%+v, %v", task, err)
	}
}
