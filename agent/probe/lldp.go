package probe

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mdlayher/packet"

	"rackwright/inventory"
)

// etherTypeLLDP is the Link Layer Discovery Protocol's (IEEE 802.1AB-2016, section 7.4).
const etherTypeLLDP = 0x88cc

// maxNeighbors bounds what is remembered: a port has one switch, and a few more when an
// unmanaged switch stands between.
const maxNeighbors = 64

// parseLLDP reads an LLDPDU: TLVs of seven bits type and nine bits length (section 8.4).
// ok is false unless it has the three mandatory TLVs in their order.
func parseLLDP(nic string, b []byte) (n inventory.Neighbor, ok bool) {
	n.NIC = nic
	for i := 0; len(b) >= 2; i++ {
		head := binary.BigEndian.Uint16(b)
		kind, size := int(head>>9), int(head&0x1ff)
		if 2+size > len(b) {
			return n, false
		}
		value := b[2 : 2+size]
		b = b[2+size:]
		if i < 3 && kind != i+1 { // chassis, port, time to live
			return n, false
		}
		switch kind {
		case 0:
			return n, i >= 3
		case 1:
			n.Chassis = lldpID(value, 4, 5)
		case 2:
			n.Port = lldpID(value, 3, 4)
		case 3:
			if size < 2 || binary.BigEndian.Uint16(value) == 0 { // the neighbour says goodbye
				return n, false
			}
		case 5:
			n.System = clean(string(value))
		}
		ok = i >= 2
	}
	return n, ok && n.Chassis != "" && n.Port != ""
}

// lldpID prints an identifier by its subtype: a MAC address, a network address (family
// byte first), else text.
func lldpID(b []byte, macSubtype, addrSubtype byte) string {
	if len(b) < 2 {
		return ""
	}
	subtype, id := b[0], b[1:]
	switch {
	case subtype == macSubtype && len(id) == 6:
		return net.HardwareAddr(id).String()
	case subtype == addrSubtype && len(id) > 1:
		if a, ok := netip.AddrFromSlice(id[1:]); ok {
			return a.String()
		}
		return hexadecimal(id)
	}
	return clean(string(id))
}

// Listener hears neighbours in the background.
type Listener struct {
	open  func(port string) (ear, error)
	pause func(context.Context, time.Duration) error

	mu    sync.Mutex
	heard []inventory.Neighbor
	wait  sync.WaitGroup
}

// ear is a socket that gets a port's frames.
type ear interface {
	ReadFrom(frame []byte) (int, net.Addr, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// listenAgain is how long a port that cannot be listened on, or went down, is left alone.
// Switches speak every 30 s (IEEE 802.1AB-2016, section 9.2.5.7).
const listenAgain = 2 * time.Second

// Listen starts hearing on ports until ctx is done. pause waits.
func Listen(ctx context.Context, ports []string, pause func(context.Context, time.Duration) error) *Listener {
	l := &Listener{open: socket, pause: pause}
	l.listen(ctx, ports)
	return l
}

func (l *Listener) listen(ctx context.Context, ports []string) {
	for _, name := range ports {
		l.wait.Go(func() { l.attend(ctx, name) })
	}
}

// socket asks a port for the frames of the protocol, those to the nearest bridge (section
// 7.1) included, which a NIC may filter out otherwise.
func socket(port string) (ear, error) {
	ifi, err := net.InterfaceByName(port)
	if err != nil {
		return nil, err
	}
	conn, err := packet.Listen(ifi, packet.Datagram, etherTypeLLDP, nil)
	if err != nil {
		return nil, err
	}
	_ = conn.SetPromiscuous(true)
	return conn, nil
}

// attend listens on a port, and anew each time its socket fails: a port that goes down
// ends it (ENETDOWN), and a port comes back.
func (l *Listener) attend(ctx context.Context, nic string) {
	for ctx.Err() == nil {
		if conn, err := l.open(nic); err == nil {
			l.hear(ctx, nic, conn)
		}
		if l.pause(ctx, listenAgain) != nil {
			return
		}
	}
}

// hear listens until the socket fails or ctx is done.
func (l *Listener) hear(ctx context.Context, nic string, conn ear) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	frame := make([]byte, 2048)
	for ctx.Err() == nil {
		n, _, err := conn.ReadFrom(frame)
		if err != nil {
			return
		}
		if seen, ok := parseLLDP(nic, frame[:n]); ok {
			l.add(seen)
		}
	}
}

func (l *Listener) add(n inventory.Neighbor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.heard, n) && len(l.heard) < maxNeighbors {
		l.heard = append(l.heard, n)
	}
}

// Heard returns the neighbours heard so far.
func (l *Listener) Heard() []inventory.Neighbor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
}

// Wait returns when all listening has ended.
func (l *Listener) Wait() { l.wait.Wait() }
