package inventory

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"
)

// DHCPMode says how far Rackwright serves DHCP on a network. Without a declared
// network nothing is ever answered.
type DHCPMode string

// The modes.
const (
	DHCPOff           DHCPMode = "off"           // never answer
	DHCPReservations  DHCPMode = "reservations"  // answer planned machines only
	DHCPAuthoritative DHCPMode = "authoritative" // also NAK what is wrong here (RFC 2131 section 4.3.2)
	DHCPProxy         DHCPMode = "proxy"         // another server gives addresses, we say what to load (PXE 2.1 section 2.2.3)
)

// Serves reports whether anything is answered.
func (m DHCPMode) Serves() bool { return m.Addresses() || m == DHCPProxy }

// Addresses reports whether addresses are given.
func (m DHCPMode) Addresses() bool { return m == DHCPReservations || m == DHCPAuthoritative }

// DHCP6Mode says how far Rackwright serves DHCPv6 on a network (RFC 8415).
type DHCP6Mode string

// The modes.
const (
	DHCP6Off          DHCP6Mode = "off"          // never answer
	DHCP6Stateless    DHCP6Mode = "stateless"    // say what to load and whom to ask for names, give no addresses (RFC 8415 section 6.1)
	DHCP6Reservations DHCP6Mode = "reservations" // give planned machines their addresses too
)

// Serves reports whether anything is answered.
func (m DHCP6Mode) Serves() bool { return m == DHCP6Stateless || m == DHCP6Reservations }

// StrangerPolicy says what a machine that is in no plan gets on a network.
type StrangerPolicy string

// The policies.
const (
	StrangerIgnore   StrangerPolicy = "ignore"   // recorded, not answered
	StrangerDiscover StrangerPolicy = "discover" // a lease from the pool and the inspection ramdisk
	StrangerHold     StrangerPolicy = "hold"     // not answered, but listed as waiting
)

// Network is what machines are cabled to: an IPv4 subnet, and an IPv6 one beside it where
// it has both (docs/decisions/0033).
type Network struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Prefix        netip.Prefix   `json:"cidr"`
	Gateway       netip.Addr     `json:"gateway,omitzero"`
	Prefix6       netip.Prefix   `json:"cidr6,omitzero" doc:"Its IPv6 subnet"`
	Gateway6      netip.Addr     `json:"gateway6,omitzero" doc:"May be a link-local address; absent: routers announce themselves"`
	DNS           []netip.Addr   `json:"dns,omitempty" nullable:"false"`
	NTP           []netip.Addr   `json:"ntp,omitempty" nullable:"false"`
	Domain        string         `json:"domain,omitempty"`
	MTU           int            `json:"mtu,omitempty"`
	VLAN          int            `json:"vlan,omitempty" doc:"IEEE 802.1Q id; 0 is none"`
	RoutingDomain string         `json:"routing_domain,omitempty" doc:"Networks of one routing domain do not overlap"`
	Purpose       string         `json:"purpose" enum:"provision,oob,production"`
	DHCP          DHCPMode       `json:"dhcp" enum:"off,reservations,authoritative,proxy"`
	Strangers     StrangerPolicy `json:"strangers" enum:"ignore,discover,hold"`
	Pool          Pool           `json:"pool,omitzero"`
	LeaseSeconds  int            `json:"lease_seconds" doc:"Lease time of reservations"`
	RouterAdverts bool           `json:"router_adverts,omitempty" doc:"Send router advertisements: of cidr6, name servers and MTU where there is an IPv6 subnet, else empty ones so that loaders which wait for IPv6 go on at once. As a router only where gateway6 is this server"`
	DHCP6         DHCP6Mode      `json:"dhcp6" enum:"off,stateless,reservations" doc:"DHCPv6; strangers discover gives an address made of the MAC to those in no plan"`
	SLAAC         bool           `json:"slaac,omitempty" doc:"Router advertisements have machines make addresses of cidr6 by themselves (RFC 4862)"`
	Options       []Option       `json:"options,omitempty" nullable:"false" doc:"DHCP options beyond those of the fields above"`
	Version       int64          `json:"version"`
}

// MinMTU6 is the smallest packet that every IPv6 link carries, bytes (RFC 8200 section 5).
const MinMTU6 = 1280

// Usable reports whether a host may have the address: it is in the network, and neither
// its first address nor its last, the broadcast address. The first of an IPv6 subnet is
// the routers' anycast address (RFC 4291 section 2.6.1); it has no broadcast.
func (n *Network) Usable(a netip.Addr) bool {
	if a.Is6() {
		return n.Prefix6.IsValid() && n.Prefix6.Contains(a) && (a != n.Prefix6.Addr() || n.Prefix6.Bits() >= 127) // RFC 6164
	}
	return n.Prefix.Contains(a) && n.Prefix.Contains(a.Prev()) && n.Prefix.Contains(a.Next())
}

// Span is the network's addresses as a range of numbers behind one for its routing domain,
// both ends included: networks of one domain overlap exactly when their spans do.
func (n *Network) Span() (first, last int64) {
	a := n.Prefix.Addr().As4()
	first = int64(crc32.ChecksumIEEE([]byte(n.RoutingDomain)))&0x7fffffff<<32 | int64(binary.BigEndian.Uint32(a[:]))
	return first, first + 1<<(32-n.Prefix.Bits()) - 1
}

// Lease returns how long an address is lent for.
func (n *Network) Lease() time.Duration { return time.Duration(n.LeaseSeconds) * time.Second }

// Pool is the range of addresses that strangers are lent, both ends included.
type Pool struct {
	First netip.Addr `json:"first,omitzero"`
	Last  netip.Addr `json:"last,omitzero"`
}

// IsZero reports whether there is no pool.
func (p Pool) IsZero() bool { return !p.First.IsValid() }

// Contains reports whether a is in the range.
func (p Pool) Contains(a netip.Addr) bool {
	return p.First.IsValid() && a.Is4() == p.First.Is4() && p.First.Compare(a) <= 0 && a.Compare(p.Last) <= 0
}

// Size is the number of addresses in the range.
func (p Pool) Size() int {
	if !p.First.Is4() || !p.Last.Is4() {
		return 0
	}
	first, last := p.First.As4(), p.Last.As4()
	return int(int64(binary.BigEndian.Uint32(last[:]))-int64(binary.BigEndian.Uint32(first[:]))) + 1
}

// Nth returns the address i places after the first.
func (p Pool) Nth(i int) netip.Addr {
	b := p.First.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(i))
	return netip.AddrFrom4(b)
}

// Lease is an address lent to a stranger until a time.
type Lease struct {
	Address netip.Addr `json:"address"`
	MAC     MAC        `json:"mac"`
	Network string     `json:"network" doc:"Network's name"`
	Until   time.Time  `json:"until"`
}

// Loan is what a stranger asks of a pool, and what comes of it.
type Loan struct {
	MAC   MAC
	Wish  netip.Addr // invalid when any will do
	Lease Lease
	Err   error // Conflict: the pool is used up
}
