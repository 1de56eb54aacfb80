package store

import (
	"context"
	"errors"
	"net/netip"

	"rackwright/inventory"
)

// Networks lists the networks by name.
func (db *DB) Networks(ctx context.Context) ([]inventory.Network, error) {
	out, err := networks(ctx, db.sql)
	return out, db.fault(err)
}

func networks(ctx context.Context, q queryer) ([]inventory.Network, error) {
	return collect(ctx, q, func(scan func(...any) error) (n inventory.Network, err error) {
		var prefix, prefix6 string
		err = scan(asText{&n.ID}, &n.Name, asText{&prefix}, asAddr{&n.Gateway}, asText{&prefix6}, asAddr{&n.Gateway6}, asJSON{&n.DNS}, asJSON{&n.NTP}, &n.Domain, &n.MTU, &n.Purpose,
			&n.DHCP, &n.Strangers, asAddr{&n.Pool.First}, asAddr{&n.Pool.Last}, &n.LeaseSeconds, &n.RouterAdverts, &n.DHCP6, &n.SLAAC,
			&n.VLAN, &n.RoutingDomain, asJSON{&n.Options}, &n.Version)
		if err == nil {
			err = errors.Join(n.Prefix.UnmarshalText([]byte(prefix)), n.Prefix6.UnmarshalText([]byte(prefix6)))
		}
		return n, err
	}, `SELECT id, name, cidr, gateway, cidr6, gateway6, dns, ntp, domain, mtu, purpose, dhcp, strangers, pool_first, pool_last, lease_seconds, router_adverts, dhcp6, slaac, vlan, routing_domain, options, version
		FROM network ORDER BY name`)
}

// networks writes the changed networks. All of them first give up their addresses, so
// that two can swap.
func (a *application) networks(ctx context.Context) error {
	changed := a.changes("network")
	for i := range a.want.Networks {
		if n := &a.want.Networks[i]; changed[n.Name] {
			if _, err := exec(ctx, a.tx, `UPDATE network SET span_first = NULL, span_last = NULL WHERE id = $1`, n.ID); err != nil {
				return err
			}
		}
	}
	for i := range a.want.Networks {
		if n := &a.want.Networks[i]; changed[n.Name] {
			if err := writeNetwork(ctx, a.tx, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeNetwork(ctx context.Context, tx *txn, n *inventory.Network) error {
	// The schema refuses overlapping IPv4 subnets by their spans. IPv6 subnets have none: 128 bits
	// are no integer of both databases, so only the comparison of a plan refuses those.
	first, last := n.Span()
	_, err := exec(ctx, tx, `INSERT INTO network (id, name, cidr, gateway, dns, ntp, domain, mtu, purpose, dhcp, strangers, pool_first, pool_last,
			lease_seconds, router_adverts, vlan, routing_domain, span_first, span_last, cidr6, gateway6, options, dhcp6, slaac, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 1)
		ON CONFLICT (id) DO UPDATE SET cidr = excluded.cidr, gateway = excluded.gateway, dns = excluded.dns, ntp = excluded.ntp, domain = excluded.domain,
			mtu = excluded.mtu, purpose = excluded.purpose, dhcp = excluded.dhcp, strangers = excluded.strangers, pool_first = excluded.pool_first,
			pool_last = excluded.pool_last, lease_seconds = excluded.lease_seconds, router_adverts = excluded.router_adverts,
			vlan = excluded.vlan, routing_domain = excluded.routing_domain, span_first = excluded.span_first, span_last = excluded.span_last,
			cidr6 = excluded.cidr6, gateway6 = excluded.gateway6, options = excluded.options, dhcp6 = excluded.dhcp6, slaac = excluded.slaac,
			version = network.version + 1`,
		n.ID, n.Name, n.Prefix.String(), addrOrNull(n.Gateway), toJSON(n.DNS), toJSON(n.NTP), n.Domain, n.MTU, n.Purpose, n.DHCP, n.Strangers,
		addrOrNull(n.Pool.First), addrOrNull(n.Pool.Last), n.LeaseSeconds, n.RouterAdverts, n.VLAN, n.RoutingDomain, first, last, prefixOrNull(n.Prefix6), addrOrNull(n.Gateway6), toJSON(n.Options),
		n.DHCP6, n.SLAAC)
	return err
}

func prefixOrNull(p netip.Prefix) any {
	if !p.IsValid() {
		return nil
	}
	return p.String()
}
