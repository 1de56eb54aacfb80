// Package apitest holds a store and an importer in memory that behave as the interface
// expects of the real ones; for tests of the interface, its client and the command. No
// worker runs behind it: tests move operations themselves.
package apitest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/fleet"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

// Store is a database in memory.
type Store struct {
	mu      sync.Mutex
	inv     inventory.Inventory
	lease   []inventory.Lease
	image   []images.Image
	ops     []deploy.Operation
	event   []journal.Event
	racks   racks
	flash   flashing
	burns   []deploy.BurnRecord
	proofs  []deploy.SignedCertificate
	cache   []images.Cache
	rungs   map[string]boot.Rung // by model
	fleet   []fleet.Fleet
	uploads uploads
	job     []images.Job
	damaged string // name of an image
	record  record
	kept    kept
	subs    map[chan struct{}]bool
	hooks   hooks
	next    int
	strange []inventory.StrangeBMC
	down    error
	tokens  []given
	shown   map[string]bool // that opened a session
	codes   []rackCode
	now     func() time.Time
}

// New returns an empty store on a clock that stands still.
func New() *Store {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Store{subs: map[chan struct{}]bool{}, rungs: map[string]boot.Rung{"blade": {Kind: boot.Shim, Worked: true}}, now: func() time.Time { return start }}
}

// Fail makes every later call return err; nil ends it.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *Store) id(kind string) string {
	s.next++
	return fmt.Sprintf("%s-%04d", kind, s.next)
}

// lock takes the store, or returns the error it is to fail with.
func (s *Store) lock() (func(), error) {
	s.mu.Lock()
	return s.mu.Unlock, s.down
}

// Ping answers unless the store is to fail.
func (s *Store) Ping(context.Context) error {
	unlock, err := s.lock()
	defer unlock()
	return err
}

// Machines lists machines by name.
func (s *Store) Machines(_ context.Context, f store.MachineFilter) ([]inventory.Machine, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	var out []inventory.Machine
	for _, m := range s.inv.Machines {
		if m.Name > f.After && wanted(m, f) && (f.Limit == 0 || len(out) < f.Limit) {
			out = append(out, m)
		}
	}
	return out, nil
}

// MachinePage lists a page of machines by name; other orders are the real store's.
func (s *Store) MachinePage(ctx context.Context, f store.MachineFilter) (page []inventory.Machine, next string, err error) {
	limit := f.Limit
	f.Limit++
	if f.Turned {
		return s.turned(ctx, f, limit)
	}
	if page, err = s.Machines(ctx, f); len(page) > limit {
		page, next = page[:limit], page[limit-1].Name
	}
	for i := range page {
		if f.Brief {
			page[i].Facts = nil
		}
	}
	return page, next, err
}

// turned is a page from the end.
func (s *Store) turned(ctx context.Context, f store.MachineFilter, limit int) (list []inventory.Machine, next string, err error) {
	before := f.After
	f.After, f.Limit = "", 0
	list, err = s.Machines(ctx, f)
	slices.Reverse(list)
	list = slices.DeleteFunc(list, func(m inventory.Machine) bool { return before != "" && m.Name >= before })
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].Name
	}
	return list, next, err
}

func wanted(m inventory.Machine, f store.MachineFilter) bool {
	return (f.Rack == "" || (m.Slot != nil && m.Slot.Rack == f.Rack)) &&
		(len(f.Phases) == 0 || slices.Contains(f.Phases, string(m.Phase))) && described(m, f) &&
		(len(f.Names) == 0 || slices.Contains(f.Names, m.Name)) &&
		(f.MAC == "" || slices.ContainsFunc(m.NICs, func(n inventory.NIC) bool { return n.MAC.String() == f.MAC }))
}

// stands reports whether a machine stands in a rack.
func (s *Store) stands(machine, rack string) bool {
	m, err := s.machine(machine)
	return err == nil && m.Slot != nil && m.Slot.Rack == rack
}

// Machine returns a machine by id or name.
func (s *Store) Machine(_ context.Context, name string) (*inventory.Machine, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	m, err := s.machine(name)
	if err != nil {
		return nil, err
	}
	c := *m
	return &c, nil
}

func (s *Store) machine(name string) (*inventory.Machine, error) {
	for i := range s.inv.Machines {
		if m := &s.inv.Machines[i]; m.ID == name || m.Name == name && m.Phase != inventory.Retired {
			return m, nil
		}
	}
	return nil, fault.NotFoundf("there is no machine %q", name).WithHint("'rackwright machine list' shows them")
}

// Change lets a test alter a machine.
func (s *Store) Change(name string, f func(*inventory.Machine)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(name)
	if err != nil {
		panic(err)
	}
	f(m)
	m.Version++
}

// Racks lists racks.
func (s *Store) Racks(context.Context) ([]inventory.Rack, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.inv.Racks), err
}

// Networks lists networks.
func (s *Store) Networks(context.Context) ([]inventory.Network, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.inv.Networks), err
}

// Leases lists what Lend added.
func (s *Store) Leases(context.Context) ([]inventory.Lease, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.lease), err
}

// Lend adds a lease.
func (s *Store) Lend(l inventory.Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease = append(s.lease, l)
}

// DiffPlan compares as the real store does.
func (s *Store) DiffPlan(_ context.Context, p plan.Plan) (*plan.Diff, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	_, d, err := s.diff(p)
	return d, err
}

func (s *Store) diff(p plan.Plan) (*plan.Wanted, *plan.Diff, error) {
	w, err := p.Resolve()
	if err != nil {
		return nil, nil, err
	}
	d, err := w.Against(s.inv)
	return w, d, err
}

// ApplyPlan takes the plan over.
func (s *Store) ApplyPlan(_ context.Context, p plan.Plan, hash, actor string) (*plan.Diff, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	w, d, err := s.diff(p)
	if err != nil {
		return nil, err
	}
	if hash != "" && hash != d.Hash {
		return nil, fault.Conflictf("the changes are not the ones of hash %s any more", hash).WithHint("look at the plan again")
	}
	s.inv.Sites = []inventory.Site{{ID: "site", Name: w.Site}}
	s.takeGear(w, d)
	for _, n := range w.Networks {
		s.inv.Networks = put(s.inv.Networks, n, func(a inventory.Network) string { return a.Name })
	}
	for _, r := range w.Racks {
		s.inv.Racks = put(s.inv.Racks, r, func(a inventory.Rack) string { return a.Name })
	}
	for _, m := range w.Machines {
		if m.ID == "" {
			m.ID, m.CreatedAt = s.id("machine"), s.now()
		}
		m.Version, m.UpdatedAt = m.Version+1, s.now()
		s.inv.Machines = put(s.inv.Machines, m, func(a inventory.Machine) string { return a.Name })
		s.append(journal.Event{Kind: journal.MachinePlan, Machine: m.ID, Name: m.Name, Actor: actor, Summary: "planned"})
	}
	slices.SortFunc(s.inv.Machines, func(a, b inventory.Machine) int { return strings.Compare(a.Name, b.Name) })
	return d, nil
}

// put replaces the thing of the same name or adds it.
func put[T any](list []T, v T, name func(T) string) []T {
	for i := range list {
		if name(list[i]) == name(v) {
			list[i] = v
			return list
		}
	}
	return append(list, v)
}
