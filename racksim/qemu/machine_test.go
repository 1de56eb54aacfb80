package qemu

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/racksim"
)

var discard = slog.New(slog.DiscardHandler)

var _ racksim.Hardware = (*Machine)(nil)

// resettingSector is a boot sector that writes "DISK" to the serial port and resets
// the machine through the keyboard controller.
func resettingSector() []byte {
	s := make([]byte, 512)
	copy(s, []byte{
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0xbe, 0x40, 0x7c, // mov si, 0x7c40
		0xac,       // next: lodsb
		0x84, 0xc0, // test al, al
		0x74, 0x06, // jz done
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0xee,       // out dx, al
		0xeb, 0xf5, // jmp next
		0xb0, 0xfe, // done: mov al, 0xfe
		0xe6, 0x64, // out 0x64, al
		0xf4,       // hlt
		0xeb, 0xfd, // jmp hlt
	})
	copy(s[0x40:], "DISK\r\n")
	s[510], s[511] = 0x55, 0xaa
	return s
}

func writeBootSector(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	_, err = f.Write(resettingSector())
	must(t, err)
}

func TestBIOSMachineNetbootsThenBootsItsDiskOnceThenNetbootsAfterItsOwnReset(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	w := newWire(t)
	const mac = "52:54:00:77:00:01"
	m, setup := w.rack(t, racksim.AMD64, racksim.BIOS, mac, "network", "disk")
	ctx := context.Background()
	writeBootSector(t, m.files.disk("disk1"))
	must(t, m.PowerOn(ctx))
	w.discover(t, mac, 0)
	must(t, setup.SetOverride(racksim.Override{Enabled: racksim.Once, Target: racksim.TargetDisk}))
	must(t, m.Restart(ctx))
	w.discover(t, mac, 0) // only after the disk's own reset
	log, err := os.ReadFile(m.Console())
	must(t, err)
	if !bytes.Contains(log, []byte("DISK\r\n")) {
		t.Error("the disk did not boot")
	}
	if o := setup.Override(); o.Enabled != racksim.Disabled {
		t.Errorf("the one-time override is still %+v", o)
	}
	image := filepath.Join(t.TempDir(), "x.iso")
	must(t, os.WriteFile(image, make([]byte, 4096), 0o600))
	must(t, m.Insert(ctx, image))
	must(t, m.Insert(ctx, ""))
	must(t, m.Insert(ctx, ""))
	must(t, m.Interrupt(ctx))
	must(t, m.PressPower(ctx))
	must(t, m.ForceOff(ctx))
	if m.Power() != racksim.Off {
		t.Errorf("power is %s after force off", m.Power())
	}
	if err := m.Restart(ctx); !fault.Is(err, fault.Conflict) {
		t.Errorf("restart of a machine that is off: %v", err)
	}
}

func TestUEFIMachineBootsByHTTPOnceThenFromDiskOnceBeforePXE(t *testing.T) {
	for arch, says := range map[string]struct{ http, pxe uint16 }{racksim.AMD64: {16, 7}, racksim.ARM64: {19, 11}} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			if alone(t) {
				bootsByHTTPThenDiskThenPXE(t, arch, says.http, says.pxe)
			}
		})
	}
}

// bootsByHTTPThenDiskThenPXE has a machine of an architecture send its two codes of option 93.
func bootsByHTTPThenDiskThenPXE(t *testing.T, arch string, http, pxe uint16) {
	w := newWire(t)
	const mac = "52:54:00:77:00:02"
	m, setup := w.rack(t, arch, racksim.UEFI, mac, "network", "disk")
	ctx := context.Background()
	must(t, setup.SetOverride(racksim.Override{Enabled: racksim.Once, Target: racksim.TargetUEFIHTTP, HTTPURI: "http://10.77.0.1/boot.efi"}))
	must(t, m.PowerOn(ctx))
	w.discover(t, mac, http)
	image := filepath.Join(t.TempDir(), "x.iso")
	must(t, os.WriteFile(image, make([]byte, 4096), 0o600))
	must(t, m.Insert(ctx, image))
	must(t, m.Insert(ctx, ""))
	must(t, setup.SetOverride(racksim.Override{Enabled: racksim.Once, Target: racksim.TargetDisk}))
	must(t, m.Restart(ctx))
	w.discover(t, mac, pxe) // after the disk, which is empty
	// What the emulator wrote before it sent the packet may reach the file after it.
	tick, end := time.NewTicker(20*time.Millisecond), time.NewTimer(10*time.Second)
	defer tick.Stop()
	defer end.Stop()
	for {
		log, err := os.ReadFile(m.Console())
		must(t, err)
		if bytes.Contains(log, []byte(`BdsDxe: failed to load Boot0002 "UEFI Misc Device"`)) {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatal("the disk was not tried before the network")
		}
	}
}

func TestMachineThatCannotStartIsOffWithAFault(t *testing.T) {
	if !alone(t) {
		return
	}
	w := newWire(t)
	m, _ := w.rack(t, racksim.AMD64, racksim.BIOS, "52:54:00:77:00:03", "network")
	must(t, m.Insert(context.Background(), "/nonexistent.iso"))
	if err := m.PowerOn(context.Background()); err == nil {
		t.Fatal("started with a missing image")
	}
	if m.Power() != racksim.Off || m.Fault() == nil {
		t.Errorf("power %s, fault %v", m.Power(), m.Fault())
	}
	must(t, m.Insert(context.Background(), ""))
	must(t, m.PowerOn(context.Background()))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	must(t, racksim.Await(ctx, m, racksim.On))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
