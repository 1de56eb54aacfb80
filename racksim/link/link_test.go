package link

import (
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"rackwright/fault"
)

const inNamespace = "RACKSIM_TEST_NETNS"

// alone runs the test again in a network namespace of its own and reports whether this
// is that second run.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a network namespace and taps")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs /dev/net/tun: modprobe tun")
	}
	runtime.LockOSThread() // Pdeathsig is about the thread that started it
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func bridge(t *testing.T, name string) netlink.Link {
	t.Helper()
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
	must(t, netlink.LinkAdd(br))
	must(t, netlink.LinkSetUp(br))
	l, err := netlink.LinkByName(name)
	must(t, err)
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTapsJoinTheBridgeAndVanish(t *testing.T) {
	if !alone(t) {
		return
	}
	before := bridge(t, "br0").Attrs().HardwareAddr.String()
	b, err := FindBridge("br0")
	must(t, err)
	taps := b.Taps("a-machine-with-a-long-name", 2)
	files, err := taps.Open()
	must(t, err)
	if len(files) != 2 {
		t.Fatalf("%d files", len(files))
	}
	must(t, taps.Carrier(true))
	for _, name := range taps.Names() {
		l, err := netlink.LinkByName(name)
		must(t, err)
		if l.Attrs().MasterIndex != b.index {
			t.Errorf("%s is not on the bridge", name)
		}
	}
	if br, err := netlink.LinkByName("br0"); err != nil || br.Attrs().HardwareAddr.String() != before {
		t.Errorf("the bridge's address changed from %s to %s, %v", before, br.Attrs().HardwareAddr, err)
	}
	if _, err := b.Taps("a-machine-with-a-long-name", 1).Open(); !fault.Is(err, fault.Conflict) {
		t.Errorf("a tap twice: %v", err)
	}
	must(t, taps.Close())
	if _, err := netlink.LinkByName(taps.Names()[0]); err == nil {
		t.Error("the tap outlived its file")
	}
}

func TestMissingBridgeSaysHowToMakeIt(t *testing.T) {
	if !alone(t) {
		return
	}
	_, err := FindBridge("br7")
	if !fault.Is(err, fault.NotFound) || !strings.Contains(fault.HintOf(err), "ip link add br7 type bridge") {
		t.Errorf("%v, hint %q", err, fault.HintOf(err))
	}
	if _, err := FindBridge("lo"); !fault.Is(err, fault.Invalid) {
		t.Errorf("loopback as a bridge: %v", err)
	}
}

func TestAddressesComeAndGo(t *testing.T) {
	if !alone(t) {
		return
	}
	l := bridge(t, "oob0")
	foreign, err := netlink.ParseAddr("10.78.0.1/24")
	must(t, err)
	must(t, netlink.AddrAdd(l, foreign))
	i, err := FindInterface("oob0", 0)
	must(t, err)
	ip := netip.MustParseAddr("10.78.0.11")
	remove, err := i.Add(ip)
	must(t, err)
	if got := i.network(ip).String(); got != "10.78.0.11/24" {
		t.Errorf("added as %s", got)
	}
	takeOver, err := i.Add(ip) // as after a racksim that was killed
	must(t, err)
	must(t, takeOver())
	if err := remove(); err == nil {
		t.Error("the address was still there")
	}
	keep, err := i.Add(netip.MustParseAddr("10.78.0.1"))
	must(t, err)
	must(t, keep())
	v6, err := i.Add(netip.MustParseAddr("fd78::11"))
	must(t, err)
	must(t, v6())
	addrs, err := netlink.AddrList(l, netlink.FAMILY_V4)
	must(t, err)
	if len(addrs) != 1 || addrs[0].IP.String() != "10.78.0.1" {
		t.Errorf("left on the interface: %v", addrs)
	}
}
