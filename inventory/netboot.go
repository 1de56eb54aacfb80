package inventory

import "cmp"

// Netboot is by which way firmware loads from the network.
type Netboot string

// The ways. BIOS has PXE only.
const (
	NetbootPXE  Netboot = "pxe"
	NetbootHTTP Netboot = "http" // UEFI HTTP boot
)

// NetbootOf is by which way a machine netboots: as is said of it, else of its model; nil is a
// model that nobody declared. A model that loads over HTTPS does so by HTTP boot.
func NetbootOf(m *Machine, model *Model) Netboot {
	if m.Firmware == BIOS {
		return NetbootPXE
	}
	var otherwise Netboot
	if model != nil {
		otherwise = model.Netboot
		if model.HTTPS {
			otherwise = cmp.Or(otherwise, NetbootHTTP)
		}
	}
	return cmp.Or(m.Netboot, otherwise, NetbootPXE)
}
