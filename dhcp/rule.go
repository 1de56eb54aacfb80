package dhcp

// Rule is a stable code that says why a message was answered or ignored.
type Rule string

// Why a message is answered.
const (
	Offered  Rule = "offered"
	Acked    Rule = "acked"
	Informed Rule = "informed"
	Booted   Rule = "bootp-reserved"
	Proxied  Rule = "proxied" // told what to load; its address is another server's
	Naked    Rule = "nak-wrong-address"
	Released Rule = "released" // noted, never answered (RFC 2131 section 4.3.4)
	Declined Rule = "declined" // noted, never answered (RFC 2131 section 4.3.3)

	LeaseActive     Rule = "lease-active" // to a relay that asks (RFC 4388)
	LeaseUnassigned Rule = "lease-unassigned"
	LeaseUnknown    Rule = "lease-unknown"
)

// Why a message is ignored.
const (
	Malformed      Rule = "malformed"
	Looped         Rule = "relays-in-a-loop"
	BadRelay       Rule = "relay-not-believed"
	NotProxy       Rule = "not-a-proxy"
	NotNetbooting  Rule = "does-not-netboot"
	Held           Rule = "held"
	NotRequest     Rule = "not-a-request"
	Probing        Rule = "our-own-probe"
	BOOTP          Rule = "bootp"
	Unsupported    Rule = "unsupported-type"
	Queried        Rule = "leasequery" // no client's message: AnswerQuery answers it
	NoRelay        Rule = "no-relay"
	Undeclared     Rule = "undeclared-network"
	SwitchedOff    Rule = "dhcp-off"
	Stranger       Rule = "stranger"
	OtherServer    Rule = "chose-other-server"
	GivenByOther   Rule = "given-by-other-server" // as it should be where we are a proxy
	WrongNetwork   Rule = "wrong-network"
	WrongAddress   Rule = "wrong-address" // not ours to NAK outside authoritative mode
	NoAddress      Rule = "no-address"
	NoPool         Rule = "no-pool"
	NoLease        Rule = "no-lease"
	LeaseReserved  Rule = "lease-is-reserved"
	LeaseElsewhere Rule = "lease-off-network"
)

// why is the sentence for people.
func (r Rule) why() string {
	switch r {
	case Malformed:
		return "the message is malformed"
	case NotRequest:
		return "it is a server's message"
	case BOOTP:
		return "BOOTP is answered to planned machines only: an address it is given never comes back"
	case Looped:
		return "it passed more relays than there can be: they send it round in a loop"
	case BadRelay:
		return "its relay's address is outside every declared network, or one of ours"
	case Probing:
		return "it is our own look for other DHCP servers"
	case NotProxy:
		return "it asks a proxy for its boot file, and this network is none of a proxy"
	case NotNetbooting:
		return "another server gives addresses here, and it asks for nothing to load"
	case Held:
		return "it is in no rack plan; it is listed and waits to be planned"
	case Queried:
		return "a relay asks about leases: it is no client's message"
	case NoRelay:
		return "it names no relay that the answer could go to"
	case Unsupported:
		return "messages of this type are not served"
	case Undeclared:
		return "no network is declared where it came from"
	case SwitchedOff:
		return "DHCP is off on this network"
	case Stranger:
		return "it is in no rack plan and strangers are ignored here"
	case OtherServer:
		return "the client took another DHCP server's offer"
	case GivenByOther:
		return "its address is another DHCP server's, as is planned here"
	case WrongNetwork:
		return "it is planned on another network: check its cable and the switch port's VLAN"
	case WrongAddress:
		return "the client insists on an address that is not its own, and this network is not authoritative"
	case NoAddress:
		return "the plan gives it no address on this network"
	case NoPool:
		return "the network has no pool to lend an address from"
	case NoLease:
		return "no lease could be had"
	case LeaseReserved:
		return "the lent address is reserved for a planned machine"
	case LeaseElsewhere:
		return "the lent address is not on this network"
	}
	return string(r)
}
