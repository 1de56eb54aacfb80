package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/store"
)

type campaignStore interface {
	// Campaigns are newest first.
	Campaigns(ctx context.Context) ([]firmware.Campaign, error)
	Campaign(ctx context.Context, idOrName string) (*firmware.Campaign, error)
	// CreateCampaign is Conflict when there is one of that name.
	CreateCampaign(ctx context.Context, c *firmware.Campaign, actor string) error
	SteerCampaign(ctx context.Context, idOrName, actor, what string, change func(*firmware.Campaign, time.Time) error) (*firmware.Campaign, error)
}

type campaignIn struct {
	Campaign string `path:"campaign" minLength:"1" maxLength:"63" doc:"Campaign id or name"`
}

type campaignOut struct {
	Status   int
	Location string `header:"Location"`
	Body     firmware.Campaign
}

// campaigns registers firmware campaigns.
func (s *server) campaigns() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"firmware"}; return o }
	route(s, tag(op("GET", "/campaigns", "list-campaigns", "Firmware campaigns, newest first; their machines only where one is asked for")),
		func(ctx context.Context, _ *struct{}) (*body[wire.List[firmware.Campaign]], error) {
			list, err := s.Store.Campaigns(ctx)
			for i := range list {
				list[i].Tally, list[i].Targets = list[i].Counts(), []firmware.Target{}
			}
			return listOf(list, err)
		})
	route(s, tag(op("GET", "/campaigns/{campaign}", "get-campaign", "One firmware campaign and how its machines stand")), func(ctx context.Context, in *campaignIn) (*body[firmware.Campaign], error) {
		return campaignBody(s.Store.Campaign(ctx, in.Campaign))
	})
	start := tag(op("POST", "/campaigns", "start-campaign", "Update many machines: canaries first, then wave after wave"))
	start.DefaultStatus = http.StatusCreated
	route(s, start, func(ctx context.Context, in *struct{ Body wire.CampaignStart }) (*campaignOut, error) {
		c, err := s.enlist(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		c.Tally = c.Counts()
		if in.Body.DryRun {
			return &campaignOut{Status: http.StatusOK, Body: *c}, nil
		}
		if err := s.Store.CreateCampaign(ctx, c, actor(ctx)); err != nil {
			return nil, err
		}
		return &campaignOut{Status: http.StatusCreated, Location: wire.Prefix + "/campaigns/" + c.ID, Body: *c}, nil
	})
	s.steersCampaign("pause", "paused", "Begin nothing more of a campaign for now", func(c *firmware.Campaign, _ time.Time) error { return c.Pause() })
	s.steersCampaign("resume", "resumed", "Let a campaign go on; what failed until now counts no more", func(c *firmware.Campaign, _ time.Time) error { return c.Resume() })
	s.steersCampaign("cancel", "cancelled", "End a campaign; machines that are being updated end that", (*firmware.Campaign).Cancel)
}

func campaignBody(c *firmware.Campaign, err error) (*body[firmware.Campaign], error) {
	if err != nil {
		return nil, err
	}
	c.Tally = c.Counts()
	return &body[firmware.Campaign]{*c}, nil
}

func (s *server) steersCampaign(verb, did, summary string, change func(*firmware.Campaign, time.Time) error) {
	o := op("POST", "/campaigns/{campaign}/"+verb, verb+"-campaign", summary)
	o.Tags = []string{"firmware"}
	route(s, o, func(ctx context.Context, in *campaignIn) (*body[firmware.Campaign], error) {
		return campaignBody(s.Store.SteerCampaign(ctx, in.Campaign, actor(ctx), did, change))
	})
}

// enlist finds the machines that a campaign is for.
func (s *server) enlist(ctx context.Context, in wire.CampaignStart) (*firmware.Campaign, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	racks, err := s.Store.Racks(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]*inventory.Rack{}
	for i := range racks {
		byName[racks[i].Name] = &racks[i]
	}
	machines, err := s.campaigners(ctx, in.Rollout, byName)
	if err != nil {
		return nil, err
	}
	files, err := s.Store.FirmwareFiles(ctx)
	if err != nil {
		return nil, err
	}
	if in.File != "" && !slices.ContainsFunc(files, func(f firmware.File) bool { return f.Name == in.File }) {
		return nil, fault.Invalidf("there is no firmware file %q", in.File).WithHint("name one of 'rackwright firmware list'")
	}
	return firmware.Enlist(in.Name, in.Rollout, machines, files, func(rack string) string { return firmware.Domain(byName[rack], in.Domain) })
}

// campaigners are the machines that meet every condition of a rollout, by name.
func (s *server) campaigners(ctx context.Context, r firmware.Rollout, racks map[string]*inventory.Rack) ([]firmware.Machine, error) {
	filters := []store.MachineFilter{{Labels: r.Labels, Names: r.Machines}}
	if len(r.Racks) > 0 {
		filters = nil
	}
	for _, rack := range slices.Compact(slices.Sorted(slices.Values(r.Racks))) {
		if racks[rack] == nil {
			return nil, fault.Invalidf("there is no rack %q", rack).WithHint("name one of 'rackwright rack list'")
		}
		filters = append(filters, store.MachineFilter{Rack: rack, Labels: r.Labels, Names: r.Machines})
	}
	var out []firmware.Machine
	for _, f := range filters {
		part, err := s.Store.FirmwareMachines(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	out = slices.DeleteFunc(out, func(m firmware.Machine) bool { return len(r.Models) > 0 && !slices.Contains(r.Models, m.Model) })
	for _, name := range r.Machines {
		if !slices.ContainsFunc(out, func(m firmware.Machine) bool { return m.Name == name }) {
			return nil, fault.Invalidf("there is no machine %q, or it does not meet the other conditions", name).WithHint("'rackwright machine list' shows them")
		}
	}
	return out, nil
}
