package agent_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
	"rackwright/images/ramdisk"
	"rackwright/inventory"
)

// vmDeadline bounds a whole deployment under emulation on a busy machine.
const vmDeadline = 5 * time.Minute

// need skips unless the machine is set up for this test.
func need(t *testing.T) (kernel, modules string) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots machines: run without -short")
	}
	for program, pkg := range map[string]string{"qemu-system-x86_64": "qemu-system-x86", "sgdisk": "gdisk", "mtype": "mtools"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing: apt-get install %s", program, pkg)
		}
	}
	dir := os.Getenv("RACKWRIGHT_CACHE") // its kernel/ has vmlinuz and lib/modules/VERSION
	if dir == "" {
		cache, _ := os.UserCacheDir()
		dir = filepath.Join(cache, "rackwright")
	}
	dir = filepath.Join(dir, "kernel")
	versions, _ := filepath.Glob(filepath.Join(dir, "lib/modules/*"))
	kernels, _ := filepath.Glob(filepath.Join(dir, "vmlinuz*"))
	if len(versions) == 0 || len(kernels) == 0 {
		t.Skip("no kernel in " + dir + ": run scripts/kernel")
	}
	return kernels[0], versions[0]
}

// ramdiskOf builds the agent and its ramdisk of some sets of modules, or all, and returns
// their folder.
func ramdiskOf(t *testing.T, only ...string) (string, ramdisk.Report) {
	t.Helper()
	kernel, modules := need(t)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "agent"), "rackwright/cmd/rackwright-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := ramdisk.Build(ramdisk.Options{Kernel: kernel, ModulesDir: modules, Agent: filepath.Join(dir, "agent"), Only: only, Out: dir, Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ramdisk %d bytes, %d in memory, %d modules, absent %v", r.Initrd.Bytes, r.Unpacked, len(r.Modules), r.Absent)
	return filepath.Join(dir, "amd64"), r
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

// boot starts a machine from a ramdisk; words are added to the kernel's command line. cut
// takes its power.
func (b *bench) boot(t *testing.T, dir, words string, devices ...string) (out *console, ended <-chan error, cut func()) {
	t.Helper()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(b.URL, "https://"))
	args := []string{"-accel", "tcg,thread=multi", "-cpu", "max", "-m", "512", "-smp", "2", "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-nic", "none",
		"-kernel", filepath.Join(dir, "vmlinuz"), "-initrd", filepath.Join(dir, "initrd"), "-device", "virtio-rng-pci",
		"-append", fmt.Sprintf("console=ttyS0 quiet panic=5 rackwright.server=https://10.0.2.2:%s rackwright.pin=%s rackwright.nonce=%s %s", port, b.Pin(), agenttest.Nonce, words)}
	ctx, cancel := context.WithTimeout(context.Background(), vmDeadline)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append(args, devices...)...)
	out = &console{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	return out, done, cancel
}

// guest boots a machine with two disks of a kind.
func (b *bench) guest(t *testing.T, dir string, device func(i int) string) (*console, <-chan error, func()) {
	t.Helper()
	devices := []string{"-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,mac=52:54:00:00:00:01,romfile=", "-device", "ahci,id=ahci"}
	for i, path := range b.disks {
		devices = append(devices, "-drive", fmt.Sprintf("if=none,id=d%d,file=%s,format=raw,cache=unsafe", i, path), "-device", device(i))
	}
	return b.boot(t, dir, "BOOTIF=01-52-54-00-00-00-01", devices...)
}

func TestAMachineIsWrittenInEmulation(t *testing.T) {
	dir, report := ramdiskOf(t)
	for name, device := range map[string]func(int) string{
		"virtio": func(i int) string { return fmt.Sprintf("virtio-blk-pci,drive=d%d,serial=S%d", i, i) },
		"nvme":   func(i int) string { return fmt.Sprintf("nvme,drive=d%d,serial=S%d", i, i) },
		"sata":   func(i int) string { return fmt.Sprintf("ide-hd,bus=ahci.%d,drive=d%d,serial=S%d", i, i, i) },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "sata" && strings.Contains(fmt.Sprint(report.Absent), "ahci") {
				t.Skip("this kernel has no ahci: scripts/kernel linux-image-amd64")
			}
			b := newBench(t, 1024)
			b.Poll = wire.LongPoll
			b.vmDeploy(t, dir, device)
		})
	}
}

func (b *bench) vmDeploy(t *testing.T, dir string, device func(int) string) {
	start := time.Now()
	console, ended, _ := b.guest(t, dir, device)
	b.Order(b.order("S1"))
	defer func() {
		if t.Failed() {
			t.Log(console)
		}
	}()
	times := map[wire.Stage]time.Duration{}
	for _, stage := range []wire.Stage{wire.Accepted, wire.Verifying, wire.Finishing, wire.Completed} {
		e, err := b.Await(vmDeadline, func(e wire.Event) bool {
			return e.Stage == stage || e.Stage == wire.Failed || e.Stage == wire.Refused
		})
		times[stage] = time.Since(start).Round(10 * time.Millisecond)
		if err != nil || e.Stage != stage {
			t.Fatalf("%v %+v", err, e)
		}
	}
	b.Order(wire.Order{ID: "o2", Verb: wire.Reboot})
	if err := <-ended; err != nil {
		t.Errorf("the machine did not restart: %v", err)
	}
	t.Logf("%v after power-on; facts %+v", times, b.CheckIn().Facts)
	t.Log(regexp.MustCompile(`(?m)^rackwright-agent.*$`).FindAllString(console.String(), -1))
	used := regexp.MustCompile(`used at most ([0-9]+) kB`).FindStringSubmatch(console.String())
	if used == nil {
		t.Error("the agent does not say how much memory it used")
	} else if kib, err := strconv.Atoi(used[1]); err != nil || kib > 64<<10 {
		t.Errorf("the agent used %s KiB of memory", used[1])
	}
	b.holdsImage(t, b.disks[1])
	b.toolsAgree(t)
	if b.CheckIn().Facts.Firmware != inventory.BIOS || len(b.CheckIn().Facts.Disks) != 2 {
		t.Errorf("facts %+v", b.CheckIn().Facts)
	}
}

// toolsAgree has programs that are not ours look at the written disk.
func (b *bench) toolsAgree(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("sgdisk", "-v", b.disks[1]).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("No problems found")) {
		t.Errorf("sgdisk: %v\n%s", err, out)
	}
	out, err := exec.Command("sgdisk", "-p", b.disks[1]).Output()
	if err != nil || !bytes.Contains(out, []byte("cidata")) {
		t.Fatalf("sgdisk: %v\n%s", err, out)
	}
	first := strings.Fields(regexp.MustCompile(`(?m)^.*cidata$`).FindString(string(out)))[1]
	data, err := exec.Command("mtype", "-i", b.disks[1]+"@@"+first+"s", "::user-data").Output()
	if err != nil || string(data) != "#cloud-config\n" {
		t.Errorf("mtype: %v %q", err, data)
	}
}
