// Package network says how the ports of a deployed system are configured, as the inventory
// plans them, in the words of those who read it: netplan, OpenStack's network_data.json,
// systemd-networkd and NetworkManager. It is pure and knows no operation.
package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"rackwright/inventory"
)

// Link is one interface of the deployed system.
type Link struct {
	Name    string
	MAC     inventory.MAC   // of a NIC; of a bond or VLAN that of the NIC below
	Bond    *inventory.Bond // of a bond: how it works
	Members []string        // of a bond: names of its NICs' links
	Primary string          // of a bond: link of the NIC that works while it can
	In      string          // of a NIC: the bond it is in
	VLAN    int             // of a VLAN: its id
	Over    string          // of a VLAN: the link below
	MTU     int             // 0: as it is
	DHCP    bool            // asks for an IPv4 address
	RA      bool            // takes its IPv6 routes from routers that announce themselves
	Network string          // of the inventory
	Addrs   []netip.Prefix  // IPv4 before IPv6
	Routes  []Route         // the default routes it has
	DNS     []netip.Addr
	NTP     []netip.Addr
	Search  string // domain
}

// Route is a default route: one of each family in the whole system.
type Route struct {
	To  netip.Prefix
	Via netip.Addr
}

// Links are the interfaces of a machine: NICs, then bonds, then VLANs. Ports are known by
// MAC, because names differ between kernels: a port whose MAC nobody knows is left out
// (see Untold), and so is one that the plan gives no network.
func Links(m *inventory.Machine, networks []inventory.Network) []Link {
	w := wiring{m: m, networks: map[string]*inventory.Network{}, taken: map[string]bool{}}
	for i := range networks {
		w.networks[networks[i].Name] = &networks[i]
	}
	for i := range m.NICs {
		if b := m.NICs[i].Bond; b != "" && len(b) <= maxName { // no NIC, and no other bond, is called so
			w.taken[b] = true
		}
	}
	for i := range m.NICs {
		w.nic(i)
	}
	w.route()
	out := slices.Concat(w.nics, w.bonds, w.vlans)
	w.widen(out)
	return out
}

// Untold names the ports that Links leaves out although the plan has them configured:
// nobody knows their MAC.
func Untold(m *inventory.Machine) (names []string) {
	for _, n := range m.NICs {
		if n.MAC.IsZero() && (n.Network != "" || n.Bond != "" || len(n.VLANs) > 0) {
			names = append(names, n.Name)
		}
	}
	return names
}

// Domain is the search domain of the machine: of the link with the default route, else the
// first that has one.
func Domain(links []Link) (domain string) {
	for _, l := range links {
		if len(l.Routes) > 0 && l.Search != "" {
			return l.Search
		}
		domain = cmp.Or(domain, l.Search)
	}
	return domain
}

// wiring collects links.
type wiring struct {
	m                  *inventory.Machine
	networks           map[string]*inventory.Network
	taken              map[string]bool // names of links
	nics, bonds, vlans []Link
	order              []string // of links, as the plan names them: the first with a gateway gets the default route
}

func (w *wiring) nic(i int) {
	n := &w.m.NICs[i]
	if n.MAC.IsZero() {
		return
	}
	if n.Bond != "" {
		l := Link{Name: w.name(n.Name, i), MAC: n.MAC, In: w.bond(n)}
		b := w.at(l.In)
		b.Members = append(b.Members, l.Name)
		if b.Bond.Primary == n.Name {
			b.Primary = l.Name
		}
		w.nics = append(w.nics, l)
		return
	}
	if w.networks[n.Network] == nil && len(n.VLANs) == 0 {
		return
	}
	l := Link{Name: w.name(n.Name, i), MAC: n.MAC}
	w.join(&l, n.Network, n.Address, n.Address6)
	w.order = append(w.order, l.Name)
	w.nics = append(w.nics, l)
	w.tagged(&l, n.VLANs)
}

// bond makes the bond of a NIC when it is the first in it, and returns its link's name.
func (w *wiring) bond(n *inventory.NIC) string {
	b := *w.m.Bond(n.Bond)
	b.Mode, b.MIIMon = cmp.Or(b.Mode, inventory.ActiveBackup), cmp.Or(b.MIIMon, inventory.MIIMon)
	for i := range w.bonds {
		if w.bonds[i].Bond.Name == b.Name {
			return w.bonds[i].Name
		}
	}
	l := Link{Name: b.Name, MAC: n.MAC, Bond: &b, MTU: b.MTU}
	if len(l.Name) > maxName {
		l.Name = w.free(fmt.Sprintf("bond%d", len(w.bonds)))
	}
	w.taken[l.Name] = true
	network, v4, v6 := b.Network, b.Address, b.Address6
	for i := range w.m.NICs { // what the NIC netboots with, the bond has later
		if o := &w.m.NICs[i]; o.Bond == b.Name {
			network, v4, v6 = cmp.Or(network, o.Network), cmp.Or(v4, o.Address), cmp.Or(v6, o.Address6)
		}
	}
	w.join(&l, network, v4, v6)
	w.order = append(w.order, l.Name)
	w.bonds = append(w.bonds, l)
	w.tagged(&l, b.VLANs)
	return l.Name
}

// at is the link of a bond.
func (w *wiring) at(name string) *Link {
	for i := range w.bonds {
		if w.bonds[i].Name == name {
			return &w.bonds[i]
		}
	}
	return nil
}

// tagged makes the VLANs over a link.
func (w *wiring) tagged(over *Link, list []inventory.Tagged) {
	for _, t := range list {
		net := w.networks[t.Network]
		if net == nil || net.VLAN == 0 {
			continue
		}
		l := Link{Name: fmt.Sprintf("%s.%d", over.Name, net.VLAN), MAC: over.MAC, VLAN: net.VLAN, Over: over.Name}
		if len(l.Name) > maxName || w.taken[l.Name] {
			l.Name = w.free(fmt.Sprintf("vlan%d", net.VLAN))
		}
		w.taken[l.Name] = true
		w.join(&l, t.Network, t.Address, t.Address6)
		l.DHCP = false // only the network that a machine netboots from is served
		w.order = append(w.order, l.Name)
		w.vlans = append(w.vlans, l)
	}
}

// join gives a link what it has in a network.
func (w *wiring) join(l *Link, network string, v4, v6 netip.Addr) {
	n := w.networks[network]
	if n == nil {
		return
	}
	l.Network, l.MTU, l.NTP, l.Search = network, cmp.Or(l.MTU, n.MTU), n.NTP, n.Domain
	if v4.IsValid() {
		l.Addrs = append(l.Addrs, netip.PrefixFrom(v4, n.Prefix.Bits()))
	}
	if v6.IsValid() && n.Prefix6.IsValid() {
		l.Addrs = append(l.Addrs, netip.PrefixFrom(v6, n.Prefix6.Bits()))
		l.RA = !n.Gateway6.IsValid()
	}
	l.DHCP = len(l.Addrs) == 0
	if len(l.Addrs) > 0 {
		l.DNS = n.DNS
	}
}

// route gives the default route of each family to the first link, in the plan's order,
// that has an address of it in a network with a gateway.
func (w *wiring) route() {
	var done4, done6 bool
	for _, name := range w.order {
		for _, list := range [][]Link{w.nics, w.bonds, w.vlans} {
			for i := range list {
				if list[i].Name == name {
					w.routes(&list[i], &done4, &done6)
				}
			}
		}
	}
}

func (w *wiring) routes(l *Link, done4, done6 *bool) {
	n := w.networks[l.Network]
	for _, a := range l.Addrs {
		done, via, to := done4, n.Gateway, netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if a.Addr().Is6() {
			done, via, to = done6, n.Gateway6, netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		if via.IsValid() && !*done {
			*done = true
			l.Routes = append(l.Routes, Route{To: to, Via: via})
		}
	}
}

// widen gives what is below a bond or VLAN an MTU that is large enough.
func (w *wiring) widen(links []Link) {
	at := map[string]*Link{}
	for i := range links {
		at[links[i].Name] = &links[i]
	}
	for i := range links {
		if l := &links[i]; l.Over != "" {
			at[l.Over].MTU = max(at[l.Over].MTU, l.MTU)
		}
	}
	for i := range links {
		if l := &links[i]; l.In != "" {
			l.MTU = max(l.MTU, at[l.In].MTU)
		}
	}
}
