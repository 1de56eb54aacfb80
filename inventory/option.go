package inventory

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
)

// OptionType is how the value of a DHCP option is written.
type OptionType string

// The types.
const (
	OptionIP     OptionType = "ip"   // of the family that the option is of
	OptionIPs    OptionType = "ips"  // with commas between
	OptionText   OptionType = "text" // printable ASCII
	OptionUint8  OptionType = "uint8"
	OptionUint16 OptionType = "uint16"
	OptionUint32 OptionType = "uint32"
	OptionBool   OptionType = "bool"
	OptionHex    OptionType = "hex"
	OptionRoutes OptionType = "routes" // PREFIX via ROUTER, with commas between (RFC 3442)
)

// OptionTypes are all there are.
func OptionTypes() []OptionType {
	return []OptionType{OptionIP, OptionIPs, OptionText, OptionUint8, OptionUint16, OptionUint32, OptionBool, OptionHex, OptionRoutes}
}

// Option is a DHCP option beyond those that a network's own fields make.
type Option struct {
	Code   uint16     `json:"code" yaml:"code" doc:"As IANA numbers it, e.g. 209"`
	V6     bool       `json:"v6,omitempty" yaml:"v6,omitempty" doc:"An option of DHCPv6; else it is one of DHCPv4"`
	Type   OptionType `json:"type" yaml:"type" enum:"ip,ips,text,uint8,uint16,uint32,bool,hex,routes" doc:"ip, ips, text, uint8, uint16, uint32, bool, hex or routes"`
	Value  string     `json:"value" yaml:"value" maxLength:"1024" doc:"Several ips or routes have commas between them; a route is PREFIX via ROUTER"`
	Always bool       `json:"always,omitempty" yaml:"always,omitempty" doc:"Send it to clients that did not ask for it too"`
}

// Bounds of the options of one network or model.
const (
	MaxOptions     = 32
	MaxOptionBytes = 512 // of all values of a family: a reply has room for little more than 300
)

// own is what makes an option that no plan may write, "" for one that it may.
func (o Option) own() string {
	if o.V6 {
		return own6(o.Code)
	}
	return own4(o.Code)
}

func own4(code uint16) string {
	switch code {
	case 0, 255:
		return "it is padding"
	case 1:
		return "it follows from cidr"
	case 3:
		return "it is the network's gateway"
	case 6:
		return "it is the network's dns"
	case 12:
		return "it is the machine's name"
	case 15:
		return "it is the network's domain"
	case 26:
		return "it is the network's mtu"
	case 42:
		return "it is the network's ntp"
	case 51, 58, 59:
		return "it follows from lease_seconds"
	case 50, 52, 53, 54, 55, 56, 57, 61, 82, 90, 97, 118:
		return "it belongs to the protocol"
	case 175:
		return "it belongs to iPXE"
	}
	if code > 255 {
		return "DHCPv4 has 254; of DHCPv6 it is with v6: true"
	}
	return ""
}

// own6 is that of DHCPv6. Numbers of RFC 8415 are the protocol's but for 17, what a vendor says,
// 32, 82 and 83, which are for waiting.
func own6(code uint16) string {
	switch code {
	case 23:
		return "it is the network's dns"
	case 24:
		return "it is the network's domain"
	case 31, 56:
		return "it is the network's ntp"
	case 59, 60:
		return "it says what is loaded"
	case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 25, 26, 37, 38, 39, 61, 62, 79:
		return "it belongs to the protocol"
	}
	return ""
}

// String tells options apart: 209, or 21 of DHCPv6.
func (o Option) String() string {
	if o.V6 {
		return strconv.Itoa(int(o.Code)) + " of DHCPv6"
	}
	return strconv.Itoa(int(o.Code))
}

// Encode is the value as it goes on the wire, Invalid when it cannot.
func (o Option) Encode() ([]byte, error) {
	if why := o.own(); why != "" {
		return nil, fault.Invalidf("option %s cannot be set: %s", o, why)
	}
	if len(o.Value) > 2*MaxOptionBytes {
		return nil, fault.Invalidf("option %s: its value has more than %d characters", o, 2*MaxOptionBytes)
	}
	b, ok := o.encode(strings.TrimSpace(o.Value))
	if !ok {
		return nil, fault.Invalidf("option %s: %.60q is no %s", o, o.Value, o.Type)
	}
	return b, nil
}

func (o Option) encode(v string) ([]byte, bool) {
	switch o.Type {
	case OptionIP, OptionIPs:
		list := strings.Split(v, ",")
		if o.Type == OptionIP && len(list) != 1 {
			return nil, false
		}
		return each(list, o.appendAddr)
	case OptionText:
		plain := !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
		return []byte(v), plain && v != ""
	case OptionUint8, OptionUint16, OptionUint32:
		bits := map[OptionType]int{OptionUint8: 8, OptionUint16: 16, OptionUint32: 32}[o.Type]
		n, err := strconv.ParseUint(v, 0, bits)
		return binary.BigEndian.AppendUint32(nil, uint32(n))[4-bits/8:], err == nil
	case OptionBool:
		on, err := strconv.ParseBool(v)
		if on {
			return []byte{1}, err == nil
		}
		return []byte{0}, err == nil
	case OptionHex:
		b, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(v, ":", ""), "0x"))
		return b, err == nil
	case OptionRoutes:
		return each(strings.Split(v, ","), o.appendRoute)
	}
	return nil, false
}

func each(list []string, f func([]byte, string) ([]byte, bool)) (out []byte, ok bool) {
	for _, one := range list {
		if out, ok = f(out, strings.TrimSpace(one)); !ok {
			return nil, false
		}
	}
	return out, true
}

func (o Option) appendAddr(b []byte, s string) ([]byte, bool) {
	a, err := netip.ParseAddr(s)
	return append(b, a.AsSlice()...), err == nil && a.Zone() == "" && a.Is6() == o.V6
}

// appendRoute writes the width of a destination, as many of its bytes as matter, and the
// router (RFC 3442). DHCPv6 has none.
func (o Option) appendRoute(b []byte, s string) ([]byte, bool) {
	to, via, ok := strings.Cut(s, " via ")
	p, err := netip.ParsePrefix(strings.TrimSpace(to))
	if !ok || err != nil || o.V6 || !p.Addr().Is4() || p != p.Masked() {
		return nil, false
	}
	b = append(append(b, byte(p.Bits())), p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	return o.appendAddr(b, strings.TrimSpace(via))
}

// CheckOptions returns what is wrong with each option of a list, by its place, and with the
// list as a whole.
func CheckOptions(list []Option) (each map[int]error, all error) {
	each = map[int]error{}
	if len(list) > MaxOptions {
		return each, fault.Invalidf("%d options are more than %d", len(list), MaxOptions)
	}
	total := map[bool]int{} // of each family: a reply is of one
	for i, o := range list {
		b, err := o.Encode()
		switch {
		case err != nil:
			each[i] = err
		case slices.ContainsFunc(list[:i], func(p Option) bool { return p.Code == o.Code && p.V6 == o.V6 }):
			each[i] = fault.Invalidf("option %s is there twice", o)
		}
		total[o.V6] += len(b)
	}
	if most := max(total[false], total[true]); most > MaxOptionBytes {
		all = fault.Invalidf("their values have %d bytes, which is more than %d", most, MaxOptionBytes)
	}
	return each, all
}
