package dhcp

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
)

// Question is a message as people describe it.
type Question struct {
	MAC     inventory.MAC
	Kind    string // one of Kinds
	Class   boot.Class
	Arch    boot.Arch
	UUID    string     // SMBIOS system UUID, may be empty
	Vendor  string     // option 60 of what does not netboot, may be empty
	Wanted  netip.Addr // that a request asks for, an inform comes from, or a relay asks about
	Relay   netip.Addr // giaddr; invalid without a relay
	Link    netip.Addr // link selection (RFC 3527), may be invalid
	Circuit string     // option 82, as text or 0x and hexadecimal
	Remote  string     // likewise

	Held func(inventory.MAC) Holding // for a leasequery: what the server remembers; nil: nothing
}

// asked is what a kind of question sends.
type asked struct {
	kind  string
	sends dhcpv4.MessageType
	uses  bool   // the address is the client's own (ciaddr), not one it wishes for
	to    bool   // us alone
	port  uint16 // 0 is ServerPort
}

// kindsAsked are all there are, the usual one first.
func kindsAsked() []asked {
	return []asked{
		{"discover", dhcpv4.MessageTypeDiscover, false, false, 0},
		{"request", dhcpv4.MessageTypeRequest, false, false, 0}, // INIT-REBOOT
		{"renew", dhcpv4.MessageTypeRequest, true, true, 0},
		{"rebind", dhcpv4.MessageTypeRequest, true, false, 0},
		{"inform", dhcpv4.MessageTypeInform, true, false, 0},
		{"bootp", dhcpv4.MessageTypeNone, true, false, 0},
		{"proxy", dhcpv4.MessageTypeRequest, true, true, ProxyPort},
		{"leasequery", leaseQuery, true, true, 0}, // of the relay, about an address, else about the MAC
	}
}

func (q Question) asks() (asked, error) {
	for _, k := range kindsAsked() {
		if k.kind == q.Kind || q.Kind == "" {
			return k, nil
		}
	}
	return asked{}, fault.Invalidf("there is no message %q", q.Kind).WithHint("use discover, request, renew, rebind, inform, bootp, proxy or leasequery")
}

// Explained is what becomes of a question.
type Explained struct {
	Answer
	Lent bool // the address would be lent from the pool: another may be first
}

// Explain answers a question as the server on those addresses would: it makes the message,
// and Parse, Decide and Finish, who answer real ones, decide. Nothing is lent but by the
// lender that is given.
func Explain(ctx context.Context, v *boot.View, q Question, own []netip.Addr, to netip.Addr, set Settings, l Lender, now time.Time) (Explained, error) {
	m, err := q.message()
	if err != nil {
		return Explained{}, err
	}
	kind, _ := q.asks()
	parse := Parse
	if kind.sends == leaseQuery {
		parse = ParseQuery
	}
	read, reason := parse(m.ToBytes())
	if read == nil {
		return Explained{Answer: Answer{Rule: reason}}, nil
	}
	in := Inbound{Message: read, Addresses: own, Own: own, To: to, Port: kind.port, At: now}
	if kind.to && len(own) > 0 && !q.Relay.IsValid() {
		in.To = reached(v, q.Wanted, own)
	}
	if kind.port == ProxyPort && q.Wanted.Is4() {
		in.From = netip.AddrPortFrom(q.Wanted, clientPort)
	}
	if q.Relay.Is4() {
		in.From = netip.AddrPortFrom(q.Relay, ServerPort)
	}
	if kind.sends == leaseQuery {
		return Explained{Answer: AnswerQuery(ctx, v, in, Records{Lender: l, Held: q.Held})}, nil
	}
	ans := Decide(v, in, set)
	if ans.Ask == nil {
		return Explained{Answer: ans}, nil
	}
	asked := *ans.Ask
	lease, err := asked.Put(ctx, l)
	return Explained{Answer: Finish(v, in, set, asked, lease, err), Lent: true}, nil
}

// reached is our address on the network of the client's, else our first.
func reached(v *boot.View, client netip.Addr, own []netip.Addr) netip.Addr {
	n := v.NetworkOf(client)
	for _, a := range own {
		if n != nil && n.Prefix.Contains(a) {
			return a
		}
	}
	return own[0]
}

// message makes the packet.
func (q Question) message() (*dhcpv4.DHCPv4, error) {
	kind, err := q.asks()
	if err != nil {
		return nil, err
	}
	m := &dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootRequest, HWType: iana.HWTypeEthernet, ClientHWAddr: net.HardwareAddr(q.MAC[:]), Options: dhcpv4.Options{}}
	m.SetBroadcast()
	if kind.sends != dhcpv4.MessageTypeNone {
		m.UpdateOption(dhcpv4.OptMessageType(kind.sends))
	}
	if q.Wanted.Is4() {
		if kind.uses {
			m.ClientIPAddr = q.Wanted.AsSlice()
		} else {
			m.UpdateOption(dhcpv4.OptRequestedIPAddress(q.Wanted.AsSlice()))
		}
	}
	if q.Relay.Is4() {
		m.GatewayIPAddr, m.HopCount = q.Relay.AsSlice(), 1
	}
	switch kind.sends {
	case dhcpv4.MessageTypeNone: // it has no options to say what it is
	case leaseQuery:
		m.SetUnicast()
		if q.Wanted.Is4() { // one of both (RFC 4388 section 6.2)
			m.HWType, m.ClientHWAddr = 0, nil
		}
		return m, nil
	default:
		q.firmware(m)
	}
	return m, q.relayed(m)
}

// firmware adds what a loader or firmware of the class says of itself.
func (q Question) firmware(m *dhcpv4.DHCPv4) {
	arch := fmt.Sprintf("%05d", uint16(q.Arch))
	switch q.Class {
	case boot.PXE, boot.IPXE: // iPXE goes on saying PXEClient
		m.UpdateOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:" + arch + ":UNDI:003016"))
	case boot.HTTP:
		m.UpdateOption(dhcpv4.OptClassIdentifier("HTTPClient:Arch:" + arch + ":UNDI:003016"))
	default:
		if q.Vendor != "" {
			m.UpdateOption(dhcpv4.OptClassIdentifier(q.Vendor))
		}
	}
	if q.Class == boot.IPXE {
		m.UpdateOption(dhcpv4.OptUserClass("iPXE"))
	}
	if q.Class != boot.NotNetboot && q.Arch != boot.ArchUnknown {
		m.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientSystemArchitectureType, binary.BigEndian.AppendUint16(nil, uint16(q.Arch))))
	}
	if raw, err := hex.DecodeString(strings.ReplaceAll(q.UUID, "-", "")); err == nil && len(raw) == 16 {
		for _, part := range [][]byte{raw[:4], raw[4:6], raw[6:8]} { // little-endian, as guid reads it
			for i, j := 0, len(part)-1; i < j; i, j = i+1, j-1 {
				part[i], part[j] = part[j], part[i]
			}
		}
		m.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, append([]byte{0}, raw...)))
	}
}

// relayed adds option 82.
func (q Question) relayed(m *dhcpv4.DHCPv4) error {
	var sub []dhcpv4.Option
	for code, text := range map[uint8]string{circuitID: q.Circuit, remoteID: q.Remote} {
		if text == "" {
			continue
		}
		raw := []byte(text)
		if rest, ok := strings.CutPrefix(text, "0x"); ok {
			var err error
			if raw, err = hex.DecodeString(rest); err != nil {
				return fault.Invalidf("%q is not hexadecimal", text).WithHint("write an opaque suboption as 0x and hexadecimal")
			}
		}
		if len(raw) > maxTold {
			return fault.Invalidf("a suboption of option 82 has more than %d bytes", maxTold)
		}
		sub = append(sub, dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(code), raw))
	}
	if q.Link.Is4() {
		sub = append(sub, dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(linkSelection), q.Link.AsSlice()))
	}
	if len(sub) > 0 {
		m.UpdateOption(dhcpv4.OptRelayAgentInfo(sub...))
	}
	return nil
}

// Why says in a sentence what was decided.
func (e Explained) Why() string {
	if e.Event.Summary == "" {
		return "not answered: " + e.Rule.why()
	}
	return e.Event.Summary
}

// Text shows the reply as a packet dissector does, "" where there is none.
func (e Explained) Text() string {
	if e.Reply == nil {
		return ""
	}
	return e.Reply.Summary()
}

// Word is the kind of the reply, OFFER, ACK or NAK, "" where there is none.
func (e Explained) Word() string {
	if e.Reply == nil {
		return ""
	}
	return wordOf(e.Reply)
}

// File is what the client is told to load, "" for nothing.
func (e Explained) File() string {
	if e.Reply == nil {
		return ""
	}
	if f := e.Reply.BootFileNameOption(); f != "" {
		return f
	}
	return e.Reply.BootFileName
}

// Lease is for how long the address is given.
func (e Explained) Lease() time.Duration {
	if e.Reply == nil {
		return 0
	}
	return e.Reply.IPAddressLeaseTime(0)
}

// Keep has a MemoryLender know of a lease.
func (l *MemoryLender) Keep(lease inventory.Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byAddr[lease.Address] = lease
}
