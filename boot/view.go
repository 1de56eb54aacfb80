// Package boot decides what a netbooting client loads next: which loader for its
// architecture, which script for its machine. It renders text and opens no socket.
package boot

import (
	"net/netip"

	"rackwright/inventory"
)

// View is everything DHCP, TFTP and HTTP need to answer a machine: immutable, replaced
// whole when the inventory changes, so an answer never waits for the database.
type View struct {
	Revision int64 // of the inventory it was made from
	hosts    map[inventory.MAC]*Host
	byAddr   map[netip.Addr]*Host
	networks []*inventory.Network
}

// Intent is what a machine is told when it netboots.
type Intent uint8

// The intents. An installer is netbooted only while an operation asks for it.
const (
	LocalDisk Intent = iota // boot your own disk
	RunAgent                // load the agent: an operation wants it
)

// Host is one NIC of a known machine, as a boot server sees it.
type Host struct {
	Machine   string // id
	Name      string
	MAC       inventory.MAC
	UUID      string
	Network   *inventory.Network // nil: planned without a network
	Address   netip.Addr         // reserved; invalid without one
	Firmware  inventory.Firmware
	Intent    Intent
	Operation string // id, with RunAgent
}

// NewView indexes hosts and networks.
func NewView(revision int64, networks []*inventory.Network, hosts []*Host) *View {
	v := &View{Revision: revision, networks: networks,
		hosts: make(map[inventory.MAC]*Host, len(hosts)), byAddr: make(map[netip.Addr]*Host, len(hosts))}
	for _, h := range hosts {
		v.hosts[h.MAC] = h
		if h.Address.IsValid() {
			v.byAddr[h.Address] = h
		}
	}
	return v
}

// Host returns the host of a MAC, nil for a stranger.
func (v *View) Host(mac inventory.MAC) *Host { return v.hosts[mac] }

// HostAt returns the host that holds an address by reservation, nil if none does.
func (v *View) HostAt(a netip.Addr) *Host { return v.byAddr[a] }

// NetworkOf returns the network that contains an address, nil if none is declared.
func (v *View) NetworkOf(a netip.Addr) *inventory.Network {
	for _, n := range v.networks {
		if n.Prefix.Contains(a) {
			return n
		}
	}
	return nil
}

// Networks lists the declared networks.
func (v *View) Networks() []*inventory.Network { return v.networks }

// Hosts is how many NICs are known.
func (v *View) Hosts() int { return len(v.hosts) }
