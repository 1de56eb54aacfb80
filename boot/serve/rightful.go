package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
)

// Leases knows who was lent addresses.
type Leases interface {
	// Lessee is the MAC that an address of a network was lent to last, zero for none. The
	// lease may have ended: a loader does not renew it.
	Lessee(ctx context.Context, network *inventory.Network, address netip.Addr) (inventory.MAC, error)
}

// rightful returns nil when a peer may be given what is for a host alone: a nonce, and with
// it what an operation hands to the machine. Denied: it is not at an address of the machine.
// Whoever is on this server's own host may, for it can read more than that.
func (s *Server) rightful(r *http.Request, v *boot.View, host *boot.Host) error {
	from := peer(r)
	claim := v.ClaimOf(from, host)
	switch {
	case claim == boot.Own, claim == boot.Unsaid, s.anywhere && !from.IsValid():
		return nil
	case claim == boot.Others:
		return fault.Deniedf("the request came from the address of %s", named(v.HostAt(from))).
			WithHint("a machine asks from its own address: see which of its ports has which MAC, and what holds %s", from)
	case from.IsLoopback(), from.IsValid() && from == local(r):
		return nil
	case claim == boot.Lent:
		return s.lessee(r.Context(), v, host, from)
	}
	return fault.Deniedf("the request came from %s, which is no address of %s", from, named(host)).
		WithHint("let it take its address from this server by DHCP, or plan the network it asks from")
}

// lessee asks whom an address is lent to.
func (s *Server) lessee(ctx context.Context, v *boot.View, host *boot.Host, from netip.Addr) error {
	var mac inventory.MAC
	n := v.NetworkOf(from)
	if s.Leases != nil && from.Is4() {
		var err error
		if mac, err = s.Leases.Lessee(ctx, n, from); err != nil {
			return err
		}
	}
	if made, ok := inventory.MACIn(from); ok && v.Host(made) == nil { // no lease: it is made of the MAC that asked for it
		mac = made
	}
	known := v.Host(mac)
	switch {
	case mac.IsZero():
	case mac == host.MAC, known != nil && known.Machine == host.Machine && !known.BMC:
		return nil
	case known != nil:
		return fault.Deniedf("the request came from %s, which is lent to %s", from, named(known)).WithHint("a machine asks from its own address")
	}
	return fault.Deniedf("the request came from %s, which was not given to %s", from, named(host)).
		WithHint("addresses of network %s come from this server: let the machine ask it by DHCP, and look for another DHCP server there", n.Name)
}

func named(h *boot.Host) string {
	if h.BMC {
		return "the BMC of " + h.Name
	}
	return h.Name
}

// local is our own address of a connection, invalid when it is not known.
func local(r *http.Request) netip.Addr {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	ap, _ := netip.ParseAddrPort(at.String())
	return ap.Addr().Unmap()
}

// hintOf is the way out that an error names, "" for none.
func hintOf(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f.Hint
	}
	return ""
}
