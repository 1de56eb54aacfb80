package listen

import (
	"errors"
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"rackwright/inventory"
)

// ear hears what DHCP servers send to clients on any interface. The kernel picks those
// packets out (BPF).
type ear struct{ file *os.File }

// openEar needs CAP_NET_RAW.
func openEar() (*ear, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = filter(fd)
	if err == nil { // it hears from now on, when the filter is there
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_IP)})
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &ear{os.NewFile(uintptr(fd), "dhcp servers")}, nil
}

// filter lets whole UDP datagrams from port 67 to port 68 through.
func filter(fd int) error {
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1}, // protocol
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 6},
		bpf.LoadAbsolute{Off: 6, Size: 2}, // fragment
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x3fff, SkipTrue: 4},
		bpf.LoadMemShift{Off: 0}, // length of the IP header
		bpf.LoadIndirect{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 67<<16 | 68, SkipTrue: 1},
		bpf.RetConstant{Val: 2048},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func (e *ear) close() { _ = e.file.Close() }

// hear waits for the next message and moves it to the front of b. n is 0 for what is too
// short to be one.
func (e *ear) hear(b []byte) (n, ifindex int, hardware inventory.MAC, err error) {
	conn, err := e.file.SyscallConn()
	if err != nil {
		return 0, 0, hardware, err
	}
	var from unix.Sockaddr
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		n, from, failed = unix.Recvfrom(int(fd), b, 0)
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err = errors.Join(err, failed); err != nil {
		return 0, 0, hardware, err
	}
	if ll, ok := from.(*unix.SockaddrLinklayer); ok {
		ifindex, hardware = ll.Ifindex, inventory.MAC(ll.Addr[:6])
	}
	head := int(b[0]&15)*4 + udpHeader
	if n < head {
		return 0, ifindex, hardware, nil
	}
	return copy(b, b[head:n]), ifindex, hardware, nil
}
