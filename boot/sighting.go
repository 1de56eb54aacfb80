package boot

import (
	"net/netip"
	"time"

	"rackwright/inventory"
)

// Sighting is a netbooting client seen on the wire: evidence that its hardware exists.
type Sighting struct {
	At       time.Time
	Source   string // who saw it: dhcp, http
	MAC      inventory.MAC
	UUID     string // SMBIOS system UUID in lower case, may be empty
	Network  string // name of the network, may be empty
	Arch     Arch   // ArchUnknown when not said
	Class    Class
	Machine  string     // id, empty for a stranger
	Address  netip.Addr // that it has or was given, may be invalid
	Wanted   string     // operation that waited for it when it was seen, empty for none: intake fills it in
	Settled  bool       // it was told all that it asked DHCP for, which an offer is not
	Declined netip.Addr // reserved for it, and found in use by another; invalid: none
	Holds    netip.Addr // reserved for it, and used by it; invalid: not said
	Circuit  string     // what a relay said of its port (RFC 3046), as text or 0x and hexadecimal; may be empty
	Remote   string     // what a relay said of itself, likewise
	BMC      bool       // it is no machine but the management controller of one
	Vendor   string     // of a BMC in no plan, may be empty
}
