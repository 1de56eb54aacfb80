package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory/racking"
	"rackwright/store"
)

// RackIn names a rack. Exported because huma fills only exported embedded structs.
type RackIn struct {
	Rack string `path:"rack" minLength:"1" maxLength:"63" doc:"Rack name"`
}

type rackStepIn struct {
	RackIn
	Machine string           `path:"machine" minLength:"1" maxLength:"63" doc:"Name of a machine or device of the rack"`
	Step    racking.StepName `path:"step" enum:"receive,mount,cable,power,seen,verified" doc:"Which step"`
	Body    wire.RackStep
}

type signOffIn struct {
	RackIn
	Body *wire.SignOffNote
}

// racking registers the technician's list and its record.
func (s *server) racking() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"racking"}; return o }
	route(s, tag(op("GET", "/racks/{rack}/racking", "rack-tasks", "What is to be done in a rack, with the evidence for what is done")), s.rackTasks)
	route(s, tag(op("POST", "/racks/{rack}/racking/{machine}/{step}", "mark-rack-step", "Say how a step of racking stands")), s.markStep)
	sign := tag(op("POST", "/racks/{rack}/signoff", "sign-off-rack", "Record that a rack is done; a conflict names what is open"))
	sign.DefaultStatus = http.StatusCreated
	route(s, sign, s.signOff)
	route(s, tag(op("GET", "/racks/{rack}/signoffs", "list-signoffs", "Sign-off records of a rack, newest first")),
		func(ctx context.Context, in *struct {
			RackIn
			PageIn
		}) (*body[wire.List[racking.SignOff]], error) {
			signed := byTime("-at", func(r *racking.SignOff) (time.Time, string) { return r.At, r.ID })
			return keyset(ctx, in.BehindIn, min(in.Limit, mostSignOffs), signed, func(p store.Page) ([]racking.SignOff, error) { return s.Store.SignOffs(ctx, in.Rack, p) })
		})
	route(s, tag(op("GET", "/racks/{rack}/signoffs/{id}", "get-signoff", "One sign-off record")), func(ctx context.Context, in *struct {
		RackIn
		ID string `path:"id" minLength:"1" maxLength:"64" doc:"Record id"`
	}) (*body[*racking.SignOff], error) {
		return bodyOf(s.Store.SignOff(ctx, in.Rack, in.ID))
	})
	verb(s, "locate", "Blink the machine's locator LED, or put it out", s.toLocate, func(in *wire.Locate) bool { return in.DryRun })
}

// mostSignOffs bounds a page of records: each tells of every machine of its rack.
const mostSignOffs = 100

// bodyOf answers one thing.
func bodyOf[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

func (s *server) rackTasks(ctx context.Context, in *RackIn) (*body[racking.Sheet], error) {
	v, err := s.Store.RackView(ctx, in.Rack)
	if err != nil {
		return nil, err
	}
	return &body[racking.Sheet]{v.Sheet(s.Now().UTC())}, nil
}

func (s *server) markStep(ctx context.Context, in *rackStepIn) (*body[racking.Item], error) {
	if err := s.Store.MarkStep(ctx, in.Rack, in.Machine, in.Step, racking.Action(in.Body.Action), in.Body.Reason, actor(ctx)); err != nil {
		return nil, err
	}
	v, err := s.Store.RackView(ctx, in.Rack)
	if err != nil {
		return nil, err
	}
	for _, it := range v.Sheet(s.Now().UTC()).Items {
		if it.Owner == in.Machine {
			return &body[racking.Item]{it}, nil
		}
	}
	return nil, fault.NotFoundf("%s left rack %s meanwhile", in.Machine, in.Rack)
}

func (s *server) signOff(ctx context.Context, in *signOffIn) (*body[*racking.SignOff], error) {
	note := ""
	if in.Body != nil {
		note = in.Body.Note
	}
	return bodyOf(s.Store.SignOffRack(ctx, in.Rack, note, actor(ctx)))
}

// toLocate begins to blink. To put the LED out ends the blinking that is under way.
func (s *server) toLocate(ctx context.Context, machine string, in *wire.Locate, _ bool) (task, error) {
	m, err := s.Store.Machine(ctx, machine)
	if err != nil {
		return task{}, err
	}
	if in.On {
		return task{kind: deploy.Locate, machine: m, order: deploy.Order{Locate: "on", Seconds: in.Seconds}}, nil
	}
	out := task{kind: deploy.Locate, machine: m, order: deploy.Order{Locate: "off"}}
	open, err := s.Store.Operations(ctx, store.OperationFilter{Machine: m.ID, Kinds: []string{string(deploy.Locate)}, Open: true, Limit: 1})
	if len(open) > 0 {
		out.ends = open[0].ID
	}
	return out, err
}
