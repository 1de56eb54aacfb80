package load

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Distance is a relay of UDP that delivers late, in order: a long way to a TFTP server, where
// the kernel has no netem. Towards the client the server has one port.
type Distance struct {
	front  *net.UDPConn
	server netip.AddrPort
	delay  time.Duration

	mu    sync.Mutex
	backs map[netip.AddrPort]*back
	stop  context.CancelFunc
	ctx   context.Context
}

// back is the relay's socket towards the server for one client.
type back struct {
	conn *net.UDPConn
	to   netip.AddrPort // the port that the server answers from, once it did
	out  chan late
}

// late is a packet on its way.
type late struct {
	b   []byte
	due time.Time
}

// NewDistance makes a relay to a server; each packet takes the delay one way.
func NewDistance(server netip.AddrPort, delay time.Duration) (*Distance, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	d := &Distance{front: c, server: server, delay: delay, backs: map[netip.AddrPort]*back{}}
	d.ctx, d.stop = context.WithCancel(context.Background())
	go d.inbound()
	return d, nil
}

// Port is where clients come.
func (d *Distance) Port() uint16 { return uint16(d.front.LocalAddr().(*net.UDPAddr).Port) }

// Close ends it.
func (d *Distance) Close() {
	d.stop()
	d.front.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.backs {
		b.conn.Close()
	}
}

func (d *Distance) inbound() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := d.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if b := d.back(from); b != nil {
			select {
			case b.out <- late{append([]byte(nil), buf[:n]...), time.Now().Add(d.delay)}:
			default: // the way is full
			}
		}
	}
}

func (d *Distance) back(client netip.AddrPort) *back {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.backs[client]; b != nil {
		return b
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil
	}
	b := &back{conn: c, to: d.server, out: make(chan late, 4096)}
	d.backs[client] = b
	home := make(chan late, 4096)
	go d.deliver(b.out, func(p []byte) {
		d.mu.Lock()
		to := b.to
		d.mu.Unlock()
		_, _ = c.WriteToUDPAddrPort(p, to)
	})
	go d.deliver(home, func(p []byte) { _, _ = d.front.WriteToUDPAddrPort(p, client) })
	go d.outbound(b, home)
	return b
}

// outbound takes what the server says to one client.
func (d *Distance) outbound(b *back, home chan<- late) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := b.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		d.mu.Lock()
		b.to = from
		d.mu.Unlock()
		select {
		case home <- late{append([]byte(nil), buf[:n]...), time.Now().Add(d.delay)}:
		default:
		}
	}
}

// deliver sends each packet when it is due.
func (d *Distance) deliver(in <-chan late, send func([]byte)) {
	for {
		select {
		case <-d.ctx.Done():
			return
		case p := <-in:
			time.Sleep(time.Until(p.due))
			send(p.b)
		}
	}
}
