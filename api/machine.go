package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// MachineIn names a machine. Exported because huma fills only exported embedded structs.
type MachineIn struct {
	Machine string `path:"machine" minLength:"1" maxLength:"128" doc:"Machine id or name"`
}

type machinesIn struct {
	Rack     string   `query:"rack" maxLength:"63" doc:"Only those of this rack"`
	Phases   []string `query:"phase,explode" maxItems:"8" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired" doc:"Only those in this phase; may be repeated, for any of them. Retired ones are listed only so"`
	MAC      string   `query:"mac" maxLength:"17" doc:"In any common notation"`
	Labels   []string `query:"label,explode" maxItems:"20" doc:"KEY or KEY=VALUE; several must all match"`
	Tag      string   `query:"tag" maxLength:"128" doc:"Only those with this tag"`
	Project  string   `query:"project" maxLength:"63" doc:"Only those of this project"`
	Model    string   `query:"model" maxLength:"128" doc:"Only those of this model"`
	Vendor   string   `query:"vendor" maxLength:"128" doc:"Only those of this vendor"`
	Image    string   `query:"image" maxLength:"128" doc:"Only those that this image was deployed on"`
	Serial   string   `query:"serial" maxLength:"128" doc:"The one with this serial number, in any case"`
	Asset    string   `query:"asset_tag" maxLength:"128" doc:"The one with this asset tag, in any case"`
	Troubled string   `query:"condition" maxLength:"128" doc:"Only those with a condition of this type, such as bmc-unusable, waived or not"`
	Held     bool     `query:"held" doc:"Only those that somebody holds"`
	Text     string   `query:"q" maxLength:"256" doc:"Words; each must be the beginning of a word about the machine: name, rack, serial, asset tag, model, label, address, MAC"`
	Facts    bool     `query:"facts" doc:"With the observed parts of each"`
	Limit    int      `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"At most so many; a page may have fewer although another follows"`
	BehindIn
}

type machineOut struct {
	ETag string `header:"ETag"`
	Body inventory.Machine
}

type timelineIn struct {
	MachineIn
	Limit int `query:"limit" default:"200" minimum:"1" maximum:"1000" doc:"At most so many"`
	BehindIn
}

func (s *server) machines() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"machines"}; return o }
	route(s, tag(op("GET", "/machines", "list-machines", "Machines by name, or sorted by rack and U, phase, created_at or updated_at")), s.listMachines)
	route(s, tag(op("GET", "/machines/{machine}", "get-machine", "One machine")), s.getMachine)
	route(s, tag(op("GET", "/machines/{machine}/timeline", "machine-timeline", "What happened to a machine: the newest events, then those before them; each page oldest first")), s.timeline)
	route(s, tag(op("GET", "/machines/{machine}/boots", "machine-boots", "The tries of a machine to boot, the newest first: how far each came and how long it took")), s.boots)
	route(s, tag(op("GET", "/machines/{machine}/why", "machine-why", "What a machine waits for or what stopped it")), s.why)
}

func (s *server) listMachines(ctx context.Context, in *machinesIn) (*body[wire.List[inventory.Machine]], error) {
	f := store.MachineFilter{Rack: in.Rack, Phases: in.Phases, Labels: in.Labels, Tag: in.Tag, Project: in.Project, Model: in.Model, Text: in.Text,
		Vendor: in.Vendor, Image: in.Image, Serial: in.Serial, AssetTag: in.Asset, Condition: in.Troubled, Held: in.Held,
		Limit: in.Limit, Brief: !in.Facts, Scope: scopeOf(ctx)}
	if in.MAC != "" {
		mac, err := inventory.ParseMAC(in.MAC)
		if err != nil {
			return nil, badQuery("mac", err.Error())
		}
		f.MAC = mac.String()
	}
	sort, err := in.sorted(ctx, "name", "rack", "phase", "created_at", "updated_at")
	if err != nil {
		return nil, err
	}
	after, err := in.after(ctx, 1)
	if err != nil {
		return nil, err
	}
	if f.Sort, f.Turned = strings.CutPrefix(sort, "-"); after != nil {
		f.After = after[0]
	}
	page, next, err := s.Store.MachinePage(ctx, f)
	if len(in.Phases) == 0 {
		page = slices.DeleteFunc(page, func(m inventory.Machine) bool { return m.Phase == inventory.Retired })
	}
	out, err := listOf(page, err)
	if err == nil && next != "" {
		out.Body.Next = tokenOf(ctx, next)
	}
	return out, err
}

func badBody(name, message string) error {
	return &fault.Error{Kind: fault.Invalid, Message: "the request is wrong: " + name + " " + message,
		Fields: []fault.Field{{Path: "body." + name, Message: message}}}
}

func badQuery(name, message string) error {
	return &fault.Error{Kind: fault.Invalid, Message: "the query is wrong: " + name + " " + message,
		Fields: []fault.Field{{Path: "query." + name, Message: message}}}
}

func (s *server) getMachine(ctx context.Context, in *MachineIn) (*machineOut, error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	return &machineOut{ETag: versionTag(m.Version), Body: *m}, nil
}

func (s *server) timeline(ctx context.Context, in *timelineIn) (*body[wire.List[journal.Event]], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	out, err := s.eventPage(ctx, PageIn{in.Limit, in.BehindIn}, "-id", store.EventFilter{Machine: m.ID})
	if err == nil { // by time, not by id: what the packet path saw is written down a moment later
		slices.SortStableFunc(out.Body.Items, func(a, b journal.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	}
	return out, err
}

// eventPage answers a part of the events of one thing; usual is its usual order.
func (s *server) eventPage(ctx context.Context, in PageIn, usual string, f store.EventFilter) (*body[wire.List[journal.Event]], error) {
	return keyset(ctx, in.BehindIn, in.Limit, byNumber(usual, func(e *journal.Event) int64 { return e.ID }), func(p store.Page) ([]journal.Event, error) {
		seen, err := number(ctx, p)
		if err != nil {
			return nil, err
		}
		f.Limit, f.Newest = p.Limit, strings.HasPrefix(p.Sort, "-")
		if f.Newest && seen > 0 {
			f.Until = seen - 1
		} else {
			f.After = seen
		}
		if f.Newest && seen == 1 {
			return nil, nil
		}
		return s.Store.Events(ctx, f)
	})
}

func (s *server) why(ctx context.Context, in *MachineIn) (*body[wire.Why], error) {
	m, err := s.Store.Machine(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	ops, err := s.Store.Operations(ctx, store.OperationFilter{Machine: m.ID, Limit: 10})
	if err != nil {
		return nil, err
	}
	events, err := s.Store.Events(ctx, store.EventFilter{Machine: m.ID, Newest: true, Limit: 50})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(events, func(a, b journal.Event) int { return cmp.Compare(b.ID, a.ID) }) // Why wants the newest first
	var newest *deploy.Operation
	if i := slices.IndexFunc(ops, func(o deploy.Operation) bool { return o.Kind != deploy.Locate }); i >= 0 {
		newest = &ops[i]
	}
	trouble, err := s.bootTrouble(ctx, m, newest)
	return &body[wire.Why]{wire.Why{Why: deploy.Why(*m, newest, events, s.Now()), Boot: trouble}}, err
}
