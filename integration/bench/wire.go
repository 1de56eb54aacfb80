package main

import (
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// cable is a link between the servers and the load, which is in a namespace of its own
// so that every packet crosses the network stack twice, as on a real wire.
type cable struct {
	server, relay netip.Addr
	link          netlink.Link // our end
}

// The two ends, and the network both are in.
const (
	cableName   = "bench0"
	cableServer = "10.88.0.1/10"
	cableRelay  = "10.88.0.2/10"
)

// lay makes the cable and opens the relay agent's socket at its far end: port 67 of the
// relay's address, connected to port 67 of the server's.
func lay() (c *cable, conn *net.UDPConn, err error) {
	c = &cable{server: netip.MustParsePrefix(cableServer).Addr(), relay: netip.MustParsePrefix(cableRelay).Addr()}
	there, back := make(chan int), make(chan error)
	opened := make(chan *net.UDPConn, 1)
	go farEnd(c, there, back, opened)
	ns := <-there
	if ns < 0 {
		return nil, nil, fault.Internalf("a namespace for the load: %w", <-back)
	}
	defer unix.Close(ns)
	c.link = &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: cableName}, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns)}
	if err = netlink.LinkAdd(c.link); err == nil {
		err = raise(cableName, cableServer)
	}
	back <- err
	if ferr := <-back; err == nil {
		err = ferr
	}
	if err != nil {
		return nil, nil, fault.Internalf("a link for the load: %w", err)
	}
	return c, <-opened, nil
}

// farEnd lives on a thread in a new network namespace: it tells its descriptor, waits for
// the link, and opens the socket, which stays there. The thread ends with it.
func farEnd(c *cable, there chan<- int, both chan error, opened chan<- *net.UDPConn) {
	runtime.LockOSThread()
	ns := -1
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		there <- -1
		both <- err
		return
	}
	there <- ns
	if err = <-both; err == nil {
		err = raise("eth0", cableRelay)
	}
	if err == nil {
		var conn *net.UDPConn
		conn, err = net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.relay, 67)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.server, 67)))
		if err == nil {
			err = conn.SetReadBuffer(8 << 20)
		}
		opened <- conn
	}
	both <- err
}

// raise gives a link its address and switches it on, in the calling thread's namespace.
func raise(name, address string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	a, err := netlink.ParseAddr(address)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(l, a); err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// remove takes the cable away.
func (c *cable) remove() { netlink.LinkDel(c.link) }

// onCore runs f with its thread on one processor, when there are two: the server has the
// other.
func onCore(core int, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if runtime.NumCPU() > 1 {
			runtime.LockOSThread() // never unlocked: the thread ends with its affinity
			var set unix.CPUSet
			set.Set(core)
			_ = unix.SchedSetaffinity(0, &set)
		}
		f()
	}()
	<-done
}

// tasksetFor is what a program is started through to have a processor to itself.
func tasksetFor(core string) []string {
	if runtime.NumCPU() < 2 {
		return nil
	}
	if _, err := os.Stat("/usr/bin/taskset"); err != nil {
		return nil
	}
	return []string{"/usr/bin/taskset", "-c", core}
}
