package boot

import (
	"encoding/binary"
	"net/netip"

	"rackwright/inventory"
)

// Installation is what all servers on one database are known by, a UUID; "" when it is not
// known.
func (v *View) Installation() string { return v.installation }

// HostsOf are the NICs of a machine and its BMC's.
func (v *View) HostsOf(machine string) []*Host {
	hosts, _ := v.byMachine.Get(machine)
	return hosts
}

// MachineOf is the id of the machine with an SMBIOS UUID, "" for none.
func (v *View) MachineOf(uuid string) string {
	id, _ := v.byUUID.Get(uuid)
	return id
}

// hostAt6 is HostAt for IPv6: a reservation comes before a MAC in the address.
func (v *View) hostAt6(a netip.Addr) *Host {
	if !a.Is6() || a.Is4In6() {
		return nil
	}
	a = a.WithZone("")
	if n := v.networks.of(a); n != nil {
		if h, ok := v.byPlace6.Get(place6(a, n.Name)); ok {
			return h
		}
	}
	if h, ok := v.byPlace6.Get(place6(a, "")); ok {
		return h
	}
	if mac, ok := inventory.MACIn(a); ok {
		return v.made(a, mac)
	}
	return nil
}

// made is the host of a MAC that an address was made of. Anyone may make such addresses: it
// counts on a link, and in the subnet of the host's network.
func (v *View) made(a netip.Addr, mac inventory.MAC) *Host {
	h := v.Host(mac)
	if h == nil || a.IsLinkLocalUnicast() {
		return h
	}
	if n := v.networks.of(a); n != nil && (h.Network == "" || h.Network == n.Name) {
		return h
	}
	return nil
}

func (v *View) put6(h *Host) {
	if h.Address6.Is6() {
		v.byPlace6.Set(place6(h.Address6, h.Network), h)
	}
	if h.UUID != "" && !inventory.JunkUUID(h.UUID) {
		v.byUUID.Set(h.UUID, h.Machine)
	}
}

func (v *View) drop6(h *Host) {
	if h.Address6.Is6() {
		key := place6(h.Address6, h.Network)
		if at, _ := v.byPlace6.Get(key); at == h {
			v.byPlace6.Delete(key)
		}
	}
	if at, _ := v.byUUID.Get(h.UUID); at == h.Machine && at != "" {
		v.byUUID.Delete(h.UUID)
	}
}

// place6 is where a reserved IPv6 address is (see place).
func place6(a netip.Addr, network string) string {
	b := a.As16()
	return string(binary.BigEndian.AppendUint32(b[:], mark(network)))
}
