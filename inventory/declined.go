package inventory

import (
	"fmt"
	"net/netip"
	"time"
)

// AddressInUse is the condition of a machine that found its reserved address used by another
// (RFC 2131 section 3.1.5); subject is the address.
const AddressInUse = "address-in-use"

// Declined notes that a machine found its reserved address in use. It has no other, so it is
// offered again: only the other's going away helps. It returns a sentence when that is news.
func Declined(m *Machine, a netip.Addr, now time.Time) string {
	c := Condition{Type: AddressInUse, Subject: a.String(), Reason: "declined", Since: now, Evidence: "it declined the address: another machine answers for it",
		Hint: fmt.Sprintf("find who answers ARP for %s ('arping -I IFACE %s' on its network) and give that one another, or plan another address; it is offered again until then", a, a)}
	for _, old := range m.Conditions {
		if old.Type == c.Type && old.Subject == c.Subject {
			return ""
		}
	}
	m.Conditions = append(m.Conditions, c)
	return fmt.Sprintf("%s, which is reserved for it, is used by another machine", a)
}

// Holds notes that a machine uses its reserved address: nothing of that kind stands against it
// any more.
func Holds(m *Machine, a netip.Addr) string {
	kept := m.Conditions[:0:0]
	for _, c := range m.Conditions {
		if c.Type != AddressInUse || c.Subject != a.String() {
			kept = append(kept, c)
		}
	}
	if len(kept) == len(m.Conditions) {
		return ""
	}
	m.Conditions = kept
	return fmt.Sprintf("%s is used by it alone again", a)
}
