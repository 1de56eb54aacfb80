package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/deploy"
	"rackwright/fleet"
	"rackwright/store"
)

type fleetStore interface {
	// Fleets are newest first.
	Fleets(ctx context.Context, kind fleet.Kind, p store.Page) ([]fleet.Fleet, error)
	Fleet(ctx context.Context, kind fleet.Kind, idOrName string) (*fleet.Fleet, error)
	// CreateFleet is Conflict when there is one of that kind and name.
	CreateFleet(ctx context.Context, f *fleet.Fleet, order deploy.Order, actor string) error
	SteerFleet(ctx context.Context, kind fleet.Kind, idOrName, actor, what string, change func(*fleet.Fleet, time.Time) error) (*fleet.Fleet, error)
}

// FleetIn names a rollout or a campaign.
type FleetIn struct {
	Name string `path:"name" minLength:"1" maxLength:"63" doc:"Its id or name"`
}

type fleetOut struct {
	Status   int
	Location string `header:"Location"`
	Body     fleet.Fleet
}

// rollouts registers rollouts of images.
func (s *server) rollouts() {
	s.fleets(fleet.Rollout, "rollouts", "Rollouts, newest first, at most 100 on a page; their machines only where one is asked for", "One rollout and how its machines stand")
	start := fleetOp("POST", "", "start", "Deploy one image to many machines, as many at once as the network and the power carry", fleet.Rollout, "rollouts")
	start.DefaultStatus = http.StatusCreated
	route(s, start, func(ctx context.Context, in *struct{ Body wire.RolloutStart }) (*fleetOut, error) {
		f, order, err := s.rollout(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return s.beginFleet(ctx, f, order, in.Body.DryRun)
	})
}

// campaigns registers firmware campaigns.
func (s *server) campaigns() {
	s.fleets(fleet.Campaign, "firmware", "Firmware campaigns, newest first, at most 100 on a page; their machines only where one is asked for", "One firmware campaign and how its machines stand")
	start := fleetOp("POST", "", "start", "Update many machines: canaries first, then wave after wave", fleet.Campaign, "firmware")
	start.DefaultStatus = http.StatusCreated
	route(s, start, func(ctx context.Context, in *struct{ Body wire.CampaignStart }) (*fleetOut, error) {
		f, err := s.campaign(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return s.beginFleet(ctx, f, deploy.Order{}, in.Body.DryRun)
	})
}

// fleetOp describes a route of a kind of fleet.
func fleetOp(method, path, verb, summary string, kind fleet.Kind, tag string) huma.Operation {
	o := op(method, "/"+string(kind)+"s"+path, verb+"-"+string(kind), summary)
	o.Tags = []string{tag}
	return o
}

// mostFleets bounds a page of fleets: each is read with its machines.
const mostFleets = 100

// fleets registers what both kinds can.
func (s *server) fleets(kind fleet.Kind, tag, all, one string) {
	list := fleetOp("GET", "", "list", all, kind, tag)
	list.OperationID += "s"
	route(s, list, func(ctx context.Context, in *PageIn) (*body[wire.List[fleet.Fleet]], error) {
		begun := byTime("-created", func(f *fleet.Fleet) (time.Time, string) { return f.Created, f.ID })
		return keyset(ctx, in.BehindIn, min(in.Limit, mostFleets), begun, func(p store.Page) ([]fleet.Fleet, error) {
			list, err := s.Store.Fleets(ctx, kind, p)
			for i := range list {
				list[i] = fleetTold(list[i])
				list[i].Members = []fleet.Member{}
			}
			return list, err
		})
	})
	route(s, fleetOp("GET", "/{name}", "get", one, kind, tag), func(ctx context.Context, in *FleetIn) (*body[fleet.Fleet], error) {
		return fleetBody(s.Store.Fleet(ctx, kind, in.Name))
	})
	noun := string(kind)
	for _, v := range []struct {
		verb, did, summary string
		change             func(*fleet.Fleet, time.Time) error
	}{
		{"pause", "paused", "Begin nothing more of a " + noun + " for now", func(f *fleet.Fleet, _ time.Time) error { return f.Pause() }},
		{"resume", "resumed", "Let a " + noun + " go on; what failed until now counts no more", func(f *fleet.Fleet, _ time.Time) error { return f.Resume() }},
		{"cancel", "cancelled", "End a " + noun + "; what is being done on machines ends by itself", (*fleet.Fleet).Cancel},
	} {
		route(s, fleetOp("POST", "/{name}/"+v.verb, v.verb, v.summary, kind, tag), func(ctx context.Context, in *FleetIn) (*body[fleet.Fleet], error) {
			return fleetBody(s.Store.SteerFleet(ctx, kind, in.Name, actor(ctx), v.did, v.change))
		})
	}
}

// beginFleet begins a fleet, unless its waves are only to be seen.
func (s *server) beginFleet(ctx context.Context, f *fleet.Fleet, order deploy.Order, dry bool) (*fleetOut, error) {
	if dry {
		return &fleetOut{Status: http.StatusOK, Body: fleetTold(*f)}, nil
	}
	if err := s.second(ctx, givenUp(f, order)...); err != nil {
		return nil, err
	}
	if err := s.Store.CreateFleet(ctx, f, order, actor(ctx)); err != nil {
		return nil, err
	}
	s.concerns(ctx, string(f.Kind), f.Name, f.ID)
	return &fleetOut{Status: http.StatusCreated, Location: wire.Prefix + "/" + string(f.Kind) + "s/" + f.ID, Body: fleetTold(*f)}, nil
}

// givenUp are the machines of a fleet that lose what is on their disks by an order; see
// destroyed.
func givenUp(f *fleet.Fleet, order deploy.Order) (out []audit.Touched) {
	for _, m := range f.Members {
		if f.Kind == fleet.Rollout && (len(order.Overwrite) > 0 || m.Active) && m.State != fleet.Skipped {
			out = append(out, audit.Touched{ID: m.Machine, Name: m.Name, Image: order.Image, Digest: order.Digest})
		}
	}
	return out
}

// fleetTold is a fleet as it goes out.
func fleetTold(f fleet.Fleet) fleet.Fleet {
	f.Tally, f.Pace.Booted, f.Pace.Taken = f.Counts(), nil, nil
	return f
}

func fleetBody(f *fleet.Fleet, err error) (*body[fleet.Fleet], error) {
	if err != nil {
		return nil, err
	}
	return &body[fleet.Fleet]{fleetTold(*f)}, nil
}
