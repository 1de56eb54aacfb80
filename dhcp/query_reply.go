package dhcp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/journal"
)

// maxAssociated bounds option 92: so many addresses fit into one option.
const maxAssociated = 63

// tell makes the reply (RFC 4388 section 6.4.2). It goes to giaddr by unicast.
func (q *query) tell(rule Rule, found []binding) Answer {
	r := q.header(rule)
	ans := q.answer(rule)
	if len(found) > 0 {
		q.bind(r, found)
		ans.Address = found[0].address
		ans.Event.Detail["address"] = ans.Address.String()
	}
	ans.Reply, ans.Source, ans.Dest, ans.shape = r, q.server, netip.AddrPortFrom(q.relay, ServerPort), shapeOf(q.msg)
	ans.Event.Detail["reply"] = wordOf(r)
	ans.Event.Summary = fmt.Sprintf("relay %s asked about %s and was told %s", q.relay, q.subject(), wordOf(r))
	if len(found) > 0 {
		ans.Event.Summary += fmt.Sprintf(": %s has %s", found[0].mac, found[0].address)
	}
	return ans
}

// header starts the reply with what was asked, by which the relay knows it.
func (q *query) header(rule Rule) *dhcpv4.DHCPv4 {
	r := &dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootReply, HWType: q.msg.HWType, ClientHWAddr: q.msg.ClientHWAddr, TransactionID: q.msg.TransactionID,
		Flags: q.msg.Flags, ClientIPAddr: q.msg.ClientIPAddr, GatewayIPAddr: q.msg.GatewayIPAddr, Options: dhcpv4.Options{}}
	kind := map[Rule]dhcpv4.MessageType{LeaseActive: leaseActive, LeaseUnassigned: leaseUnassigned, LeaseUnknown: leaseUnknown}[rule]
	r.UpdateOption(dhcpv4.OptMessageType(kind))
	r.UpdateOption(dhcpv4.OptServerIdentifier(q.server.AsSlice()))
	if id, ok := q.msg.Options[61]; ok {
		r.Options[61] = id
	}
	return r
}

// bind says who has the address, until when, and where. Two things are told unasked: when the
// client's last message came, by which a relay that asked several servers knows whose answer is
// newer, and which other addresses the client has, as ISC's DHCP and Kea do.
func (q *query) bind(r *dhcpv4.DHCPv4, found []binding) {
	b := found[0]
	r.HWType, r.ClientHWAddr, r.ClientIPAddr = iana.HWTypeEthernet, b.mac[:], b.address.AsSlice()
	if asks(q.msg, dhcpv4.OptionIPAddressLeaseTime) {
		r.UpdateOption(dhcpv4.OptIPAddressLeaseTime(max(b.until.Sub(q.in.At).Round(time.Second), time.Second)))
	}
	if !b.at.IsZero() {
		ago := max(q.in.At.Sub(b.at), 0) / time.Second
		r.Options[dhcpv4.OptionClientLastTransactionTime.Code()] = binary.BigEndian.AppendUint32(nil, uint32(ago))
	}
	if b.info != nil && asks(q.msg, dhcpv4.OptionRelayAgentInformation) {
		r.Options[dhcpv4.OptionRelayAgentInformation.Code()] = b.info
	}
	if others := found[1:min(len(found), 1+maxAssociated)]; len(others) > 0 {
		var all []byte
		for _, b := range others {
			all = append(all, b.address.AsSlice()...)
		}
		r.Options[dhcpv4.OptionAssociatedIP.Code()] = all
	}
}

// answer starts an answer. Its client is whom the question is about, who sent nothing, where
// that is anybody we know.
func (q *query) answer(rule Rule) Answer {
	ans := Answer{Rule: rule, Client: boot.Client{Arch: boot.ArchUnknown}}
	ans.Event = journal.Event{At: q.in.At, Kind: journal.LeaseQuery, MAC: q.mac, Actor: "dhcp",
		Detail: map[string]any{"rule": string(rule), "message": wordOf(q.msg)}}
	h := q.view.Host(q.mac)
	if h != nil || rule == LeaseActive {
		ans.Client.MAC = q.mac
	}
	if h != nil {
		ans.Event.Machine, ans.Event.Name = h.Machine, h.Name
	}
	if q.relay.IsValid() {
		ans.Event.Detail["relay"] = q.relay.String()
		ans.Network = q.view.NetworkOf(q.relay)
	}
	if ans.Network != nil {
		ans.Event.Detail["network"] = ans.Network.Name
	}
	return ans
}

// ignore says nothing, and why.
func (q *query) ignore(rule Rule) Answer {
	ans := q.answer(rule)
	ans.Event.Summary = fmt.Sprintf("%s about %s not answered: %s", wordOf(q.msg), q.subject(), rule.why())
	return ans
}

// subject is what was asked about, for people.
func (q *query) subject() string {
	switch {
	case q.about.address.IsValid():
		return q.about.address.String()
	case !q.about.mac.IsZero():
		return q.about.mac.String()
	}
	return "a client identifier that is no hardware address"
}
