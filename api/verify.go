package api

import (
	"context"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/store"
)

type partsIn struct {
	Serial string `query:"serial" required:"true" minLength:"1" maxLength:"128" doc:"A NIC's is its MAC"`
	PageIn
}

type machinePartsIn struct {
	MachineIn
	PageIn
}

type waiverIn struct {
	MachineIn
	TryIn
	Rule string `query:"rule" required:"true" minLength:"1" maxLength:"64" doc:"Type of the condition"`
	On   string `query:"on" maxLength:"128" doc:"Its subject; absent: all"`
}

// verification registers what machines are compared with, and what was found.
func (s *server) verification() {
	tag := func(name string, o huma.Operation) huma.Operation { o.Tags = []string{name}; return o }
	route(s, tag("machines", op("GET", "/machines/{machine}/verification", "machine-verification", "What a machine is to be, what was observed, and the differences")), s.getVerification)
	route(s, tag("machines", op("GET", "/machines/{machine}/parts", "machine-parts", "A machine's components as they came and went, newest first")),
		func(ctx context.Context, in *machinePartsIn) (*body[wire.List[inventory.Part]], error) {
			return s.parts(ctx, in.PageIn, store.PartFilter{Machine: in.Machine})
		})
	route(s, tag("machines", op("GET", "/parts", "find-parts", "Through which machines a part went, newest first")),
		func(ctx context.Context, in *partsIn) (*body[wire.List[inventory.Part]], error) {
			return s.parts(ctx, in.PageIn, store.PartFilter{Serial: in.Serial})
		})
	route(s, tag("machines", op("POST", "/machines/{machine}/waivers", "waive-condition", "Let differences of a machine pass, by name and with a reason")),
		func(ctx context.Context, in *struct {
			MachineIn
			TryIn
			Body wire.Waive
		}) (*body[inventory.Machine], error) {
			return changed(ctx, s, in.Machine, &in.Body, in.DryRun, false, s.waive)
		})
	route(s, tag("machines", op("GET", "/machines/{machine}/waivers", "list-waivers", "What lets conditions of a machine pass: all, or of one condition; 404 while nothing lets that pass")), s.listWaivers)
	manyChanged(s, "waive", "Let differences of machines pass, by name and with a reason; of many machines, all or each", false, s.waive)
	route(s, tag("machines", op("DELETE", "/machines/{machine}/waivers", "unwaive-condition", "End a waiver that was given by hand")),
		func(ctx context.Context, in *waiverIn) (*body[inventory.Machine], error) {
			return changed(ctx, s, in.Machine, &wire.WaiverEnd{Rule: in.Rule, On: in.On}, in.DryRun, false, s.unwaive)
		})
	manyChanged(s, "unwaive", "End waivers that were given by hand; of many machines, all or each", false, s.unwaive)
	route(s, tag("racks", op("GET", "/racks/{rack}/cabling", "rack-cabling", "Mistakes in a rack's cables and the moves that mend them, in order")),
		func(ctx context.Context, in *struct {
			Rack string `path:"rack" minLength:"1" maxLength:"63" doc:"Name of the rack"`
		}) (*body[verify.Wiring], error) {
			inv, err := s.Store.RackInventory(ctx, in.Rack)
			if err != nil {
				return nil, err
			}
			mates, err := s.Store.SwitchMates(ctx, in.Rack, verify.MostMates)
			if err != nil {
				return nil, err
			}
			return &body[verify.Wiring]{verify.Rack(*inv, mates, s.Now())}, nil
		})
}

func (s *server) parts(ctx context.Context, in PageIn, f store.PartFilter) (*body[wire.List[inventory.Part]], error) {
	return keyset(ctx, in.BehindIn, in.Limit, byNumber("-seen", func(p *inventory.Part) int64 { return p.ID }), func(p store.Page) ([]inventory.Part, error) {
		f.Page = p
		return s.Store.Parts(ctx, f)
	})
}

type waiversIn struct {
	MachineIn
	Rule string `query:"rule" maxLength:"64" doc:"Only those of this type of condition"`
	On   string `query:"on" maxLength:"128" doc:"With rule: only those of this subject"`
	PageIn
}

func (s *server) listWaivers(ctx context.Context, in *waiversIn) (*body[wire.List[wire.GivenWaiver]], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	list := []wire.GivenWaiver{}
	for _, c := range m.Conditions {
		if !c.Waived.At.IsZero() && (in.Rule == "" || verify.Waives(inventory.Waiver{Rule: in.Rule, On: in.On}, c)) {
			list = append(list, wire.GivenWaiver{Rule: c.Type, On: c.Subject, Waived: c.Waived})
		}
	}
	if len(list) == 0 && in.Rule != "" {
		err = fault.NotFoundf("nothing lets %s of %s pass", strings.TrimSpace(in.Rule+" "+in.On), m.Name).WithHint("'rackwright machine verify %s' shows its differences", m.Name)
	}
	return pageOf(ctx, in.PageIn, []order[wire.GivenWaiver]{{"rule", func(v *wire.GivenWaiver) []string { return []string{v.Rule, v.On} }}}, list, err)
}

func (s *server) waive(ctx context.Context, machine string, w *wire.Waive) (*inventory.Machine, error) {
	return s.Store.Waive(ctx, machine, inventory.Waiver{Rule: w.Rule, On: w.On, Reason: w.Reason}, actor(ctx))
}

func (s *server) unwaive(ctx context.Context, machine string, w *wire.WaiverEnd) (*inventory.Machine, error) {
	return s.Store.Unwaive(ctx, machine, w.Rule, w.On, actor(ctx))
}

func machineBody(m *inventory.Machine, err error) (*body[inventory.Machine], error) {
	if err != nil {
		return nil, err
	}
	return &body[inventory.Machine]{*m}, nil
}

func (s *server) getVerification(ctx context.Context, in *MachineIn) (*body[wire.Verification], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	seen, err := s.Store.Observations(ctx, []string{m.ID})
	if err != nil {
		return nil, err
	}
	models, err := s.Store.Models(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.Verification{Machine: m.ID, Name: m.Name, Phase: m.Phase, NICs: m.NICs, PSUs: m.PSUs, Conditions: []inventory.Condition{}, Observed: seen[m.ID]}
	if at := slices.IndexFunc(models, func(k inventory.Model) bool { return k.Name == m.Model }); at >= 0 {
		out.Model = &models[at]
	}
	for _, c := range m.Conditions {
		if slices.Contains(verify.Types(), c.Type) {
			out.Conditions = append(out.Conditions, c)
		}
	}
	if out.Observed == nil {
		out.Observed = []inventory.Facts{}
	}
	if m.Phase == inventory.Discovered {
		_, out.Awaits = verify.Gate(m, out.Model, seen[m.ID], verify.Wiring{}, s.Now())
	}
	return &body[wire.Verification]{out}, nil
}
