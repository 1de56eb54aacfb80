package agent_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
	"rackwright/images/ramdisk"
	"rackwright/inventory"
)

// smallRamdisk builds the agent and a small ramdisk and returns their folder.
func smallRamdisk(t *testing.T) string {
	t.Helper()
	kernel, modules := need(t)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "agent"), "rackwright/cmd/rackwright-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := ramdisk.Build(ramdisk.Options{Kernel: kernel, ModulesDir: modules, Agent: filepath.Join(dir, "agent"), Only: []string{"small"}, Out: dir, Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ramdisk %d bytes, %d in memory, %d modules, absent %v", r.Initrd.Bytes, r.Unpacked, len(r.Modules), r.Absent)
	return filepath.Join(dir, "amd64")
}

// console keeps what a machine says.
type console struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(b)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

// awaits waits until the console has said it.
func (c *console) awaits(t *testing.T, words string) {
	t.Helper()
	for end := time.Now().Add(vmDeadline); !strings.Contains(c.String(), words); {
		if time.Now().After(end) {
			t.Fatalf("the console never said %q:\n%s", words, c)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// server boots a machine with a BMC and a clock that stands at the beginning of 1970.
func (b *bench) server(t *testing.T, dir string, devices ...string) (*console, <-chan error) {
	t.Helper()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(b.URL, "https://"))
	args := []string{"-accel", "tcg,thread=multi", "-cpu", "max", "-m", "512", "-smp", "2", "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-nic", "none",
		"-kernel", filepath.Join(dir, "vmlinuz"), "-initrd", filepath.Join(dir, "initrd"), "-rtc", "base=1970-01-02T00:00:00",
		"-append", fmt.Sprintf("console=ttyS0 quiet panic=5 rackwright.server=https://10.0.2.2:%s rackwright.pin=%s rackwright.nonce=%s", port, b.Pin(), agenttest.Nonce),
		"-device", "virtio-rng-pci", "-device", "ipmi-bmc-sim,id=bmc", "-device", "isa-ipmi-kcs,bmc=bmc"}
	ctx, cancel := context.WithTimeout(context.Background(), vmDeadline)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append(args, devices...)...)
	out := &console{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(cancel)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(out)
		}
	})
	return out, done
}

func TestAPersonIsLetIntoAMachineInEmulationWhoseClockIsWrong(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("ssh is missing: apt-get install openssh-client")
	}
	dir := smallRamdisk(t)
	b := newBench(t, 64)
	b.Poll = time.Second
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	out, ended := b.server(t, dir, "-netdev", "user,id=n,hostfwd=tcp:"+address+"-:22", "-device", "virtio-net-pci,netdev=n,mac=52:54:00:00:00:01,romfile=", "-device", "ahci,id=ahci",
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
	out, _ := b.server(t, smallRamdisk(t), "-netdev", "user,id=n", "-device", "rtl8139,netdev=n,romfile=")
	out.awaits(t, "no driver for the controller with PCI id 10ec:8139")
	out.awaits(t, "its newest line: the netboot agent: no network port has a driver; no driver for the controller with PCI id 10ec:8139")
	out.awaits(t, "restarting in")
}
