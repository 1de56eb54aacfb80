package api

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
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
	Own      func() []netip.Addr // addresses of this server, zone-less
	// Held is what the server remembers of a client's address, for relays that ask; nil: nothing.
	Held func(inventory.MAC) dhcp.Holding
	// Script rehearses the answer to a loader that asks for its script at one of our
	// addresses, and leaves nothing behind.
	Script func(ctx context.Context, query url.Values, from netip.Addr, at netip.AddrPort) boot.Rehearsal
}

// ClientIn is what is asked about. Exported because huma fills only exported embedded structs.
type ClientIn struct {
	MAC  string `query:"mac" maxLength:"17" doc:"In any common notation; may be missing where a DUID or UUID says who asks by IPv6"`
	Arch string `query:"arch" maxLength:"16" doc:"Code of option 93, or bios, uefi-x64, uefi-arm64, uefi-x64-http, uefi-arm64-http"`
	UUID string `query:"uuid" maxLength:"36" doc:"SMBIOS system UUID"`
	IPv6 bool   `query:"ipv6" doc:"It asks by IPv6"`
}

type dhcpExplainIn struct {
	ClientIn
	Client  string `query:"client" enum:"os,pxe,http,ipxe" default:"pxe" doc:"Who asks: firmware by PXE or HTTP, iPXE, or an installed system"`
	Message string `query:"message" enum:"discover,request,renew,rebind,inform,bootp,proxy,leasequery,solicit,confirm,release,decline" doc:"What it sends; without it discover, by IPv6 solicit. A request is that of a client that restarts, proxy what firmware asks on port 4011, a leasequery what a relay asks about the address wanted, else about the MAC (RFC 4388)"`
	Wanted  string `query:"wanted" maxLength:"45" doc:"Address that a request asks for, that a leasequery is about, or that the client of any other message has"`
	Network string `query:"network" maxLength:"63" doc:"Network it is plugged into; without it and relay, any that this server stands in"`
	Relay   string `query:"relay" maxLength:"45" doc:"Address of the DHCP relay (giaddr)"`
	Link    string `query:"link" maxLength:"45" doc:"Link selection of option 82 (RFC 3527); by IPv6 the relay's address on the client's link, if another"`
	Circuit string `query:"circuit" maxLength:"250" doc:"Circuit id of option 82, or interface id by IPv6, as text or 0x and hexadecimal"`
	Remote  string `query:"remote" maxLength:"250" doc:"Remote id of option 82, likewise"`
	Vendor  string `query:"vendor" maxLength:"128" doc:"Vendor class (option 60) of what does not netboot"`
	DUID    string `query:"duid" maxLength:"400" doc:"DUID of a client by IPv6, hexadecimal; without it made of the UUID, else of the MAC"`
	IAID    uint32 `query:"iaid" doc:"Identity association that it wants an address for, by IPv6"`
}

func (s *server) explanations() {
	o := op("GET", "/dhcp/explain", "explain-dhcp", "What a DHCP message would be answered and by which rule, decided by what answers packets")
	o.Tags = []string{"explain"}
	route(s, o, s.explainDHCP)
	o = op("GET", "/boot/explain", "explain-boot", "Which script a loader would be given and why, by what answers loaders")
	o.Tags = []string{"explain"}
	route(s, o, s.explainBoot)
}

// client reads who is asked about; the MAC may be missing where the client is nameless.
func (in *ClientIn) client(nameless bool) (mac inventory.MAC, arch boot.Arch, err error) {
	if mac, err = inventory.ParseMAC(in.MAC); err != nil && (in.MAC != "" || !nameless) {
		return mac, arch, badQuery("mac", err.Error())
	}
	arch, ok := boot.ArchOf(in.Arch)
	if !ok {
		return mac, arch, badQuery("arch", "is no code of option 93 and none of bios, uefi-x64, uefi-arm64, uefi-x64-http, uefi-arm64-http")
	}
	return mac, arch, nil
}

// address reads a parameter that may be missing.
func address(name, text string, six bool) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	switch {
	case six && (err != nil || !a.Is6() || a.Is4In6() || a.Zone() != ""):
		return a, badQuery(name, "is no IPv6 address")
	case !six && (err != nil || !a.Is4()):
		return a, badQuery(name, "is no IPv4 address")
	}
	return a, nil
}

func (s *server) explainDHCP(ctx context.Context, in *dhcpExplainIn) (*body[wire.DHCPExplained], error) {
	if s.Explain == nil {
		return nil, unexplained()
	}
	if in.IPv6 {
		return s.explainDHCP6(in)
	}
	q, err := in.question()
	if err != nil {
		return nil, err
	}
	q.Held = s.Explain.Held
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
		Machine: e.Event.Name, File: e.File(), ReplyText: e.Text()}
	return decided(out, e.Client, e.Network, e.Address, e.Dest), nil
}

// decided adds what both families say alike.
func decided(out wire.DHCPExplained, c boot.Client, n *inventory.Network, given netip.Addr, to netip.AddrPort) *body[wire.DHCPExplained] {
	out.Client = c.Class.String()
	if given.IsValid() {
		out.Address = given.String()
	}
	if n != nil {
		out.Network = n.Name
	}
	if c.Arch != boot.ArchUnknown {
		out.Arch = c.Arch.String()
	}
	if to.IsValid() {
		out.To = to.String()
	}
	return &body[wire.DHCPExplained]{out}
}

func unexplained() error {
	return fault.Conflictf("this server answers no machines").WithHint("ask one with [dhcp] and [http] enabled")
}

func (in *dhcpExplainIn) question() (q dhcp.Question, err error) {
	if q.MAC, q.Arch, err = in.client(false); err != nil {
		return q, err
	}
	q.Class, _ = boot.ClassNamed(in.Client)
	q.Kind, q.UUID, q.Circuit, q.Remote, q.Vendor = in.Message, in.UUID, in.Circuit, in.Remote, in.Vendor
	for _, a := range []struct {
		to         *netip.Addr
		name, text string
	}{{&q.Wanted, "wanted", in.Wanted}, {&q.Relay, "relay", in.Relay}, {&q.Link, "link", in.Link}} {
		if *a.to, err = address(a.name, a.text, false); err != nil {
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
	own = s.own(false)
	if q.Relay.IsValid() {
		for _, a := range own {
			if !a.IsLoopback() {
				return own, a, nil
			}
		}
		return own, netip.Addr{}, nil
	}
	own, err = within(v, own, network)
	return own, netip.AddrFrom4([4]byte{255, 255, 255, 255}), err
}

// own are our addresses of one family.
func (s *server) own(six bool) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(s.Explain.Own()), func(a netip.Addr) bool { return a.Is6() != six })
}

// within are those of our addresses that are in a network; of no network all.
func within(v *boot.View, own []netip.Addr, network string) ([]netip.Addr, error) {
	if network == "" {
		return own, nil
	}
	i := slices.IndexFunc(v.Networks(), func(n *inventory.Network) bool { return n.Name == network })
	if i < 0 {
		return nil, badQuery("network", "is not declared")
	}
	n := v.Networks()[i]
	here := slices.DeleteFunc(own, func(a netip.Addr) bool { return !n.Prefix.Contains(a) && !n.Prefix6.Contains(a) })
	if len(here) == 0 {
		return nil, fault.Conflictf("this server has no address in network %s: it hears its clients through a relay only", network).WithHint("say which relay, or give the server an address there")
	}
	return here, nil
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
