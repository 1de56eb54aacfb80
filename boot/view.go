// Package boot decides what a netbooting client loads next: which loader for its
// architecture, which script for its machine. It renders text and opens no socket.
package boot

import (
	"cmp"
	"encoding/binary"
	"iter"
	"net/netip"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"rackwright/inventory"
)

// View is everything DHCP, TFTP and HTTP need to answer a machine. It is immutable: a
// change of the inventory makes another (With), so an answer never waits for the database.
type View struct {
	Revision int64 // of the inventory it was made from

	fork      sync.Mutex // With marks the trees as shared, which readers do not look at
	byMAC     *btree.Map[uint64, *Host]
	byPlace   *btree.Map[uint64, *Host] // see place
	byMachine *btree.Map[string, []*Host]
	networks  *networks
	models    Models

	byPlace6 *btree.Map[string, *Host]  // see place6
	byUUID   *btree.Map[string, string] // id of the machine

	installation string
}

// Intent is what a machine is told when it netboots.
type Intent uint8

// The intents. An installer is netbooted only while an operation asks for it.
const (
	LocalDisk Intent = iota // boot your own disk
	RunAgent                // load the agent: an operation wants it
)

// Host is one NIC of a known machine, or its BMC's, as a boot server sees it. It never changes: a view
// that follows a change has another.
type Host struct {
	MAC       inventory.MAC
	Intent    Intent
	BMC       bool   // the management controller's port: it gets its address and boots nothing
	Machine   string // id
	Name      string
	UUID      string
	Network   string     // name; "": planned without a network
	Address   netip.Addr // reserved IPv4 address; invalid without one
	Address6  netip.Addr // reserved IPv6 address; likewise
	Firmware  inventory.Firmware
	Model     string // name, may be empty
	Operation string // id, with RunAgent
}

// NewView indexes hosts and networks. A host without a MAC is left out.
func NewView(revision int64, list []*inventory.Network, hosts []*Host) *View {
	v := &View{Revision: revision, networks: newNetworks(list), byMAC: new(btree.Map[uint64, *Host]),
		byPlace: new(btree.Map[uint64, *Host]), byMachine: new(btree.Map[string, []*Host]),
		byPlace6: new(btree.Map[string, *Host]), byUUID: new(btree.Map[string, string])}
	for len(hosts) > 0 {
		n := 1
		for n < len(hosts) && hosts[n].Machine == hosts[0].Machine {
			n++
		}
		v.put(hosts[:n])
		hosts = hosts[n:]
	}
	v.byMAC, v.byPlace, v.byMachine = fitted(v.byMAC), fitted(v.byPlace), fitted(v.byMachine)
	v.byPlace6, v.byUUID = fitted(v.byPlace6), fitted(v.byUUID)
	return v
}

// fitted is the tree with nodes of its own: of one that was split, each half holds the memory
// of the whole.
func fitted[K cmp.Ordered, V any](t *btree.Map[K, V]) *btree.Map[K, V] {
	t = t.Copy()
	t.ScanMut(func(K, V) bool { return true })
	return t
}

// Host returns the host of a MAC, nil for a stranger.
func (v *View) Host(mac inventory.MAC) *Host {
	h, _ := v.byMAC.Get(mac.Number())
	return h
}

// HostAt returns the host that holds an address by reservation, nil if none does. Where
// networks of several routing domains have the address, the one that is served counts. An
// IPv6 address that is made of a MAC is its host's.
func (v *View) HostAt(a netip.Addr) *Host {
	if !a.Is4() {
		return v.hostAt6(a)
	}
	var off *Host
	for _, bits := range v.networks.bits {
		p, _ := a.Prefix(bits)
		for _, n := range v.networks.at[p] {
			h, ok := v.byPlace.Get(place(a, n.mark))
			if !ok || h.Network != n.Name {
				continue
			}
			if served(n.Network) {
				return h
			}
			if off == nil {
				off = h
			}
		}
	}
	if off == nil {
		off, _ = v.byPlace.Get(place(a, mark("")))
	}
	return off
}

// NetworkOf returns the network that contains an address, nil if none is declared. Of
// several, which are of different routing domains, the one that is served is it.
func (v *View) NetworkOf(a netip.Addr) *inventory.Network { return v.networks.of(a) }

// Networks lists the declared networks.
func (v *View) Networks() []*inventory.Network { return v.networks.list }

// ModelOptions are the DHCP options of a model.
func (v *View) ModelOptions(model string) []inventory.Option { return v.models.Options[model] }

// Options goes through the DHCP options that the plan has for a network and then, in their
// place, for the model of a machine there, nil for a stranger: those of DHCPv6 or of DHCPv4.
func (v *View) Options(n *inventory.Network, h *Host, v6 bool) iter.Seq[inventory.Option] {
	return func(yield func(inventory.Option) bool) {
		lists := [][]inventory.Option{n.Options, nil}
		if h != nil && !h.BMC {
			lists[1] = v.ModelOptions(h.Model)
		}
		for _, list := range lists {
			for _, o := range list {
				if o.V6 == v6 && !yield(o) {
					return
				}
			}
		}
	}
}

// LoaderOf is the kind of loader that a host's model names, else the one that worked for the model or is
// to be tried next.
func (v *View) LoaderOf(h *Host) Kind {
	if h == nil {
		return BuiltIn
	}
	if k := v.models.Loaders[h.Model]; k != BuiltIn || h.Model == "" {
		return k
	}
	return v.models.Rungs[h.Model].Kind
}

// Hosts is how many NICs are known, those of BMCs among them.
func (v *View) Hosts() int { return v.byMAC.Len() }

// All goes through the hosts, machine by machine in the order of their ids.
func (v *View) All() iter.Seq[*Host] {
	return func(yield func(*Host) bool) {
		v.byMachine.Scan(func(_ string, hosts []*Host) bool {
			for _, h := range hosts {
				if !yield(h) {
					return false
				}
			}
			return true
		})
	}
}

// put adds hosts of one machine to a view that nobody reads yet.
func (v *View) put(hosts []*Host) {
	kept := make([]*Host, 0, len(hosts))
	for _, h := range hosts {
		if h.MAC.IsZero() {
			continue
		}
		kept = append(kept, h)
		v.byMAC.Set(h.MAC.Number(), h)
		if h.Address.Is4() {
			v.byPlace.Set(place(h.Address, mark(h.Network)), h)
		}
		v.put6(h)
	}
	if len(kept) > 0 {
		if had, ok := v.byMachine.Get(kept[0].Machine); ok {
			kept = slices.Concat(had, kept)
		}
		v.byMachine.Set(kept[0].Machine, slices.Clip(kept))
	}
}

// drop removes a machine from a view that nobody reads yet. What another machine has
// taken over meanwhile stays.
func (v *View) drop(machine string) {
	hosts, _ := v.byMachine.Delete(machine)
	for _, h := range hosts {
		if at, _ := v.byMAC.Get(h.MAC.Number()); at == h {
			v.byMAC.Delete(h.MAC.Number())
		}
		v.drop6(h)
		if !h.Address.Is4() {
			continue
		}
		key := place(h.Address, mark(h.Network))
		if at, _ := v.byPlace.Get(key); at == h {
			v.byPlace.Delete(key)
		}
	}
}

// place is where a reserved address is: one address may stand in networks of several
// routing domains.
func place(a netip.Addr, mark uint32) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))<<32 | uint64(mark)
}
