package listen

import (
	"context"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// lend puts what the answer asks to the Lender; an answer may ask twice (see
// dhcp.Finish), never more.
func (s *Server) lend(ctx context.Context, ifindex int, in dhcp.Inbound, ans dhcp.Answer) dhcp.Answer {
	if ans.Ask == nil {
		return ans
	}
	ctx, cancel := context.WithTimeout(ctx, lendTimeout)
	defer cancel()
	asked := *ans.Ask
	lease, err := s.free(ctx, ifindex, in, asked, ans)
	if err != nil {
		s.Log.Warn("dhcp: no lease", "mac", asked.MAC, "network", asked.Network.Name, "error", err)
	}
	return s.settle(ctx, in, asked, lease, err)
}

// settle is the answer to what was asked of the Lender.
func (s *Server) settle(ctx context.Context, in dhcp.Inbound, asked dhcp.Ask, lease inventory.Lease, err error) dhcp.Answer {
	final := dhcp.Finish(s.View(), in, s.Settings, asked, lease, err)
	if final.Ask != nil {
		if _, err := final.Ask.Put(ctx, s.Lender); err != nil {
			s.Log.Warn("dhcp: decline", "address", final.Ask.Address, "error", err)
		}
	}
	return final
}

// free asks the Lender. Before an address is offered nobody may use it: one that somebody
// does is declined in the client's name, and another asked for.
func (s *Server) free(ctx context.Context, ifindex int, in dhcp.Inbound, asked dhcp.Ask, ans dhcp.Answer) (inventory.Lease, error) {
	lease, err := asked.Put(ctx, s.Lender)
	if asked.Verb != dhcp.Lend || in.Message.MessageType() != dhcpv4.MessageTypeDiscover {
		return lease, err
	}
	direct := in.Message.GatewayIPAddr.IsUnspecified()
	for range probeTries {
		if err != nil {
			return lease, err
		}
		who := s.probe.used(ctx, ifindex, direct, lease.Address, asked.MAC)
		if who == "" {
			return lease, nil
		}
		s.Journal.Record(conflict(ans.Event, lease.Address.String(), who))
		bad := dhcp.Ask{Verb: dhcp.Decline, MAC: asked.MAC, Network: asked.Network, Address: lease.Address}
		if _, err := bad.Put(ctx, s.Lender); err != nil {
			return lease, err
		}
		asked.Address = lease.Address.Next()
		lease, err = asked.Put(ctx, s.Lender)
	}
	if err == nil { // nobody looked at that one: the client asks again, and the next are looked at
		err = fault.Conflictf("the next %d addresses of the pool are used by others without a lease", probeTries)
	}
	return inventory.Lease{}, err
}

// conflict is the event of a pool's address that somebody uses without a lease.
func conflict(e journal.Event, address, who string) journal.Event {
	e.Kind = journal.DHCPConflict
	e.Summary = address + " is in the pool and used without a lease by " + who + ": it is not lent for a while"
	e.Detail = map[string]any{"address": address, "used_by": who}
	return e
}
