package redfish

import (
	"slices"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// Adapters of one chassis and functions of one adapter that we look at.
const (
	maxAdapters  = 32
	maxFunctions = 64
)

// adapter is what we use of the NetworkAdapter schema.
type adapter struct {
	resource
	NetworkDeviceFunctions link
}

// function is what we use of the NetworkDeviceFunction schema.
type function struct {
	resource
	Ethernet struct{ PermanentMACAddress, MACAddress string }
}

// nics lists the ports with an address; BMCs list ports with an empty or zero one too,
// and some the same port twice. Where the system lists none, its chassis' adapters may:
// without link and speed, which stand elsewhere.
func nics(client schemas.Client, s *system) ([]inventory.SeenNIC, error) {
	all, err := schemas.ListReferencedEthernetInterfaces(client, s.EthernetInterfaces.URI)
	var out []inventory.SeenNIC
	for _, e := range all {
		mac, ok := macOf(e.PermanentMACAddress, e.MACAddress)
		if !ok || listed(out, mac) {
			continue
		}
		nic := inventory.SeenNIC{Name: tidy(e.ID), MAC: mac, Link: e.LinkStatus == schemas.LinkUpLinkStatus}
		if nic.Link {
			nic.Mbps = number(e.SpeedMbps)
		}
		out = append(out, nic)
	}
	if len(out) > 0 {
		return out, err
	}
	return adapterNICs(client, s, err)
}

// adapterNICs lists the ports of the network adapters.
func adapterNICs(client schemas.Client, s *system, err error) ([]inventory.SeenNIC, error) {
	var out []inventory.SeenNIC
	for _, l := range s.Links.Chassis[:min(len(s.Links.Chassis), maxChassis)] {
		c, readErr := get[chassis](client, l.URI)
		if readErr != nil || c.NetworkAdapters.URI == "" {
			continue
		}
		adapters, readErr := members[adapter](client, c.NetworkAdapters.URI, maxAdapters)
		if readErr != nil {
			err = readErr
		}
		for _, a := range adapters {
			if a.NetworkDeviceFunctions.URI == "" {
				continue
			}
			functions, readErr := members[function](client, a.NetworkDeviceFunctions.URI, maxFunctions)
			if readErr != nil {
				err = readErr
			}
			for _, f := range functions {
				if mac, ok := macOf(f.Ethernet.PermanentMACAddress, f.Ethernet.MACAddress); ok && !listed(out, mac) {
					out = append(out, inventory.SeenNIC{Name: first(f.ID, f.Name), MAC: mac})
				}
			}
		}
	}
	return out, err
}

func listed(all []inventory.SeenNIC, mac inventory.MAC) bool {
	return slices.ContainsFunc(all, func(n inventory.SeenNIC) bool { return n.MAC == mac })
}

// macOf is the first of the texts that is an address: the burnt-in one before the one in
// use.
func macOf(texts ...string) (inventory.MAC, bool) {
	for _, s := range texts {
		if mac, err := inventory.ParseMAC(s); err == nil {
			return mac, true
		}
	}
	return inventory.MAC{}, false
}
