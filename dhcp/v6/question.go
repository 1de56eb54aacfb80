package v6

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
)

// Question is a message as people describe it.
type Question struct {
	MAC     inventory.MAC // of the port that sends it, zero when its link-local address says none
	Kind    string        // one of kindsAsked
	Class   boot.Class
	Arch    boot.Arch
	DUID    []byte     // nil: made of the UUID, else of the MAC
	UUID    string     // SMBIOS system UUID, may be empty
	IAID    uint32     // of the one address it asks for
	Wanted  netip.Addr // that it asks for or holds, may be invalid
	Relay   netip.Addr // that sends it to us; invalid without a relay
	Link    netip.Addr // of the relay's on the client's link; invalid: Relay
	Circuit string     // interface id of the relay, as text or 0x and hexadecimal
	Remote  string     // remote id, likewise
}

// asked is what a kind of question sends.
type asked struct {
	kind   string
	sends  Type
	server bool // it names us
}

// kindsAsked are all there are, the usual one first.
func kindsAsked() []asked {
	return []asked{
		{"solicit", Solicit, false}, {"request", Request, true}, {"renew", Renew, true}, {"rebind", Rebind, false}, {"confirm", Confirm, false},
		{"inform", InformationRequest, false}, {"release", Release, true}, {"decline", Decline, true},
	}
}

func (q Question) asks() (asked, error) {
	for _, k := range kindsAsked() {
		if k.kind == q.Kind || q.Kind == "" {
			return k, nil
		}
	}
	return asked{}, fault.Invalidf("there is no DHCPv6 message %q", q.Kind).WithHint("use solicit, request, renew, rebind, confirm, inform, release or decline")
}

// datagram makes the message, in the relay's where there is one.
func (q Question) datagram(v *boot.View) ([]byte, error) {
	kind, err := q.asks()
	if err != nil {
		return nil, err
	}
	b := []byte{byte(kind.sends), 0, 0, 1}
	id, err := q.duid()
	if err != nil {
		return nil, err
	}
	if id != nil {
		b = put(b, optClientID, id)
	}
	if kind.server {
		b = put(b, optServerID, ServerID(v))
	}
	if kind.sends != InformationRequest {
		b = put(b, optIANA, q.association())
	}
	return q.relayed(q.firmware(b))
}

// duid is who the client says it is, nil when nothing is known that it could say.
func (q Question) duid() ([]byte, error) {
	switch raw, err := hex.DecodeString(strings.ReplaceAll(q.UUID, "-", "")); {
	case len(q.DUID) > maxDUID:
		return nil, fault.Invalidf("a DUID has at most %d bytes", maxDUID)
	case q.DUID != nil:
		return q.DUID, nil
	case err != nil || q.UUID != "" && len(raw) != 16:
		return nil, fault.Invalidf("%q is not a UUID", q.UUID)
	case q.UUID != "": // in the order that it is written in (RFC 6355)
		return append([]byte{0, duidUUID}, raw...), nil
	case !q.MAC.IsZero():
		return append([]byte{0, duidLL, 0, 1}, q.MAC[:]...), nil
	}
	return nil, nil
}

// association asks for an address.
func (q Question) association() []byte {
	b := binary.BigEndian.AppendUint32(nil, q.IAID)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // no wish for T1 and T2
	if q.Wanted.Is6() {
		b = append(b, lifetimes(q.Wanted, 0)...)
	}
	return b
}

// firmware adds what firmware or a loader of the class says of itself.
func (q Question) firmware(b []byte) []byte {
	prefix := map[boot.Class]string{boot.PXE: "PXEClient", boot.IPXE: "PXEClient", boot.HTTP: "HTTPClient"}[q.Class]
	if prefix == "" {
		return b
	}
	class := fmt.Sprintf("%s:Arch:%05d:UNDI:003016", prefix, uint16(q.Arch))
	b = put(b, optVendorClass, append(binary.BigEndian.AppendUint32(nil, intel), text(class)...))
	if q.Class == boot.IPXE {
		b = put(b, optUserClass, text("iPXE"))
	}
	if q.Arch != boot.ArchUnknown {
		b = put(b, optArch, binary.BigEndian.AppendUint16(nil, uint16(q.Arch)))
	}
	return b
}

// text is a class's value behind its length.
func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// relayed puts the message into what a relay sends (RFC 8415 section 19.1).
func (q Question) relayed(inner []byte) ([]byte, error) {
	if !q.Relay.Is6() {
		return inner, nil
	}
	link, peer := q.Relay.As16(), q.source().As16()
	if q.Link.Is6() {
		link = q.Link.As16()
	}
	b := append([]byte{byte(relayForward), 0}, link[:]...)
	b = append(b, peer[:]...)
	for _, o := range []struct {
		code       uint16
		head       []byte
		text, name string
	}{{optInterfaceID, nil, q.Circuit, "circuit"}, {optRemoteID, make([]byte, 4), q.Remote, "remote"}} { // no vendor's number
		if o.text == "" {
			continue
		}
		raw := []byte(o.text)
		if rest, ok := strings.CutPrefix(o.text, "0x"); ok {
			var err error
			if raw, err = hex.DecodeString(rest); err != nil {
				return nil, fault.Invalidf("%s: %q is not hexadecimal", o.name, o.text).WithHint("write opaque bytes as 0x and hexadecimal")
			}
		}
		b = put(b, o.code, append(o.head, raw...))
	}
	return put(b, optRelay, inner), nil
}

// source is the client's link-local address, one that names nobody without a MAC.
func (q Question) source() netip.Addr {
	link := inventory.Network{Prefix6: netip.MustParsePrefix("fe80::/64")}
	if a := link.Made(q.MAC); a.IsValid() {
		return a
	}
	return netip.MustParseAddr("fe80::1")
}
