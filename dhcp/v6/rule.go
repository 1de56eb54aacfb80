package v6

// Rule is a stable code that says why a message was answered or ignored.
type Rule string

// Why a message is answered.
const (
	Advertised   Rule = "advertised"
	Given        Rule = "given"
	Informed     Rule = "informed"
	Confirmed    Rule = "confirmed"
	NotOnLink    Rule = "not-on-link"
	NoBinding    Rule = "no-binding"
	NoAddress    Rule = "no-address" // there is none for it, and it is told so
	UseMulticast Rule = "use-multicast"
	Released     Rule = "released"
	Declined     Rule = "declined"
)

// Why a message is ignored.
const (
	Malformed    Rule = "malformed"
	Looped       Rule = "relays-in-a-loop"
	NotRequest   Rule = "not-a-request"
	Undeclared   Rule = "undeclared-network"
	SwitchedOff  Rule = "dhcp6-off"
	OtherServer  Rule = "chose-other-server"
	Unicast      Rule = "sent-to-us-alone"
	Stranger     Rule = "stranger"
	Held         Rule = "held"
	Nameless     Rule = "no-mac"
	WrongNetwork Rule = "wrong-network"
	Stateless    Rule = "stateless"
	NothingAsked Rule = "nothing-asked"
)

// Why is the sentence for people.
func (r Rule) Why() string {
	switch r {
	case Malformed:
		return "the message is malformed"
	case Looped:
		return "it passed more relays than there can be: they send it round in a loop"
	case NotRequest:
		return "it is a server's message"
	case Undeclared:
		return "no network with this server's address is declared where it came from"
	case SwitchedOff:
		return "DHCPv6 is off on this network"
	case OtherServer:
		return "the client took another DHCPv6 server's offer"
	case Unicast:
		return "such a message is sent to all servers, never to one (RFC 8415 section 18.4)"
	case Stranger:
		return "it is in no rack plan and strangers are ignored here"
	case Held:
		return "it is in no rack plan; it is listed and waits to be planned"
	case Nameless:
		return "nothing in it says which machine it is from: neither its DUID nor its link-local address nor a relay has a MAC"
	case WrongNetwork:
		return "it is planned on another network: check its cable and the switch port's VLAN"
	case Stateless:
		return "this network gives no addresses by DHCPv6"
	case NothingAsked:
		return "it asks about no address"
	}
	return string(r)
}
