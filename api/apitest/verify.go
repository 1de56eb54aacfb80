package apitest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/journal"
	"rackwright/store"
)

// Models lists the models of the plans.
func (s *Store) Models(context.Context) ([]inventory.Model, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.inv.Models), err
}

// Observations are a machine's own facts: there is one source here.
func (s *Store) Observations(_ context.Context, machineIDs []string) (map[string][]inventory.Facts, error) {
	unlock, err := s.lock()
	defer unlock()
	out := map[string][]inventory.Facts{}
	for _, m := range s.inv.Machines {
		if m.Facts != nil && slices.Contains(machineIDs, m.ID) {
			out[m.ID] = []inventory.Facts{*m.Facts}
		}
	}
	return out, err
}

// Parts are those of the facts as they are now.
func (s *Store) Parts(_ context.Context, f store.PartFilter) ([]inventory.Part, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	if f.Machine != "" {
		if _, err := s.machine(f.Machine); err != nil {
			return nil, err
		}
	}
	var out []inventory.Part
	for _, m := range s.inv.Machines {
		if m.Facts == nil || f.Machine != "" && f.Machine != m.ID && f.Machine != m.Name {
			continue
		}
		for _, p := range verify.Parts(m.Facts) {
			p.Machine, p.Name, p.Seen = m.ID, m.Name, m.Facts.Observed
			if f.Serial == "" || p.Serial == f.Serial {
				p.ID = int64(len(out) + 1)
				out = append(out, p)
			}
		}
	}
	return page(out, f.Page, true, func(p inventory.Part) []string { return []string{strconv.FormatInt(p.ID, 10)} }), nil
}

// Waive lets conditions pass.
func (s *Store) Waive(_ context.Context, name string, w inventory.Waiver, actor string) (*inventory.Machine, error) {
	return s.waiver(name, w, actor, inventory.Waived{By: actor, Reason: w.Reason, At: s.now()})
}

// Unwaive ends that.
func (s *Store) Unwaive(_ context.Context, name, rule, on, actor string) (*inventory.Machine, error) {
	return s.waiver(name, inventory.Waiver{Rule: rule, On: on}, actor, inventory.Waived{})
}

func (s *Store) waiver(name string, w inventory.Waiver, actor string, is inventory.Waived) (*inventory.Machine, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	m, err := s.machine(name)
	if err != nil {
		return nil, err
	}
	found := false
	for i := range m.Conditions {
		if c := &m.Conditions[i]; w.Covers(c.Type, c.Subject) {
			c.Waived, found = is, true
		}
	}
	if !found {
		return nil, fault.NotFoundf("%s has nothing to change about %s", m.Name, strings.TrimSpace(w.Rule+" "+w.On)).WithHint("look at its differences")
	}
	s.append(journal.Event{Kind: journal.Condition, Machine: m.ID, Name: m.Name, Actor: actor, Summary: "waiver of " + w.Rule + " changed"})
	c := *m
	return &c, nil
}
