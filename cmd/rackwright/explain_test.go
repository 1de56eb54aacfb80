package main

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"rackwright/api"
	"rackwright/boot"
	bootserve "rackwright/boot/serve"
	"rackwright/dhcp"
	"rackwright/inventory"
)

// explains is a server of one network with two machines, one of which an operation wants.
func explains() *api.Explain {
	network := &inventory.Network{Name: "prov", Prefix: netip.MustParsePrefix("10.0.0.0/24"), DHCP: inventory.DHCPReservations, Strangers: inventory.StrangerIgnore,
		Prefix6: netip.MustParsePrefix("fd00::/64"), DHCP6: inventory.DHCP6Reservations}
	host := func(name string, last byte, intent boot.Intent) *boot.Host {
		return &boot.Host{Machine: name, Name: name, MAC: inventory.MAC{0x52, 0x54, 0, 0, 0, last}, Network: "prov", Address: netip.AddrFrom4([4]byte{10, 0, 0, last}),
			Address6: netip.AddrFrom16([16]byte{0: 0xfd, 15: last}), Firmware: inventory.UEFI, Intent: intent}
	}
	view := boot.NewView(1, []*inventory.Network{network}, []*boot.Host{host("m1", 11, boot.LocalDisk), host("m2", 12, boot.RunAgent)})
	get := func() *boot.View { return view }
	files := &bootserve.Server{View: get, Log: slog.New(slog.DiscardHandler), Now: time.Now, AgentPort: 8443, AgentPin: "pin"}
	return &api.Explain{View: get, Settings: dhcp.Settings{HTTPPort: 8080}, Own: func() []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}
	},
		Script: func(ctx context.Context, q url.Values, from netip.Addr, at netip.AddrPort) boot.Rehearsal {
			return files.Rehearse(ctx, q, from, at, bootserve.Passing{View: get})
		}}
}
