package agent_test

import (
	"crypto/ed25519"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/agent/wire"
	"rackwright/integration/porttest"
	"rackwright/inventory"
)

// server boots a machine with a BMC and a clock that stands at the beginning of 1970.
func (b *bench) server(t *testing.T, devices ...string) (*console, <-chan error) {
	t.Helper()
	dir, _ := ramdiskOf(t, "small")
	out, ended, _ := b.boot(t, dir, "", append(devices, "-rtc", "base=1970-01-02T00:00:00", "-device", "ipmi-bmc-sim,id=bmc", "-device", "isa-ipmi-kcs,bmc=bmc")...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(out)
		}
	})
	return out, ended
}

func TestAPersonIsLetIntoAMachineInEmulationWhoseClockIsWrong(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("ssh is missing: apt-get install openssh-client")
	}
	b := newBench(t, 64)
	b.Poll = time.Second
	address := porttest.FreeAddress(t)
	out, ended := b.server(t, "-netdev", "user,id=n,hostfwd=tcp:"+address+"-:22", "-device", "virtio-net-pci,netdev=n,mac=52:54:00:00:00:01,romfile=", "-device", "ahci,id=ahci",
		"-drive", "if=none,id=d0,format=raw,cache=unsafe,file="+b.disks[0], "-device", "nvme,drive=d0,serial=S0",
		"-drive", "if=none,id=d1,format=raw,cache=unsafe,file="+b.disks[1], "-device", "ide-hd,bus=ahci.0,drive=d1,serial=S1")
	_, private, _ := ed25519.GenerateKey(nil)
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := ssh.MarshalPrivateKey(private, "")
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Order(wire.Order{ID: "r1", Verb: wire.Rescue, Rescue: &wire.RescueOrder{AuthorizedKeys: []string{string(ssh.MarshalAuthorizedKey(public))}, Seconds: 600}})
	e, err := b.Await(vmDeadline, func(e wire.Event) bool { return e.Stage == wire.Open || e.Stage == wire.Failed })
	if err != nil || e.Stage != wire.Open || !strings.Contains(string(e.Result), "10.0.2.15:22") {
		t.Fatalf("%v %+v", err, e)
	}
	b.knowsItsParts(t)
	for _, c := range []struct{ words, want string }{
		{"lspci", "nvme"}, {"lsblk", "serial S1"}, {"dmesg", "Linux version"}, {"mount -t tmpfs none /mnt", "is mounted"}, {"ip", "10.0.2.15"},
		{"mount", "/mnt tmpfs"}, {"reboot", "The rescue ends"},
	} {
		host, port, _ := net.SplitHostPort(address)
		cmd := exec.Command("ssh", "-F", "none", "-p", port, "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "root@"+host, c.words)
		if got, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %v\n%s", c.words, err, got)
		}
	}
	if _, err := b.Await(vmDeadline, func(e wire.Event) bool { return e.Stage == wire.Open && strings.HasPrefix(e.Detail, "logged in") }); err != nil {
		t.Error(err)
	}
	if _, err := b.Await(vmDeadline, func(e wire.Event) bool { return e.Stage == wire.Completed && e.Order == "r1" }); err != nil {
		t.Fatal(err)
	}
	b.Order(wire.Order{ID: "o2", Verb: wire.Reboot})
	if err := <-ended; err != nil {
		t.Errorf("the machine did not restart: %v", err)
	}
	out.awaits(t, "used at most")
	for line := range strings.Lines(out.String()) {
		t.Log(strings.TrimSpace(line))
	}
}

// knowsItsParts looks at what the agent found of the machine.
func (b *bench) knowsItsParts(t *testing.T) {
	t.Helper()
	f := b.CheckIn().Facts
	if f.BMC == nil || f.BMC.IPMI != "2.0" {
		t.Errorf("BMC %+v", f.BMC)
	}
	healthy := map[string]*inventory.DiskHealth{}
	for _, d := range f.Disks {
		healthy[d.Serial] = d.Health
		if d.Firmware == "" {
			t.Errorf("disk %s tells no version of its firmware", d.Serial)
		}
	}
	if n := healthy["S0"]; n == nil || !n.Passed || n.Wear == nil || n.Temperature == 0 {
		t.Errorf("the NVMe disk's health is %+v", n)
	}
	if a := healthy["S1"]; a == nil || !a.Passed || a.PowerOnHours == 0 && a.Temperature == 0 {
		t.Errorf("the SATA disk's health is %+v", a)
	}
	if len(f.PCI) < 4 {
		t.Errorf("PCI devices %+v", f.PCI)
	}
}

func TestAMachineWithoutADriverForItsPortTellsItsBMC(t *testing.T) {
	b := newBench(t, 64)
	out, _ := b.server(t, "-netdev", "user,id=n", "-device", "rtl8139,netdev=n,romfile=")
	out.awaits(t, "no driver for the controller with PCI id 10ec:8139")
	out.awaits(t, "its newest line: the netboot agent: no network port has a driver; no driver for the controller with PCI id 10ec:8139")
	out.awaits(t, "restarting in")
}
