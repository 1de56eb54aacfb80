package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/deploy/rollout"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/store"
)

type rolloutStore interface {
	// Rollouts are newest first.
	Rollouts(ctx context.Context) ([]rollout.Fleet, error)
	Rollout(ctx context.Context, idOrName string) (*rollout.Fleet, error)
	// CreateRollout is Conflict when there is one of that name.
	CreateRollout(ctx context.Context, f *rollout.Fleet, order deploy.Order, actor string) error
	SteerRollout(ctx context.Context, idOrName, actor, what string, change func(*rollout.Fleet, time.Time) error) (*rollout.Fleet, error)
}

// maxFleet bounds the machines of a rollout.
const maxFleet = 10_000

// RolloutIn names a rollout.
type RolloutIn struct {
	Rollout string `path:"rollout" minLength:"1" maxLength:"63" doc:"Rollout id or name"`
}

type rolloutOut struct {
	Status   int
	Location string `header:"Location"`
	Body     rollout.Fleet
}

// rollouts registers rollouts of images.
func (s *server) rollouts() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"rollouts"}; return o }
	route(s, tag(op("GET", "/rollouts", "list-rollouts", "Rollouts, newest first; their machines only where one is asked for")),
		func(ctx context.Context, _ *struct{}) (*body[wire.List[rollout.Fleet]], error) {
			list, err := s.Store.Rollouts(ctx)
			for i := range list {
				list[i] = brief(list[i])
			}
			return listOf(list, err)
		})
	route(s, tag(op("GET", "/rollouts/{rollout}", "get-rollout", "One rollout and how its machines stand")), func(ctx context.Context, in *RolloutIn) (*body[rollout.Fleet], error) {
		return rolloutBody(s.Store.Rollout(ctx, in.Rollout))
	})
	start := tag(op("POST", "/rollouts", "start-rollout", "Deploy one image to many machines, as many at once as the network and the power carry"))
	start.DefaultStatus = http.StatusCreated
	route(s, start, s.startRollout)
	s.steersRollout("pause", "paused", "Begin nothing more of a rollout for now", func(f *rollout.Fleet, _ time.Time) error { return f.Pause() })
	s.steersRollout("resume", "resumed", "Let a rollout go on; what failed until now counts no more", func(f *rollout.Fleet, _ time.Time) error { return f.Resume() })
	s.steersRollout("abort", "aborted", "End a rollout; machines that are being deployed end that", (*rollout.Fleet).Abort)
}

func (s *server) startRollout(ctx context.Context, in *struct{ Body wire.RolloutStart }) (*rolloutOut, error) {
	f, order, err := s.fleet(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if in.Body.DryRun {
		f.Tally = f.Counts()
		return &rolloutOut{Status: http.StatusOK, Body: *f}, nil
	}
	if err := s.Store.CreateRollout(ctx, f, order, actor(ctx)); err != nil {
		return nil, err
	}
	f.Tally = f.Counts()
	return &rolloutOut{Status: http.StatusCreated, Location: wire.Prefix + "/rollouts/" + f.ID, Body: *f}, nil
}

func brief(f rollout.Fleet) rollout.Fleet {
	f.Tally, f.Members, f.Pace.Booted, f.Pace.Taken = f.Counts(), []rollout.Member{}, nil, nil
	return f
}

func rolloutBody(f *rollout.Fleet, err error) (*body[rollout.Fleet], error) {
	if err != nil {
		return nil, err
	}
	f.Tally, f.Pace.Booted, f.Pace.Taken = f.Counts(), nil, nil
	return &body[rollout.Fleet]{*f}, nil
}

func (s *server) steersRollout(verb, did, summary string, change func(*rollout.Fleet, time.Time) error) {
	o := op("POST", "/rollouts/{rollout}/"+verb, verb+"-rollout", summary)
	o.Tags = []string{"rollouts"}
	route(s, o, func(ctx context.Context, in *RolloutIn) (*body[rollout.Fleet], error) {
		return rolloutBody(s.Store.SteerRollout(ctx, in.Rollout, actor(ctx), did, change))
	})
}

// fleet finds the machines of a rollout, and what is to be done on each. Those that cannot
// be deployed are in it as skipped, and say why.
func (s *server) fleet(ctx context.Context, in wire.RolloutStart) (*rollout.Fleet, deploy.Order, error) {
	if err := in.Check(in.Name); err != nil {
		return nil, deploy.Order{}, err
	}
	img, err := s.Store.Image(ctx, in.Image)
	if err != nil {
		return nil, deploy.Order{}, err
	}
	racks, machines, err := s.fleetMachines(ctx, in.Terms)
	if err != nil {
		return nil, deploy.Order{}, err
	}
	var order deploy.Order
	var members []rollout.Member
	for i := range machines {
		m := &machines[i]
		member := rollout.Member{Machine: m.ID, Name: m.Name, State: rollout.Waiting, Active: m.Phase == inventory.Active}
		if m.Slot != nil {
			member.Rack, member.Domain = m.Slot.Rack, firmware.Domain(racks[m.Slot.Rack], domainOf(in.Terms))
		}
		o, err := s.memberOrder(ctx, m, in)
		switch {
		case err == nil && order.Digest == "":
			order = *o
		case fault.Is(err, fault.Internal), fault.Is(err, fault.Unreachable), fault.Is(err, fault.Invalid) && len(machines) == 1:
			return nil, order, err
		case err != nil:
			member.State, member.Why = rollout.Skipped, err.Error()
		}
		members = append(members, member)
	}
	f, err := rollout.New(in.Name, in.Terms, members)
	if err != nil {
		return nil, order, err
	}
	f.Image, f.Digest, f.Bytes = img.Name, img.Digest, img.Bytes
	return f, order, nil
}

func domainOf(t rollout.Terms) string {
	if t.Domain == "" {
		return "rack"
	}
	return t.Domain
}

// memberOrder is what is done on one machine, or why it cannot be.
func (s *server) memberOrder(ctx context.Context, m *inventory.Machine, in wire.RolloutStart) (*deploy.Order, error) {
	if m.Phase == inventory.Active && !in.Active {
		return nil, fault.Conflictf("%s is active and runs %s", m.Name, m.Image).WithHint("say active, if its system is to be overwritten")
	}
	if err := inventory.Guard(m, actor(ctx), true, s.Now()); err != nil {
		return nil, err
	}
	a, err := s.deployOrder(ctx, m.ID, in.Deploy)
	if err != nil {
		return nil, err
	}
	if _, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: *m, Order: a.order}); err != nil {
		return nil, err
	}
	return &a.order, nil
}

// fleetMachines are the machines that meet every condition, by name, and the racks.
func (s *server) fleetMachines(ctx context.Context, t rollout.Terms) (map[string]*inventory.Rack, []inventory.Machine, error) {
	list, err := s.Store.Racks(ctx)
	if err != nil {
		return nil, nil, err
	}
	racks := map[string]*inventory.Rack{}
	for i := range list {
		racks[list[i].Name] = &list[i]
	}
	base := store.MachineFilter{Labels: t.Labels, Names: t.Machines, Limit: 1000, Brief: true}
	if t.AllReady {
		base.Phase = string(inventory.Ready)
	}
	filters := []store.MachineFilter{base}
	if len(t.Racks) > 0 {
		filters = nil
	}
	for _, rack := range slices.Compact(slices.Sorted(slices.Values(t.Racks))) {
		if racks[rack] == nil {
			return nil, nil, fault.Invalidf("there is no rack %q", rack).WithHint("name one of 'rackwright rack list'")
		}
		one := base
		one.Rack = rack
		filters = append(filters, one)
	}
	var out []inventory.Machine
	for _, f := range filters {
		if out, err = s.collect(ctx, f, out); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range t.Machines {
		if !slices.ContainsFunc(out, func(m inventory.Machine) bool { return m.Name == name }) {
			return nil, nil, fault.Invalidf("there is no machine %q, or it does not meet the other conditions", name).WithHint("'rackwright machine list' shows them")
		}
	}
	return racks, out, nil
}

// collect adds the machines of a filter, without those that are retired.
func (s *server) collect(ctx context.Context, f store.MachineFilter, out []inventory.Machine) ([]inventory.Machine, error) {
	for {
		page, next, err := s.Store.MachinePage(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(page, func(m inventory.Machine) bool { return m.Phase == inventory.Retired })...)
		if len(out) > maxFleet {
			return nil, fault.Invalidf("more than %d machines are meant", maxFleet).WithHint("begin several rollouts, of some racks each")
		}
		if next == "" {
			return out, nil
		}
		f.After = next
	}
}
