package redfish

import (
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// maxOwnPorts is how many ports of a BMC we look at: one of its own, one shared with the
// machine, and one or two that lead to the machine's inside.
const maxOwnPorts = 4

// ownPort is what we use of the EthernetInterface schema for a manager's port.
type ownPort struct {
	resource
	PermanentMACAddress, MACAddress string
	InterfaceEnabled                *bool // nil: not told
	Links                           struct{ HostInterface link }
}

// inward reports whether the port leads to the machine itself, over USB or PCI. Such
// addresses are often the same in every machine of a model (Lenovo and Supermicro call
// the port ToHost, OpenBMC hostusb0 or usb0).
func (p *ownPort) inward() bool {
	name := strings.ToLower(p.ID + " " + p.Name)
	return p.Links.HostInterface.URI != "" || strings.Contains(name, "usb") || strings.Contains(name, "tohost") || strings.Contains(name, "virtual")
}

// ownMACs lists the addresses of the BMC's own ports; none where it does not tell them.
func ownMACs(client schemas.Client, at link) ([]inventory.MAC, error) {
	if at.URI == "" {
		return nil, nil
	}
	ports, err := members[ownPort](client, at.URI, maxOwnPorts)
	var out []inventory.MAC
	for i := range ports {
		p := &ports[i]
		mac, ok := macOf(p.PermanentMACAddress, p.MACAddress)
		if !ok || p.inward() || p.InterfaceEnabled != nil && !*p.InterfaceEnabled || slices.Contains(out, mac) {
			continue
		}
		out = append(out, mac)
	}
	return out, err
}
