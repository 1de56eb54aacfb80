package dhcp

import "github.com/insomniacslk/dhcp/dhcpv4"

// classlessRoutes is option 121 (RFC 3442).
const classlessRoutes = 121

// extra adds the options that the plan has for the network and, in their place, for the
// machine's model: those that the client asked for, and those that are always sent.
func (t *talk) extra(r *dhcpv4.DHCPv4) {
	for o := range t.view.Options(t.at.network, t.host, false) {
		code := uint8(o.Code)
		if !o.Always && !t.asked(dhcpv4.GenericOptionCode(code)) {
			continue
		}
		v, err := o.Encode()
		if err != nil {
			continue // the plan was checked: of another version of this program
		}
		if code == classlessRoutes {
			v = t.withDefault(v)
		}
		r.Options[code] = v
	}
}

// withDefault adds the default route to classless routes without one: a client that takes
// them does not look at the router option (RFC 3442).
func (t *talk) withDefault(v []byte) []byte {
	g := t.at.network.Gateway
	if !g.Is4() {
		return v
	}
	for rest := v; len(rest) > 0; {
		if rest[0] == 0 {
			return v
		}
		next := 1 + (int(rest[0])+7)/8 + 4
		if next > len(rest) {
			return v
		}
		rest = rest[next:]
	}
	return append(append(v, 0), g.AsSlice()...)
}
