package main

import (
	"context"
	"net"
	"net/netip"
	"net/url"

	"rackwright/api"
	"rackwright/boot"
	bootserve "rackwright/boot/serve"
	"rackwright/dhcp"
)

// explained is what answers machines, for questions about it.
func (s *server) explained(files *bootserve.Server, settings dhcp.Settings) *api.Explain {
	return &api.Explain{View: s.view.View, Settings: settings, Own: ownAddresses,
		Script: func(ctx context.Context, q url.Values, from netip.Addr, at netip.AddrPort) boot.Rehearsal {
			return files.Rehearse(ctx, q, from, at, bootserve.Passing{View: s.view.View})
		}}
}

// ownAddresses are the addresses of this host.
func ownAddresses() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out
}
