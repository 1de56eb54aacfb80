package apitest

import (
	"context"
	"slices"
	"strings"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// Rack returns a rack by name.
func (s *Store) Rack(_ context.Context, name string) (*inventory.Rack, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	r := s.inv.Rack(name)
	if r == nil {
		return nil, fault.NotFoundf("there is no rack %q", name).WithHint("'rackwright rack list' shows them")
	}
	c := *r
	load := inventory.RackLoad(c, s.inv.Devices, s.inv.Machines, s.inv.Model)
	c.Load = &load
	return &c, nil
}

// Devices lists the devices of a rack, "" for all.
func (s *Store) Devices(_ context.Context, rack string) ([]inventory.Device, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.DeleteFunc(slices.Clone(s.inv.Devices), func(d inventory.Device) bool { return rack != "" && d.Slot.Rack != rack }), err
}

// Projects lists projects.
func (s *Store) Projects(context.Context) ([]inventory.Project, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.inv.Projects), err
}

// described reports whether a machine is as a filter's words describe it.
func described(m inventory.Machine, f store.MachineFilter) bool {
	for _, l := range f.Labels {
		key, value, exact := strings.Cut(l, "=")
		if got, ok := m.Labels[key]; !ok || exact && got != value {
			return false
		}
	}
	for word := range strings.FieldsSeq(strings.ToLower(f.Text)) {
		if !slices.ContainsFunc(strings.Fields(strings.ToLower(m.Name+" "+m.Serial+" "+m.Vendor+" "+m.Model+" "+m.AssetTag)),
			func(have string) bool { return strings.HasPrefix(have, word) }) {
			return false
		}
	}
	return (f.Tag == "" || slices.Contains(m.Tags, f.Tag)) && (f.Project == "" || m.Project == f.Project) && (f.Model == "" || m.Model == f.Model) &&
		(f.Vendor == "" || m.Vendor == f.Vendor) && (f.Image == "" || m.Image == f.Image) && (f.Serial == "" || strings.EqualFold(m.Serial, f.Serial)) &&
		(f.AssetTag == "" || strings.EqualFold(m.AssetTag, f.AssetTag)) && (!f.Held || m.Hold != nil) &&
		(f.Condition == "" || slices.ContainsFunc(m.Conditions, func(c inventory.Condition) bool { return c.Type == f.Condition }))
}

// Sites lists the sites; scopes leave nothing out here.
func (s *Store) Sites(context.Context, access.Scope) (out []inventory.SiteTally, err error) {
	unlock, err := s.lock()
	defer unlock()
	for _, site := range s.inv.Sites {
		t := inventory.SiteTally{Site: site, Rooms: []inventory.Room{}, Phases: map[inventory.Phase]int{}}
		at := map[string]bool{}
		for _, r := range s.inv.Racks {
			if r.Site == site.Name {
				t.Add(r.Room)
				at[r.Name] = true
			}
		}
		for _, m := range s.inv.Machines {
			if m.Slot != nil && at[m.Slot.Rack] {
				t.Machines, t.Phases[m.Phase] = t.Machines+1, t.Phases[m.Phase]+1
			}
		}
		out = append(out, t)
	}
	return out, err
}

// Device returns a device by name.
func (s *Store) Device(ctx context.Context, name string) (*inventory.Device, error) {
	list, err := s.Devices(ctx, "")
	return found(list, err, "device", name, func(d *inventory.Device) bool { return d.Name == name })
}

// Lease returns what Lend added.
func (s *Store) Lease(ctx context.Context, network, address string) (*inventory.Lease, error) {
	list, err := s.Leases(ctx)
	return found(list, err, "lease", address, func(l *inventory.Lease) bool { return l.Network == network && l.Address.String() == address })
}

// EndLease takes away what Lend added.
func (s *Store) EndLease(ctx context.Context, network, address, _ string) error {
	l, err := s.Lease(ctx, network, address)
	if err != nil {
		return err
	}
	unlock, err := s.lock()
	defer unlock()
	s.lease = slices.DeleteFunc(s.lease, func(o inventory.Lease) bool { return o == *l })
	return err
}

func found[T any](list []T, err error, noun, name string, is func(*T) bool) (*T, error) {
	if err != nil {
		return nil, err
	}
	for i := range list {
		if is(&list[i]) {
			return &list[i], nil
		}
	}
	return nil, fault.NotFoundf("there is no %s %q", noun, name)
}
