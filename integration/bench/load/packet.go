package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Where fields stand in a BOOTP message (RFC 951 section 3, RFC 2131 section 2).
const (
	atXID     = 4
	atYourIP  = 16
	atHWAddr  = 28
	atCookie  = 236
	atOptions = 240
)

// templates are the two messages of an exchange, all but what differs between clients.
type templates struct {
	discover, request  []byte
	wanted, identifier int // where option 50 and option 54 have their values in request
}

// newTemplates makes them as a relay agent forwards a client's.
func newTemplates(relay netip.Addr) (templates, error) {
	both := []dhcpv4.Modifier{
		dhcpv4.WithHwAddr(make(net.HardwareAddr, 6)),
		dhcpv4.WithGatewayIP(relay.AsSlice()),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName),
		func(m *dhcpv4.DHCPv4) { m.HopCount = 1 },
	}
	discover, err := dhcpv4.New(append(both, dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))...)
	if err != nil {
		return templates{}, err
	}
	none := net.IPv4zero
	request, err := dhcpv4.New(append(both, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(none)), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(none)))...)
	if err != nil {
		return templates{}, err
	}
	t := templates{discover: discover.ToBytes(), request: request.ToBytes()}
	if len(t.discover) != len(t.request) {
		return t, fmt.Errorf("the messages are of %d and %d bytes", len(t.discover), len(t.request))
	}
	t.wanted, _ = option(t.request, 50)
	t.identifier, _ = option(t.request, 54)
	return t, nil
}

// size is that of both messages.
func (t templates) size() int { return len(t.discover) }

// fillDiscover writes a client's DISCOVER into b.
func (t templates) fillDiscover(b []byte, xid uint32, mac [6]byte) {
	copy(b, t.discover)
	binary.BigEndian.PutUint32(b[atXID:], xid)
	copy(b[atHWAddr:], mac[:])
}

// fillRequest writes the REQUEST that takes an offer.
func (t templates) fillRequest(b []byte, r reply, mac [6]byte) {
	copy(b, t.request)
	binary.BigEndian.PutUint32(b[atXID:], r.xid)
	copy(b[atHWAddr:], mac[:])
	copy(b[t.wanted:], r.address[:])
	copy(b[t.identifier:], r.server[:])
}

// reply is what matters of a server's message.
type reply struct {
	kind    dhcpv4.MessageType
	xid     uint32
	address [4]byte
	server  [4]byte
}

// parseReply reads a BOOTREPLY with a message type. It looks at no more than it needs,
// because the generator must cost less than the server.
func parseReply(b []byte) (r reply, ok bool) {
	if len(b) < atOptions || b[0] != 2 || !bytes.Equal(b[atCookie:atOptions], []byte{99, 130, 83, 99}) {
		return r, false
	}
	r.xid = binary.BigEndian.Uint32(b[atXID:])
	copy(r.address[:], b[atYourIP:])
	at, n := option(b, 53)
	if n != 1 {
		return r, false
	}
	r.kind = dhcpv4.MessageType(b[at])
	if at, n = option(b, 54); n == 4 {
		copy(r.server[:], b[at:])
	}
	return r, true
}

// option finds an option's value: where it begins and how long it is, 0 for none.
func option(b []byte, code byte) (at, length int) {
	for i := atOptions; i < len(b) && b[i] != 255; {
		if b[i] == 0 { // pad
			i++
			continue
		}
		if i+2 > len(b) || i+2+int(b[i+1]) > len(b) {
			return 0, 0
		}
		if b[i] == code {
			return i + 2, int(b[i+1])
		}
		i += 2 + int(b[i+1])
	}
	return 0, 0
}
