package api

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"rackwright/api/wire"
	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
)

// Explain is what answers packets, for questions about them.
type Explain struct {
	View     func() *boot.View
	Settings dhcp.Settings
	Own      func() []netip.Addr // IPv4 addresses of this server
	// Script rehearses the answer to a loader that asks for its script at one of our
	// addresses, and leaves nothing behind.
	Script func(ctx context.Context, query url.Values, from netip.Addr, at netip.AddrPort) boot.Rehearsal
}

// ClientIn is what is asked about. Exported because huma fills only exported embedded structs.
type ClientIn struct {
	MAC  string `query:"mac" required:"true" maxLength:"17" doc:"In any common notation"`
	Arch string `query:"arch" maxLength:"16" doc:"Code of option 93, or bios, uefi-x64, uefi-arm64, uefi-x64-http, uefi-arm64-http"`
	UUID string `query:"uuid" maxLength:"36" doc:"SMBIOS system UUID"`
}

type dhcpExplainIn struct {
	ClientIn
	Client  string `query:"client" enum:"os,pxe,http,ipxe" default:"pxe" doc:"Who asks: firmware by PXE or HTTP, iPXE, or an installed system"`
	Message string `query:"message" enum:"discover,request,renew,rebind,inform,bootp,proxy" default:"discover" doc:"What it sends; a request is that of a client that restarts, proxy what firmware asks on port 4011"`
	Wanted  string `query:"wanted" maxLength:"15" doc:"Address that a request asks for, or that the client of any other message has"`
	Network string `query:"network" maxLength:"63" doc:"Network it is plugged into; without it and relay, any that this server stands in"`
	Relay   string `query:"relay" maxLength:"15" doc:"Address of the DHCP relay (giaddr)"`
	Link    string `query:"link" maxLength:"15" doc:"Link selection of option 82 (RFC 3527)"`
	Circuit string `query:"circuit" maxLength:"250" doc:"Circuit id of option 82, as text or 0x and hexadecimal"`
	Remote  string `query:"remote" maxLength:"250" doc:"Remote id of option 82, likewise"`
	Vendor  string `query:"vendor" maxLength:"128" doc:"Vendor class (option 60) of what does not netboot"`
}

type bootExplainIn struct {
	ClientIn
	From string `query:"from" maxLength:"15" doc:"Address it asks from; its own reserved one when missing"`
}

func (s *server) explanations() {
	o := op("GET", "/dhcp/explain", "explain-dhcp", "What a DHCP message would be answered and by which rule, decided by what answers packets")
	o.Tags = []string{"explain"}
	route(s, o, s.explainDHCP)
	o = op("GET", "/boot/explain", "explain-boot", "Which script a loader would be given and why, by what answers loaders")
	o.Tags = []string{"explain"}
	route(s, o, s.explainBoot)
}

// client reads who is asked about.
func (in *ClientIn) client() (mac inventory.MAC, arch boot.Arch, err error) {
	if mac, err = inventory.ParseMAC(in.MAC); err != nil {
		return mac, arch, badQuery("mac", err.Error())
	}
	arch, ok := boot.ArchOf(in.Arch)
	if !ok {
		return mac, arch, badQuery("arch", "is no code of option 93 and none of bios, uefi-x64, uefi-arm64, uefi-x64-http, uefi-arm64-http")
	}
	return mac, arch, nil
}

// address reads a parameter that may be missing.
func address(name, text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return a, badQuery(name, "is no IPv4 address")
	}
	return a, nil
}

func (s *server) explainDHCP(ctx context.Context, in *dhcpExplainIn) (*body[wire.DHCPExplained], error) {
	if s.Explain == nil {
		return nil, unexplained()
	}
	q, err := in.question()
	if err != nil {
		return nil, err
	}
	v := s.Explain.View()
	own, to, err := s.heard(v, q, in.Network)
	if err != nil {
		return nil, err
	}
	lender, err := s.rehearsedLender(ctx, v)
	if err != nil {
		return nil, err
	}
	e, err := dhcp.Explain(ctx, v, q, own, to, s.Explain.Settings, lender, s.Now())
	if err != nil {
		return nil, err
	}
	out := wire.DHCPExplained{Answered: e.Reply != nil, Rule: string(e.Rule), Why: e.Why(), Reply: e.Word(), Lent: e.Lent && e.Address.IsValid(), Lease: int64(e.Lease().Seconds()),
		Machine: e.Event.Name, Client: e.Client.Class.String(), File: e.File(), ReplyText: e.Text()}
	if e.Address.IsValid() {
		out.Address = e.Address.String()
	}
	if e.Network != nil {
		out.Network = e.Network.Name
	}
	if e.Client.Arch != boot.ArchUnknown {
		out.Arch = e.Client.Arch.String()
	}
	if e.Dest.IsValid() {
		out.To = e.Dest.String()
	}
	return &body[wire.DHCPExplained]{out}, nil
}

func unexplained() error {
	return fault.Conflictf("this server answers no machines").WithHint("ask one with [dhcp] and [http] enabled")
}

func (in *dhcpExplainIn) question() (q dhcp.Question, err error) {
	if q.MAC, q.Arch, err = in.client(); err != nil {
		return q, err
	}
	q.Class, _ = boot.ClassNamed(in.Client)
	q.Kind, q.UUID, q.Circuit, q.Remote, q.Vendor = in.Message, in.UUID, in.Circuit, in.Remote, in.Vendor
	for _, a := range []struct {
		to         *netip.Addr
		name, text string
	}{{&q.Wanted, "wanted", in.Wanted}, {&q.Relay, "relay", in.Relay}, {&q.Link, "link", in.Link}} {
		if *a.to, err = address(a.name, a.text); err != nil {
			return q, err
		}
	}
	if in.Network != "" && q.Relay.IsValid() {
		return q, badQuery("network", "is of a client on our own wire, and a relay was named too")
	}
	return q, nil
}

// heard are our addresses on the interface that the message would come in by, and the one
// it is sent to: a relay sends to one of ours, a client to all.
func (s *server) heard(v *boot.View, q dhcp.Question, network string) (own []netip.Addr, to netip.Addr, err error) {
	own = s.Explain.Own()
	if q.Relay.IsValid() {
		for _, a := range own {
			if !a.IsLoopback() {
				return own, a, nil
			}
		}
		return own, netip.Addr{}, nil
	}
	to = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if network == "" {
		return own, to, nil
	}
	var here []netip.Addr
	known := false
	for _, n := range v.Networks() {
		if n.Name != network {
			continue
		}
		known = true
		for _, a := range own {
			if n.Prefix.Contains(a) {
				here = append(here, a)
			}
		}
	}
	if !known {
		return nil, to, badQuery("network", "is not declared")
	}
	if len(here) == 0 {
		return nil, to, fault.Conflictf("this server has no address in network %s: it hears its clients through a relay only", network).WithHint("say which relay, or give the server an address there")
	}
	return here, to, nil
}

// rehearsedLender knows the leases of now and lends nothing for real.
func (s *server) rehearsedLender(ctx context.Context, v *boot.View) (*dhcp.MemoryLender, error) {
	leases, err := s.Store.Leases(ctx)
	if err != nil {
		return nil, err
	}
	l := dhcp.NewMemoryLender(s.Now, 10*time.Minute, func(a netip.Addr) bool {
		n := v.NetworkOf(a)
		return v.HostAt(a) != nil || n != nil && n.Gateway == a
	})
	for _, lease := range leases {
		l.Keep(lease)
	}
	return l, nil
}

func (s *server) explainBoot(ctx context.Context, in *bootExplainIn) (*body[wire.BootExplained], error) {
	if s.Explain == nil || s.Explain.Script == nil {
		return nil, unexplained()
	}
	mac, arch, err := in.client()
	if err != nil {
		return nil, err
	}
	from, err := address("from", in.From)
	if err != nil {
		return nil, err
	}
	if h := s.Explain.View().Host(mac); h != nil && !from.IsValid() {
		from = h.Address
	}
	at := s.reachedFrom(from)
	// the URL that DHCP gives, so that what is asked is what a loader asks
	next, err := url.Parse(boot.Client{Class: boot.IPXE, Arch: arch, MAC: mac, UUID: strings.ToLower(in.UUID)}.Next(boot.BaseURL(at.Addr(), at.Port())))
	if err != nil {
		return nil, fault.Internalf("script URL: %w", err)
	}
	r := s.Explain.Script(ctx, next.Query(), from, at)
	return &body[wire.BootExplained]{wire.BootExplained{Status: r.Status, Rule: r.Rule, Why: r.Why, Machine: r.Machine, Operation: r.Operation, Script: r.Text}}, nil
}

// reachedFrom is our address and port as a client at an address sees them.
func (s *server) reachedFrom(from netip.Addr) netip.AddrPort {
	at := s.Explain.Settings.BootServer
	n := s.Explain.View().NetworkOf(from)
	for _, own := range s.Explain.Own() {
		if !at.IsValid() && n != nil && n.Prefix.Contains(own) {
			at = own
		}
	}
	for _, own := range s.Explain.Own() {
		if !at.IsValid() && !own.IsLoopback() {
			at = own
		}
	}
	if !at.IsValid() {
		at = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(at, cmp.Or(s.Explain.Settings.HTTPPort, 80))
}
