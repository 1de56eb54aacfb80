package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"

	"rackwright/boot"
	v6 "rackwright/dhcp/v6"
	"rackwright/inventory"
)

// Router advertisements (RFC 4861): of a network's IPv6 subnet, and on one without an empty
// one. iPXE configures IPv4 and IPv6 side by side and builds of 2019 wait some 13 s for a
// router nobody has; one without prefixes and with a lifetime of 0 has the loader go on.

// recheck is how often the view is asked which networks want advertisements.
const recheck = 5 * time.Second

// again is how often a network with an IPv6 subnet is told of it unasked (RFC 4861 section
// 6.2.1: 600 s at most).
const again = 200 * time.Second

// advertise answers router solicitations on the interfaces of networks that want it.
// Without IPv6 or without the right to a raw socket it says so and leaves DHCP alone.
func (s *Server) advertise(ctx context.Context, links *links) error {
	for !wanted(s.View()) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(recheck):
		}
	}
	c, err := icmp.ListenPacket("ip6:ipv6-icmp", "::")
	if err != nil {
		s.Log.Warn("router advertisements are off: no ICMPv6 socket", "error", err, "hint", "grant CAP_NET_RAW, or set router_adverts = false")
		return nil
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	return (&advertiser{conn: c.IPv6PacketConn(), view: s.View, links: links, on: s.serves, log: s.Log, joined: map[int]bool{}, sent: map[int]time.Time{}}).run(ctx)
}

func wanted(v *boot.View) bool {
	for _, n := range v.Networks() {
		if n.RouterAdverts {
			return true
		}
	}
	return false
}

type advertiser struct {
	conn   *ipv6.PacketConn
	view   func() *boot.View
	links  *links
	on     func(name string) bool // the interfaces to be on
	log    *slog.Logger
	joined map[int]bool
	sent   map[int]time.Time // unasked, by interface
}

func (a *advertiser) run(ctx context.Context) error {
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(ipv6.ICMPTypeRouterSolicitation)
	err := errors.Join(a.conn.SetICMPFilter(&only), a.conn.SetMulticastHopLimit(255),
		a.conn.SetMulticastLoopback(false), a.conn.SetControlMessage(ipv6.FlagInterface|ipv6.FlagHopLimit, true))
	if err != nil {
		a.log.Warn("router advertisements are off", "error", err)
		return nil
	}
	buf := make([]byte, 256)
	for ctx.Err() == nil {
		a.join()
		a.unasked(time.Now())
		_ = a.conn.SetReadDeadline(time.Now().Add(recheck))
		_, cm, _, err := a.conn.ReadFrom(buf)
		if err != nil || cm == nil || cm.HopLimit != 255 { // RFC 4861 section 6.1.1: not from off the link
			continue
		}
		if n := a.serves(cm.IfIndex); n != nil {
			a.answer(cm.IfIndex, n)
		}
	}
	return nil
}

// serves is the network that wants it and that the interface has an address in, nil for none.
func (a *advertiser) serves(ifindex int) *inventory.Network {
	at := a.links.now()
	if !a.on(at.names[ifindex]) {
		return nil
	}
	for _, list := range [][]netip.Addr{at.six[ifindex], at.addrs[ifindex]} {
		for _, addr := range list {
			if n := a.view().NetworkOf(addr); n != nil && n.RouterAdverts {
				return n
			}
		}
	}
	return nil
}

// unasked tells networks with an IPv6 subnet of it from time to time.
func (a *advertiser) unasked(now time.Time) {
	for ifindex := range a.joined {
		if n := a.serves(ifindex); n != nil && n.Prefix6.IsValid() && now.Sub(a.sent[ifindex]) >= again {
			if a.answer(ifindex, n) { // not before the interface has a link-local address
				a.sent[ifindex] = now
			}
		}
	}
}

// join listens to ff02::2 (all routers) where advertisements are wanted.
func (a *advertiser) join() {
	for ifindex := range a.links.now().names {
		if a.joined[ifindex] || a.serves(ifindex) == nil {
			continue
		}
		err := a.conn.JoinGroup(&net.Interface{Index: ifindex}, &net.IPAddr{IP: net.IPv6linklocalallrouters})
		if err != nil {
			a.log.Debug("router advertisements: join", "interface", ifindex, "error", err)
			continue
		}
		a.joined[ifindex] = true
	}
}

// answer sends the network's advertisement to all nodes, and reports whether it went out.
func (a *advertiser) answer(ifindex int, n *inventory.Network) bool {
	body := v6.Advertisement(n, a.links.now().six[ifindex])
	m := icmp.Message{Type: ipv6.ICMPTypeRouterAdvertisement, Body: &icmp.RawBody{Data: body}}
	b, err := m.Marshal(nil) // the kernel fills in the checksum
	if err != nil {
		return false
	}
	cm := &ipv6.ControlMessage{IfIndex: ifindex, HopLimit: 255}
	if _, err := a.conn.WriteTo(b, cm, &net.IPAddr{IP: net.IPv6linklocalallnodes}); err != nil {
		a.log.Debug("router advertisements: send", "interface", ifindex, "error", err)
		return false
	}
	return true
}
