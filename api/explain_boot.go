package api

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"rackwright/api/wire"
	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
)

type bootExplainIn struct {
	ClientIn
	From string `query:"from" maxLength:"45" doc:"Address it asks from; when missing its own, reserved or lent"`
}

func (s *server) explainBoot(ctx context.Context, in *bootExplainIn) (*body[wire.BootExplained], error) {
	if s.Explain == nil || s.Explain.Script == nil {
		return nil, unexplained()
	}
	mac, arch, err := in.client(false)
	if err != nil {
		return nil, err
	}
	from, err := address("from", in.From, in.IPv6 || strings.Contains(in.From, ":"))
	if err != nil {
		return nil, err
	}
	if !from.IsValid() {
		from = s.usual(mac, in.IPv6)
	}
	if !from.IsValid() && !in.IPv6 {
		if from, err = s.lentTo(ctx, mac); err != nil {
			return nil, err
		}
	}
	at := s.reachedFrom(from, in.IPv6 || from.Is6())
	// the URL that DHCP gives, so that what is asked is what a loader asks
	next, err := url.Parse(boot.Client{Class: boot.IPXE, Arch: arch, MAC: mac, UUID: strings.ToLower(in.UUID)}.Script(boot.BaseURL(at.Addr(), at.Port())))
	if err != nil {
		return nil, fault.Internalf("script URL: %w", err)
	}
	r := s.Explain.Script(ctx, next.Query(), from, at)
	out := wire.BootExplained{Status: r.Status, Rule: r.Rule, Why: r.Why, Machine: r.Machine, Operation: r.Operation, Script: r.Text}
	v := s.Explain.View()
	if h := v.Host(mac); h != nil && !h.BMC {
		kind, why := v.Told(h, h.As(arch), s.Explain.Settings.Loaders)
		out.Loader, out.LoaderWhy = kind.String(), why
	}
	return &body[wire.BootExplained]{out}, nil
}

// usual is the address that a machine asks from: its reserved one, by IPv6 else the one made
// of its MAC.
func (s *server) usual(mac inventory.MAC, six bool) netip.Addr {
	v := s.Explain.View()
	h := v.Host(mac)
	switch {
	case h == nil:
		return netip.Addr{}
	case !six:
		return h.Address
	case h.Address6.IsValid():
		return h.Address6
	}
	for _, n := range v.Networks() {
		if n.Name == h.Network {
			return n.Made(mac)
		}
	}
	return netip.Addr{}
}

// lentTo is the address that a MAC has a lease of, invalid without one.
func (s *server) lentTo(ctx context.Context, mac inventory.MAC) (netip.Addr, error) {
	leases, err := s.Store.Leases(ctx)
	for _, l := range leases {
		if l.MAC == mac {
			return l.Address, nil
		}
	}
	return netip.Addr{}, err
}

// reachedFrom is our address and port as a client at an address sees them.
func (s *server) reachedFrom(from netip.Addr, six bool) netip.AddrPort {
	at := s.Explain.Settings.BootServer
	if at.Is6() != six {
		at = netip.Addr{}
	}
	own := slices.DeleteFunc(s.own(six), netip.Addr.IsLinkLocalUnicast)
	n := s.Explain.View().NetworkOf(from)
	for _, a := range own {
		if !at.IsValid() && n != nil && (n.Prefix.Contains(a) || n.Prefix6.Contains(a)) {
			at = a
		}
	}
	for _, a := range own {
		if !at.IsValid() && !a.IsLoopback() {
			at = a
		}
	}
	if !at.IsValid() {
		at = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if six {
			at = netip.IPv6Loopback()
		}
	}
	return netip.AddrPortFrom(at, cmp.Or(s.Explain.Settings.HTTPPort, 80))
}
