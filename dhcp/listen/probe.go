package listen

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"rackwright/inventory"
)

// Bounds of looking whether an address is used before it is lent (RFC 2131 section 2.2).
const (
	probeWait  = 300 * time.Millisecond // for an answer; a client waits 4 s for its offer
	probeKept  = time.Minute            // for how long an address that was free counts as free
	maxProbed  = 4096                   // addresses remembered
	maxHeard   = 256                    // foreign packets looked at in one probe
	probeTries = 3                      // addresses looked at for one message
)

// prober finds out whether a machine uses an address: by ARP on our own wire, by an ICMP
// echo behind a relay.
type prober struct {
	log  *slog.Logger
	now  func() time.Time
	wait time.Duration
	once sync.Once // says why it cannot

	mu   sync.Mutex
	free map[netip.Addr]time.Time
}

// used returns who uses the address, "" for nobody. The client itself may.
func (p *prober) used(ctx context.Context, ifindex int, direct bool, a netip.Addr, client inventory.MAC) string {
	if !p.asks(a) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	who, err := "", error(nil)
	if direct {
		who, err = askARP(ctx, ifindex, a, client)
	} else {
		who, err = askEcho(ctx, a)
	}
	if err != nil {
		p.once.Do(func() {
			p.log.Warn("dhcp: addresses are lent without looking whether they are used", "error", err, "hint", "grant CAP_NET_RAW")
		})
		return ""
	}
	if who == "" {
		p.remember(a)
	}
	return who
}

// asks reports whether it has to be looked who uses an address.
func (p *prober) asks(a netip.Addr) bool { return p.wait >= 0 && !p.lately(a) }

func (p *prober) lately(a netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.free[a]
	return ok && p.now().Sub(at) < probeKept
}

func (p *prober) remember(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == nil || len(p.free) >= maxProbed {
		p.free = map[netip.Addr]time.Time{}
	}
	p.free[a] = p.now()
}

// askARP asks for the address as one that has none (RFC 5227 section 2.1.1).
func askARP(ctx context.Context, ifindex int, a netip.Addr, client inventory.MAC) (string, error) {
	ifi, err := net.InterfaceByIndex(ifindex)
	if err != nil {
		return "", err
	}
	c, err := packet.Listen(ifi, packet.Datagram, unix.ETH_P_ARP, nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetReadDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := c.WriteTo(whoHas(ifi.HardwareAddr, a), &packet.Addr{HardwareAddr: net.HardwareAddr{255, 255, 255, 255, 255, 255}}); err != nil {
		return "", err
	}
	buf := make([]byte, 128)
	for range maxHeard {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			return "", nil // nobody answered in time
		}
		if mac, from, ok := claims(buf[:n]); ok && from == a && mac != client {
			return mac.String(), nil
		}
	}
	return "", nil
}

// whoHas is an ARP request (RFC 826) of nobody's address.
func whoHas(us net.HardwareAddr, a netip.Addr) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	b = append(append(b, us...), 0, 0, 0, 0)
	b = append(append(b, 0, 0, 0, 0, 0, 0), a.AsSlice()...)
	return b
}

// claims reads whose address an ARP packet says is whose.
func claims(b []byte) (mac inventory.MAC, a netip.Addr, ok bool) {
	if len(b) < 28 || string(b[:6]) != "\x00\x01\x08\x00\x06\x04" {
		return mac, a, false
	}
	return inventory.MAC(b[8:14]), netip.AddrFrom4([4]byte(b[14:18])), binary.BigEndian.Uint16(b[6:]) <= 2
}

// askEcho sends an echo request (RFC 792) and waits for its reply.
func askEcho(ctx context.Context, a netip.Addr) (string, error) {
	c, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return "", err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetReadDeadline(deadline); err != nil {
		return "", err
	}
	ask := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: os.Getpid() & 0xffff, Seq: 1, Data: []byte("is it used")}}
	b, err := ask.Marshal(nil)
	if err != nil {
		return "", err
	}
	if _, err := c.WriteTo(b, &net.IPAddr{IP: a.AsSlice()}); err != nil {
		return "", nil // no way there
	}
	buf := make([]byte, 256)
	for range maxHeard {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return "", nil
		}
		m, err := icmp.ParseMessage(unix.IPPROTO_ICMP, buf[:n])
		if ip, ok := from.(*net.IPAddr); err == nil && ok && m.Type == ipv4.ICMPTypeEchoReply && ip.IP.Equal(a.AsSlice()) {
			return a.String(), nil
		}
	}
	return "", nil
}
