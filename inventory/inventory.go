package inventory

// Inventory is everything a plan is compared with, or the part of it that a question is
// about.
type Inventory struct {
	Sites    []Site
	Projects []Project
	Models   []Model
	Networks []Network
	Racks    []Rack
	Devices  []Device
	Machines []Machine
	// HasPassword tells whether a machine's BMC has that password; nil: nothing is known,
	// so a password of a machine that exists is taken to be the same.
	HasPassword func(machineID, password string) bool
	// HasFactory tells whether that is the factory login kept of a model; nil: nothing is
	// known, so the one of a model that exists is taken to be the same.
	HasFactory func(model, username, password string) bool
}

// Model returns the model of that name, nil when it is not declared.
func (inv *Inventory) Model(name string) *Model {
	return named(inv.Models, name, func(m *Model) string { return m.Name })
}

// Device returns the device of that name, nil when there is none.
func (inv *Inventory) Device(name string) *Device {
	return named(inv.Devices, name, func(d *Device) string { return d.Name })
}

// Rack returns the rack of that name, nil when there is none.
func (inv *Inventory) Rack(name string) *Rack {
	return named(inv.Racks, name, func(r *Rack) string { return r.Name })
}

// Network returns the network of that name, nil when there is none.
func (inv *Inventory) Network(name string) *Network {
	return named(inv.Networks, name, func(n *Network) string { return n.Name })
}

// Machine returns the machine of that name, nil when there is none.
func (inv *Inventory) Machine(name string) *Machine {
	return named(inv.Machines, name, func(m *Machine) string { return m.Name })
}

func named[T any](list []T, name string, of func(*T) string) *T {
	for i := range list {
		if of(&list[i]) == name {
			return &list[i]
		}
	}
	return nil
}
