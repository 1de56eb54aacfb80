package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/fleet"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
)

// maxFleet bounds the machines of a rollout or a campaign.
const maxFleet = 10_000

// errNothing says of a machine that it is as it is to be: it is left out.
var errNothing = errors.New("it has what it is to have")

// enlist makes the fleet of the machines that are meant. Those on which it cannot be done,
// as judge says, are in it as skipped and say why.
func (s *server) enlist(ctx context.Context, kind fleet.Kind, name string, t fleet.Terms, judge func(*inventory.Machine) error) (*fleet.Fleet, error) {
	racks, filters, err := s.whom(ctx, &t)
	if err != nil {
		return nil, err
	}
	machines, err := s.those(ctx, t, filters)
	if err != nil {
		return nil, err
	}
	var members []fleet.Member
	for i := range machines {
		m := &machines[i]
		member := fleet.Member{Machine: m.ID, Name: m.Name, Model: m.Model, State: fleet.Waiting, Active: m.Phase == inventory.Active}
		if m.Slot != nil {
			member.Rack, member.Domain = m.Slot.Rack, t.DomainOf(racks[m.Slot.Rack])
		}
		err := judge(m)
		switch {
		case errors.Is(err, errNothing):
			continue
		case fault.Is(err, fault.Internal), fault.Is(err, fault.Unreachable), fault.Is(err, fault.Invalid) && len(machines) == 1:
			return nil, err
		case err != nil:
			member.State, member.Why = fleet.Skipped, err.Error()
		}
		members = append(members, member)
	}
	if len(members) == 0 && len(machines) > 0 {
		return nil, fault.Conflictf("nothing is to be done: of %d machines all have what they are to have", len(machines)).WithHint("'rackwright firmware compliance' says how they stand")
	}
	return fleet.New(kind, name, t, members)
}

// whom are the racks by name, and filters for the machines that terms choose.
func (s *server) whom(ctx context.Context, t *fleet.Terms) (map[string]*inventory.Rack, []store.MachineFilter, error) {
	list, err := s.Store.Racks(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := t.Within(list); err != nil {
		return nil, nil, err
	}
	racks := map[string]*inventory.Rack{}
	for i := range list {
		racks[list[i].Name] = &list[i]
	}
	base := store.MachineFilter{Labels: t.Labels, Names: t.Machines, Limit: 1000, Brief: true}
	if t.AllReady {
		base.Phases = []string{string(inventory.Ready)}
	}
	if len(t.Racks) == 0 {
		return racks, []store.MachineFilter{base}, nil
	}
	var filters []store.MachineFilter
	for _, base.Rack = range slices.Compact(slices.Sorted(slices.Values(t.Racks))) {
		if racks[base.Rack] == nil {
			return nil, nil, fault.Invalidf("there is no rack %q", base.Rack).WithHint("name one of 'rackwright rack list'")
		}
		filters = append(filters, base)
	}
	return racks, filters, nil
}

// those are the machines that meet every condition, without those that are retired.
func (s *server) those(ctx context.Context, t fleet.Terms, filters []store.MachineFilter) (out []inventory.Machine, err error) {
	for _, f := range filters {
		for more := true; more; more = f.After != "" {
			var page []inventory.Machine
			if page, f.After, err = s.Store.MachinePage(ctx, f); err != nil {
				return nil, err
			}
			out = append(out, slices.DeleteFunc(page, func(m inventory.Machine) bool {
				return m.Phase == inventory.Retired || len(t.Models) > 0 && !slices.Contains(t.Models, m.Model)
			})...)
			if len(out) > maxFleet {
				return nil, fault.Invalidf("more than %d machines are meant", maxFleet).WithHint("begin several, of some racks each")
			}
		}
	}
	for _, name := range t.Machines {
		if !slices.ContainsFunc(out, func(m inventory.Machine) bool { return m.Name == name }) {
			return nil, fault.Invalidf("there is no machine %q, or it does not meet the other conditions", name).WithHint("'rackwright machine list' shows them")
		}
	}
	return out, nil
}

// rollout finds the machines of a rollout, and what is to be done on each.
func (s *server) rollout(ctx context.Context, in wire.RolloutStart) (*fleet.Fleet, deploy.Order, error) {
	var order deploy.Order
	if err := in.Check(fleet.Rollout, in.Name); err != nil {
		return nil, order, err
	}
	if in.Image == "" {
		return nil, order, fault.Invalidf("a rollout needs an image").WithHint("to start machines from their own disks, deploy each locally")
	}
	img, err := s.Store.Image(ctx, in.Image)
	if err != nil {
		return nil, order, err
	}
	unseen := in.Overwrite // by any machine
	f, err := s.enlist(ctx, fleet.Rollout, in.Name, in.Terms, func(m *inventory.Machine) error {
		a, err := s.memberOrder(ctx, m, in)
		if err == nil && order.Digest == "" {
			order = a.order
		}
		if a != nil {
			unseen = slices.DeleteFunc(slices.Clone(unseen), func(name string) bool { return deploy.Unseen([]string{name}, a.machine) == nil })
		}
		return err
	})
	if err != nil {
		return nil, order, err
	}
	if len(unseen) > 0 {
		return nil, order, fault.Invalidf("none of these machines has a disk %.200q to overwrite", strings.Join(unseen, ", ")).
			WithHint("name disks by the serial that 'rackwright machine show' has; 'rackwright inspect' looks again")
	}
	f.Image, f.Digest = img.Name, img.Digest
	if img.Kind == images.KindDisk || img.Kind == images.KindRootFS { // else no agent fetches it, and nothing can be measured
		f.Bytes = img.Bytes
	}
	return f, order, nil
}

// memberOrder is what is done on one machine, or why it cannot be.
func (s *server) memberOrder(ctx context.Context, m *inventory.Machine, in wire.RolloutStart) (*asked, error) {
	if m.Phase == inventory.Active && !in.Active {
		return nil, fault.Conflictf("%s is active and runs %s", m.Name, m.Image).WithHint("say active, if its system is to be overwritten")
	}
	if err := inventory.Guard(m, actor(ctx), true, s.Now()); err != nil {
		return nil, err
	}
	a, err := s.deployOrder(ctx, m.ID, in.Deploy)
	if err != nil {
		return a, err
	}
	_, err = deploy.Plan(deploy.Deploy, deploy.Subject{Machine: *m, Order: a.order})
	return a, err
}

// campaign finds the machines that lack firmware, and the files that they need.
func (s *server) campaign(ctx context.Context, in wire.CampaignStart) (*fleet.Fleet, error) {
	if err := in.Check(fleet.Campaign, in.Name); err != nil {
		return nil, err
	}
	files, err := s.Store.FirmwareFiles(ctx)
	if err != nil {
		return nil, err
	}
	if in.File != "" && !slices.ContainsFunc(files, func(f firmware.File) bool { return f.Name == in.File }) {
		return nil, fault.Invalidf("there is no firmware file %q", in.File).WithHint("name one of 'rackwright firmware list'")
	}
	_, filters, err := s.whom(ctx, &in.Terms)
	if err != nil {
		return nil, err
	}
	stand := map[string]firmware.Machine{}
	for _, f := range filters {
		part, err := s.Store.FirmwareMachines(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, m := range part {
			stand[m.ID] = m
		}
	}
	var needed []string
	f, err := s.enlist(ctx, fleet.Campaign, in.Name, in.Terms, func(m *inventory.Machine) error {
		choice := firmware.Choose(stand[m.ID], files, firmware.Wish{File: in.File, Downgrade: in.Downgrade})
		switch {
		case choice.Already:
			return errNothing
		case len(choice.Picks) == 0:
			return fault.Conflictf("%s", choice.Nothing())
		case m.Phase == inventory.Active && !in.Active:
			return fault.Conflictf("%s is active and runs %s", m.Name, m.Image).WithHint("say active, if it may be restarted")
		}
		for _, p := range choice.Picks {
			needed = append(needed, p.File)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(needed)
	f.Files, f.File, f.Downgrade = slices.Compact(needed), in.File, in.Downgrade
	return f, nil
}
