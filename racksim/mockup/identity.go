package mockup

// Identity is the machine that a tree was recorded of.
type Identity struct {
	Vendor, Model, Serial, UUID, Firmware string // Firmware is uefi or bios
	Ports                                 []Port // of the host, in the order of their collection
}

// Port is a network port of a host.
type Port struct{ Name, MAC string }

// Identity tells which machine the tree is of; empty where it does not tell.
func (t *Tree) Identity() Identity {
	sys := t.bodies[hostOf(t)]
	out := Identity{
		Vendor: textAt(sys, "Manufacturer"), Model: textAt(sys, "Model"),
		Serial: textAt(sys, "SerialNumber"), UUID: textAt(sys, "UUID"), Firmware: "uefi",
	}
	if textAt(sys, "Boot", "BootSourceOverrideMode") == "Legacy" {
		out.Firmware = "bios"
	}
	for _, uri := range members(t.bodies[follow(sys, "EthernetInterfaces")], "Members") {
		_, id, _ := cutLast(uri)
		if mac := textAt(t.bodies[uri], "MACAddress"); mac != "" {
			out.Ports = append(out.Ports, Port{Name: id, MAC: mac})
		}
	}
	return out
}
