// Package lab is a small datacenter for the demo and the whole-system tests: a network of
// its own, the server and a rack of simulated machines, all real programs. It asserts
// nothing.
package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/fault"
)

// inside marks the process that lives in the lab's own namespaces.
const inside = "RACKWRIGHT_LAB_INSIDE"

// Inside reports whether this process is the one in the lab's namespaces.
func Inside() bool { return os.Getenv(inside) != "" }

// Enter runs this program again in network, process and mount namespaces of its own and
// returns its exit status. When that process ends, the kernel ends everything it started
// and takes the interfaces away: nothing can stay behind, whatever happens. ctx ending
// asks it to end; a second later than grace it is killed.
func Enter(ctx context.Context, grace time.Duration) (int, error) {
	if os.Geteuid() != 0 {
		return 1, fault.Deniedf("network namespaces need root").WithHint("run it as root, e.g. with sudo")
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	interrupted := make(chan os.Signal, 4) // the terminal sends Ctrl-C to the child as well; we only must not die of it
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	exited, err := startPinned(cmd)
	if err != nil {
		return 1, fault.Internalf("enter namespaces: %w", err)
	}
	for {
		select {
		case err := <-exited:
			return status(err)
		case s := <-interrupted:
			cmd.Process.Signal(s)
			time.AfterFunc(grace, func() { cmd.Process.Kill() })
		case <-ctx.Done():
			cmd.Process.Signal(syscall.SIGTERM)
			time.AfterFunc(grace, func() { cmd.Process.Kill() })
			ctx = context.Background()
		}
	}
}

// startPinned starts cmd from a thread that lives as long as it does: Pdeathsig is sent
// when the thread that forked ends, not the process (prctl(2)).
func startPinned(cmd *exec.Cmd) (<-chan error, error) {
	started, exited := make(chan error, 1), make(chan error, 1)
	go func() {
		lockThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	return exited, <-started
}

func status(err error) (int, error) {
	if err == nil {
		return 0, nil
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		if e.ExitCode() >= 0 {
			return e.ExitCode(), nil
		}
		return 1, fmt.Errorf("ended by %s", e.String())
	}
	return 1, err
}

// The lab's networks.
const (
	Bridge  = "br0"
	OOB     = "oob0"
	Server  = "10.77.0.1"
	network = "10.77.0.1/24"
	oobNet  = "10.78.0.1/24"
)

// Prepare makes the namespaces liveable: /proc shows the lab's own processes, loopback is
// up, and there are a bridge for the machines and an interface for the BMCs.
func Prepare() error {
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		return fault.Internalf("private mounts: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fault.Internalf("mount /proc: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fault.Internalf("loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fault.Internalf("loopback: %w", err)
	}
	if err := bridge(Bridge, network); err != nil {
		return err
	}
	return bridge(OOB, oobNet)
}

func bridge(name, cidr string) error {
	b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
	addr, err := netlink.ParseAddr(cidr)
	if err == nil {
		err = netlink.LinkAdd(b)
	}
	if err == nil {
		err = netlink.AddrAdd(b, addr)
	}
	if err == nil {
		// A fixed MAC keeps the bridge's link-local address when taps come and go.
		err = netlink.LinkSetHardwareAddr(b, net.HardwareAddr{0x52, 0x54, 0, 0x77, 0xff, name[0]})
	}
	if err == nil {
		err = netlink.LinkSetUp(b)
	}
	if err != nil {
		return fault.Internalf("bridge %s: %w", name, err)
	}
	return nil
}
