package scripted

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// relayPort is where relays and servers listen (RFC 2131 section 4.1).
const relayPort = 67

// Relay is the DHCP relay agent all machines of a rack speak through: one socket, answers
// told apart by transaction and hardware address. It is a task.
type Relay struct {
	conn   *net.UDPConn
	giaddr netip.Addr
	server netip.AddrPort
	log    *slog.Logger

	mu      sync.Mutex
	waiting map[transaction]chan *dhcpv4.DHCPv4
	taken   taken
}

// transaction names a client's question (RFC 2131 section 2: xid, with chaddr because two
// clients may choose the same).
type transaction struct {
	xid dhcpv4.TransactionID
	mac [6]byte
}

// OpenRelay takes UDP port 67 of listen, an address of this host on the provisioning
// network. The addresses that machines are given are put on addresses, nil for none. Errors
// are Denied, Conflict or Invalid.
func OpenRelay(listen, server netip.Addr, addresses Addresses, log *slog.Logger) (*Relay, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(listen, relayPort)))
	switch {
	case errors.Is(err, unix.EACCES):
		return nil, fault.Deniedf("DHCP relay: may not open UDP port 67: %w", err).WithHint("run racksim as root, or with CAP_NET_BIND_SERVICE")
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fault.Conflictf("DHCP relay: UDP port 67 of %s is in use: %w", listen, err).
			WithHint("the DHCP server listens there: run racksim in a network namespace of its own, joined to the server's network by a veth pair")
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return nil, fault.Invalidf("DHCP relay: %s is not on this host: %w", listen, err).WithHint("add it to the interface on the provisioning network, e.g. ip addr add %s/24 dev eth0", listen)
	case err != nil:
		return nil, fault.Internalf("DHCP relay: %w", err)
	}
	r := newRelay(conn, listen, netip.AddrPortFrom(server, relayPort), log)
	r.taken.from = addresses
	return r, nil
}

func newRelay(conn *net.UDPConn, giaddr netip.Addr, server netip.AddrPort, log *slog.Logger) *Relay {
	_ = conn.SetReadBuffer(4 << 20) // a whole row powers on at once; the system's limit may be lower
	return &Relay{conn: conn, giaddr: giaddr, server: server, log: log, waiting: map[transaction]chan *dhcpv4.DHCPv4{}}
}

// String names the task.
func (r *Relay) String() string { return "DHCP relay" }

// Run hands answers to those who wait, until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	defer func() {
		if err := r.taken.giveBack(); err != nil {
			r.log.Warn("address of a machine not removed", "error", err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { r.conn.Close() })
	defer stop()
	buf := make([]byte, 2048)
	for {
		n, _, err := r.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP error of an earlier datagram: the server is not there yet
		}
		r.deliver(buf[:n])
	}
}

// Close gives the port back; only for a relay that was never run.
func (r *Relay) Close() error { return r.conn.Close() }

func (r *Relay) deliver(b []byte) {
	m, err := dhcpv4.FromBytes(b)
	if err != nil || m.OpCode != dhcpv4.OpcodeBootReply || len(m.ClientHWAddr) != 6 {
		r.log.Debug("DHCP relay: passed over", "bytes", len(b))
		return
	}
	r.mu.Lock()
	to := r.waiting[transaction{m.TransactionID, [6]byte(m.ClientHWAddr)}]
	r.mu.Unlock()
	select {
	case to <- m: // a nil channel never takes it
	default:
	}
}

// ask relays a question and returns the answers to it as they come; done ends that. The
// question goes out again each time send is called.
func (r *Relay) ask(m *dhcpv4.DHCPv4) (answers <-chan *dhcpv4.DHCPv4, send func() error, done func()) {
	m.GatewayIPAddr, m.HopCount = r.giaddr.AsSlice(), 1
	key := transaction{m.TransactionID, [6]byte(m.ClientHWAddr)}
	c := make(chan *dhcpv4.DHCPv4, 4)
	r.mu.Lock()
	r.waiting[key] = c
	r.mu.Unlock()
	send = func() error {
		_, err := r.conn.WriteToUDPAddrPort(m.ToBytes(), r.server)
		return err
	}
	return c, send, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.waiting[key] == c {
			delete(r.waiting, key)
		}
	}
}
