package inventory

import "net/netip"

// BondMode is how the ports of a bond share the work.
type BondMode string

// The modes, as Linux names them (kernel documentation, networking/bonding).
const (
	ActiveBackup BondMode = "active-backup" // one port works, the others wait; any switch will do
	LACP         BondMode = "802.3ad"       // all work; the switch must speak LACP (IEEE 802.1AX)
	BalanceXOR   BondMode = "balance-xor"   // all work; the switch needs a static group
	BalanceRR    BondMode = "balance-rr"    // in turns; the switch needs a static group
	BalanceTLB   BondMode = "balance-tlb"   // sends on all, receives on one
	BalanceALB   BondMode = "balance-alb"   // sends and receives on all, by ARP; IPv4 only
)

// BondModes lists them, the default first.
func BondModes() []BondMode {
	return []BondMode{ActiveBackup, LACP, BalanceXOR, BalanceRR, BalanceTLB, BalanceALB}
}

// MIIMon is how often a bond looks at the links of its ports where nobody says, in
// milliseconds.
const MIIMon = 100

// Bond is several NICs that work as one: those whose Bond is its name.
type Bond struct {
	Name     string     `json:"name" doc:"What its NICs call it; also its name in the deployed system"`
	Mode     BondMode   `json:"mode,omitempty" enum:"active-backup,802.3ad,balance-xor,balance-rr,balance-tlb,balance-alb"`
	LACPRate string     `json:"lacp_rate,omitempty" enum:"slow,fast" doc:"How often LACP asks; of 802.3ad"`
	Hash     string     `json:"hash,omitempty" enum:"layer2,layer2+3,layer3+4,encap2+3,encap3+4" doc:"By what a port is chosen for a packet; of 802.3ad, balance-xor and balance-tlb"`
	MIIMon   int        `json:"miimon_ms,omitempty" doc:"How often links are looked at, in milliseconds; 0 is 100"`
	MTU      int        `json:"mtu,omitempty" doc:"0 is its network's"`
	Primary  string     `json:"primary,omitempty" doc:"NIC that works while it can; of active-backup, balance-tlb and balance-alb"`
	Network  string     `json:"network,omitempty" doc:"Network it carries untagged; empty is that of its NICs"`
	Address  netip.Addr `json:"address,omitzero"`
	Address6 netip.Addr `json:"address6,omitzero"`
	VLANs    []Tagged   `json:"vlans,omitempty" nullable:"false"`
}

// Tagged is a network that a NIC or bond carries with its VLAN tag (IEEE 802.1Q), beside
// the one without a tag. The id is the network's.
type Tagged struct {
	Network  string     `json:"network"`
	Address  netip.Addr `json:"address,omitzero"`
	Address6 netip.Addr `json:"address6,omitzero"`
}

// Bond returns the bond of that name: as it is declared, else as its NICs alone make it;
// nil when no NIC is in it.
func (m *Machine) Bond(name string) *Bond {
	for i := range m.Bonds {
		if m.Bonds[i].Name == name {
			return &m.Bonds[i]
		}
	}
	for i := range m.NICs {
		if name != "" && m.NICs[i].Bond == name {
			return &Bond{Name: name}
		}
	}
	return nil
}

// Held is an address that a machine has, and where.
type Held struct {
	Port    string // name of the NIC or bond
	Network string
	Address netip.Addr
}

// Addresses lists the machine's reserved addresses: of its NICs, then of its bonds.
func (m *Machine) Addresses() []Held {
	out := make([]Held, 0, len(m.NICs))
	add := func(port, network string, list ...netip.Addr) {
		for _, a := range list {
			if a.IsValid() {
				out = append(out, Held{port, network, a})
			}
		}
	}
	tagged := func(port string, list []Tagged) {
		for i := range list {
			add(port, list[i].Network, list[i].Address, list[i].Address6)
		}
	}
	for i := range m.NICs {
		n := &m.NICs[i]
		add(n.Name, n.Network, n.Address, n.Address6)
		tagged(n.Name, n.VLANs)
	}
	for i := range m.Bonds {
		b := &m.Bonds[i]
		add(b.Name, b.Network, b.Address, b.Address6)
		tagged(b.Name, b.VLANs)
	}
	return out
}

// UsesNetworks lists the networks that the machine's ports name, some more than once.
func (m *Machine) UsesNetworks() (out []string) {
	add := func(network string, tagged []Tagged) {
		if network != "" {
			out = append(out, network)
		}
		for i := range tagged {
			out = append(out, tagged[i].Network)
		}
	}
	for i := range m.NICs {
		add(m.NICs[i].Network, m.NICs[i].VLANs)
	}
	for i := range m.Bonds {
		add(m.Bonds[i].Network, m.Bonds[i].VLANs)
	}
	return out
}
