package netns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The tests run the test binary again inside a fresh network namespace, where they may
// open any port and make any interface. Each client is one more namespace, kept alive
// by a process that only waits, joined to a bridge by a veth pair.

const (
	insideEnv = "RACKWRIGHT_NETNS_INSIDE"
	holdEnv   = "RACKWRIGHT_NETNS_HOLD"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(holdEnv) != "":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case os.Getenv(insideEnv) != "":
		if lo, err := netlink.LinkByName("lo"); err == nil { // without it the net package takes it that there is no IPv6
			_ = netlink.LinkSetUp(lo)
		}
		os.Exit(m.Run())
	case os.Geteuid() != 0:
		os.Exit(m.Run()) // every test skips
	default:
		os.Exit(inside())
	}
}

// inside runs this binary in a new network namespace and returns its exit status.
func inside() int {
	runtime.LockOSThread() // Pdeathsig is about the thread that started it
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "network namespace:", err)
		return 1
	}
	return 0
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		t.Skip("needs root to make network namespaces: run as root")
	}
}

// need skips the test when a program is missing.
func need(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("needs %s: apt-get install %s", program, pkg)
	}
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bridge makes a bridge with an address (a.b.c.d/n; none when empty).
func bridge(t *testing.T, name, address string) {
	t.Helper()
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0)
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
	must(t, netlink.LinkAdd(br))
	t.Cleanup(func() { _ = netlink.LinkDel(br) })
	if address != "" {
		addAddress(t, name, address)
	}
	must(t, netlink.LinkSetUp(br))
}

func addAddress(t *testing.T, link, address string) {
	t.Helper()
	l, err := netlink.LinkByName(link)
	must(t, err)
	a, err := netlink.ParseAddr(address)
	must(t, err)
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD // or a transfer that begins from the link-local address goes on from this one
	}
	must(t, netlink.AddrAdd(l, a))
}

// machine is a client in a namespace of its own; its interface is called eth0.
type machine struct {
	t   *testing.T
	pid int
}

// plug makes a machine whose NIC has the MAC and is cabled to the bridge.
func plug(t *testing.T, br, mac string) *machine {
	t.Helper()
	m := &machine{t: t, pid: hold(t)}
	host := fmt.Sprintf("v%d", m.pid)
	hw, err := net.ParseMAC(mac)
	must(t, err)
	master, err := netlink.LinkByName(br)
	must(t, err)
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: host, MasterIndex: master.Attrs().Index},
		PeerName: "eth0", PeerHardwareAddr: hw, PeerNamespace: netlink.NsPid(m.pid)}))
	l, err := netlink.LinkByName(host)
	must(t, err)
	must(t, netlink.LinkSetUp(l))
	m.within(func() {
		for _, name := range []string{"lo", "eth0"} {
			_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/accept_dad", []byte("0"), 0)
			l, err := netlink.LinkByName(name)
			must(t, err)
			must(t, netlink.LinkSetUp(l))
		}
	})
	up(t, host)
	up(t, br)
	m.within(func() { linkLocal(t, "eth0") })
	return m
}

// linkLocal waits until a link has its link-local address, without which IPv6 clients give up.
func linkLocal(t *testing.T, link string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		l, err := netlink.LinkByName(link)
		must(t, err)
		list, err := netlink.AddrList(l, netlink.FAMILY_V6)
		must(t, err)
		for _, a := range list {
			if a.IP.IsLinkLocalUnicast() && a.Flags&unix.IFA_F_TENTATIVE == 0 {
				return
			}
		}
	}
	t.Fatalf("%s has no link-local address", link)
}

// up waits until a link has its carrier, so that a client's first message is not lost.
func up(t *testing.T, link string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if l, err := netlink.LinkByName(link); err == nil && l.Attrs().OperState == netlink.OperUp {
			return
		}
	}
	t.Fatalf("%s has no carrier", link)
}

// hold starts the process that keeps a namespace and ends it with the test.
func hold(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), holdEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET} // it ends when its standard input does
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { stdin.Close(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// within runs f on a thread inside the machine's namespace; sockets that f opens stay
// there. The thread is not used for anything else afterwards.
func (m *machine) within(f func()) {
	m.t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", m.pid))
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		if err == nil {
			defer func() { done <- nil }()
			f()
			return
		}
		done <- err
	}()
	must(m.t, <-done)
}

// run runs a program in the machine's namespace and returns what it printed.
func (m *machine) run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 20*time.Second)
	defer cancel()
	all := append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", m.pid), name}, args...)
	cmd := exec.CommandContext(ctx, "nsenter", all...)
	cmd.Dir = m.t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// address gives the machine's NIC an address, as its system would after DHCP.
func (m *machine) address(a string) {
	m.t.Helper()
	m.within(func() { addAddress(m.t, "eth0", a) })
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in\n%s", p, text)
		}
	}
}
