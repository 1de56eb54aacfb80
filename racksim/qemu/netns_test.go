package qemu

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"

	"rackwright/racksim"
	"rackwright/racksim/link"
)

const inNamespace = "RACKSIM_TEST_NETNS"

// alone runs the test again in a network namespace of its own, which ends with the
// process, and reports whether this is that second run.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a network namespace and taps")
	}
	if _, err := exec.LookPath(Binary); err != nil {
		t.Skip("needs QEMU: apt-get install qemu-system-x86 ipxe-qemu ovmf")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: modprobe tun")
	}
	runtime.LockOSThread() // Pdeathsig is about the thread that started it
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	return false
}

// wire is a bridge and the DHCPDISCOVERs seen on it.
type wire struct {
	bridge *link.Bridge
	conn   *packet.Conn
}

func newWire(t *testing.T) *wire {
	t.Helper()
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0", MTU: 1500}}
	if err := netlink.LinkAdd(br); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(br); err != nil {
		t.Fatal(err)
	}
	bridge, err := link.FindBridge("br0")
	if err != nil {
		t.Fatal(err)
	}
	ifi, err := net.InterfaceByName("br0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := packet.Listen(ifi, packet.Raw, 0x0800, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &wire{bridge, conn}
}

// discover waits for a DHCPDISCOVER from mac with option 93 (RFC 4578) arch.
func (w *wire) discover(t *testing.T, mac string, arch uint16) {
	t.Helper()
	w.conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	frame := make([]byte, 2048)
	for {
		n, _, err := w.conn.ReadFrom(frame)
		if err != nil {
			t.Fatalf("no DHCPDISCOVER from %s with architecture %d: %v", mac, arch, err)
		}
		if got, ok := discoverArch(frame[:n], mac); ok && got == arch {
			return
		}
	}
}

func discoverArch(f []byte, mac string) (uint16, bool) {
	const options = 14 + 20 + 8 + 240
	if len(f) < options || f[23] != 17 || f[37] != 67 || net.HardwareAddr(f[6:12]).String() != mac {
		return 0, false
	}
	for o := f[options:]; len(o) > 2 && o[0] != 255 && int(o[1])+2 <= len(o); o = o[2+o[1]:] {
		if o[0] == 93 {
			return binary.BigEndian.Uint16(o[2:]), true
		}
	}
	return 0, false
}

// rack starts one machine with a NIC and a disk and returns when it takes power verbs.
func (w *wire) rack(t *testing.T, arch, firmware, mac string, boot ...string) (*Machine, *racksim.BootSetup) {
	t.Helper()
	text := fmt.Sprintf(`{rack: r1, bridge: {name: br0}, machines: [{name: %s1, u: 1, arch: %s, firmware: %s, memory: 256, boot: [%s],
		nics: [{mac: %q}], disks: [{size: 64MiB}], bmc: {address: 127.0.0.1}}]}`, firmware, arch, firmware, strings.Join(boot, ","), mac)
	rack, err := racksim.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	spec := rack.Machines[0]
	setup := racksim.NewBootSetup(spec)
	m, err := New(Config{Machine: spec, Setup: setup, Dir: t.TempDir(), Taps: w.bridge.Taps(spec.Name, 1), Logger: discard})
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(m.Console())
			t.Logf("console of %s:\n%s", spec.Name, log)
		}
	})
	select {
	case <-m.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return m, setup
}
