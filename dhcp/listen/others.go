package listen

import (
	"cmp"
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"time"

	"rackwright/dhcp"
	"rackwright/inventory"
)

// Bounds of what is said of other servers.
const (
	lookEvery  = 10 * time.Minute
	othersTold = 10 * time.Minute // for how long nothing more is said of one server and client
	maxOthers  = 1024
)

// watchOthers tells of other DHCP servers on networks where we give the addresses: by their
// answers to clients, as far as those are broadcast, and to a question of our own from time
// to time. Without the right to a packet socket it says so and leaves DHCP alone.
func (s *Server) watchOthers(ctx context.Context, links *links) error {
	ear, err := openEar()
	if err != nil {
		s.Log.Warn("dhcp: other servers are not looked for", "error", err, "hint", "grant CAP_NET_RAW")
		return nil
	}
	defer ear.close()
	stop := context.AfterFunc(ctx, ear.close)
	defer stop()
	told := map[string]time.Time{}
	buf := make([]byte, 2048)
	for failures := 0; ctx.Err() == nil && failures < maxFailures; {
		n, ifindex, hardware, err := ear.hear(buf)
		if err != nil {
			failures++
			continue
		}
		failures = 0
		if o, ok := s.overheard(buf[:n], ifindex, hardware, links); ok && s.news(told, o) {
			s.Journal.Record(o.Event)
		}
	}
	return nil
}

func (s *Server) overheard(b []byte, ifindex int, hardware inventory.MAC, links *links) (dhcp.Other, bool) {
	at := links.now()
	if !s.serves(at.names[ifindex]) {
		return dhcp.Other{}, false
	}
	return dhcp.Overheard(s.View(), b, at.addrs[ifindex], at.own, hardware, s.Now(), s.Alone)
}

// serves reports whether the interface is one to answer on.
func (s *Server) serves(name string) bool { return len(s.Only) == 0 || slices.Contains(s.Only, name) }

// news reports whether this was not said a short while ago.
func (s *Server) news(told map[string]time.Time, o dhcp.Other) bool {
	key, now := o.Server.String()+" "+o.Network+" "+o.Client.String(), s.Now()
	if at, ok := told[key]; ok && now.Sub(at) < othersTold {
		return false
	}
	if len(told) >= maxOthers {
		clear(told)
	}
	told[key] = now
	return true
}

// askOthers sends the question on every interface where we give addresses.
func (s *Server) askOthers(ctx context.Context, links *links) error {
	for {
		for ifindex, addrs := range links.now().addrs {
			s.askOn(ifindex, addrs, links)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(cmp.Or(s.Look, lookEvery)):
		}
	}
}

func (s *Server) askOn(ifindex int, addrs []netip.Addr, links *links) {
	gives := slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		n := s.View().NetworkOf(a)
		return n != nil && n.DHCP.Addresses()
	})
	ifi, err := net.InterfaceByIndex(ifindex)
	if !gives || err != nil || len(ifi.HardwareAddr) != 6 || s.frames == nil || !s.serves(links.now().names[ifindex]) {
		return
	}
	var xid [4]byte
	rand.Read(xid[:])
	all := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	from, to := netip.AddrPortFrom(netip.IPv4Unspecified(), 68), netip.AddrPortFrom(all, dhcp.ServerPort)
	if err := s.frames.send(ifindex, inventory.MAC{255, 255, 255, 255, 255, 255}, from, to, dhcp.Probe(ifi.HardwareAddr, xid)); err != nil {
		s.Log.Debug("dhcp: look for other servers", "interface", ifi.Name, "error", err)
	}
}
