package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/crypto/ssh"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// begun answers an action: 202 with the operation, or 200 with the steps of a dry run.
type begun struct {
	Status   int
	Location string `header:"Location"`
	Body     any
}

func (s *server) actions() {
	verb(s, "deploy", "Bring a system to the machine, by the way of its image's kind", s.toDeploy, func(in *wire.Deploy) bool { return in.DryRun })
	verb(s, "power", "Change the machine's power state", s.toPower, func(in *wire.Power) bool { return in.DryRun })
	inspect := s.action("inspect", "Netboot the machine and read its parts")
	route(s, inspect, func(ctx context.Context, in *struct {
		MachineIn
		Body *wire.Inspect
	}) (*begun, error) {
		t, err := s.toInspect(ctx, in.Machine, in.Body, false)
		if err != nil {
			return nil, err
		}
		return s.start(ctx, t, in.Body != nil && in.Body.DryRun)
	})
	many(s, "inspect", "Netboot machines and read their parts", s.toInspect)
}

// verb registers an action on one machine and on many.
func verb[T any](s *server, name, summary string, of prepare[T], dry func(*T) bool) {
	route(s, s.action(name, summary), func(ctx context.Context, in *struct {
		MachineIn
		Body T
	}) (*begun, error) {
		t, err := of(ctx, in.Machine, &in.Body, false)
		if err != nil {
			return nil, err
		}
		return s.start(ctx, t, dry(&in.Body))
	})
	many(s, name, summary+"; of many machines, all or each", of)
}

func (s *server) toDeploy(ctx context.Context, machine string, in *wire.Deploy, many bool) (task, error) {
	a, err := s.deployOrder(ctx, machine, *in)
	if err != nil {
		return task{}, err
	}
	if !many { // else the list is for all of them
		err = deploy.Unseen(in.Overwrite, a.machine)
	}
	return task{kind: deploy.Deploy, machine: a.machine, order: a.order}, err
}

func (s *server) toInspect(ctx context.Context, machine string, _ *wire.Inspect, _ bool) (task, error) {
	m, err := s.Store.Machine(ctx, machine)
	return task{kind: deploy.Inspect, machine: m, order: deploy.Order{}}, err
}

func (s *server) toPower(ctx context.Context, machine string, in *wire.Power, _ bool) (task, error) {
	m, err := s.Store.Machine(ctx, machine)
	return task{kind: deploy.Power, machine: m, order: deploy.Order{Power: in.Action}}, err
}

// action describes the route of a verb.
func (s *server) action(verb, summary string) huma.Operation {
	o := op("POST", "/machines/{machine}/actions/"+verb, verb+"-machine", summary)
	o.Tags, o.DefaultStatus = []string{"machines"}, http.StatusAccepted
	o.Responses = map[string]*huma.Response{
		"202": jsonResponse[deploy.Operation](s, "The operation that was begun; Location is where to follow it"),
		"200": jsonResponse[wire.Steps](s, "Dry run: the steps it would take"),
	}
	return o
}

// start begins an operation, or plans it.
func (s *server) start(ctx context.Context, t task, dry bool) (*begun, error) {
	if dry {
		steps, err := deploy.Plan(t.kind, deploy.Subject{Machine: *t.machine, Order: t.order})
		if err != nil {
			return nil, err
		}
		return &begun{Status: http.StatusOK, Body: wire.Steps{DryRun: true, Order: told(t.order), Steps: steps}}, nil
	}
	if err := s.second(ctx, destroyed(t)...); err != nil {
		return nil, err
	}
	o, err := s.do(ctx, t)
	if err != nil {
		return nil, err
	}
	return &begun{Status: http.StatusAccepted, Location: wire.Prefix + "/operations/" + o.ID, Body: shown(*o)}, nil
}

// do begins a task's operation, or ends the one that is to be ended.
func (s *server) do(ctx context.Context, t task) (*deploy.Operation, error) {
	if t.ends != "" {
		return s.Store.CancelOperation(ctx, t.ends, actor(ctx))
	}
	return s.Store.CreateOperation(ctx, t.kind, t.machine.ID, t.order, actor(ctx))
}

// fits returns Conflict when the image cannot boot on the machine. What the machine's
// plan does not say is not held against it.
func fits(m *inventory.Machine, img *images.Image) error {
	if m.Arch != "" && img.Arch != "" && m.Arch != img.Arch {
		return fault.Conflictf("image %s is for %s, and %s is %s", img.Name, img.Arch, m.Name, m.Arch).
			WithHint("choose an image for %s", m.Arch)
	}
	if m.Firmware != "" && len(img.Firmware) > 0 && !slices.Contains(img.Firmware, m.Firmware) {
		modes := make([]string, len(img.Firmware))
		for i, f := range img.Firmware {
			modes[i] = string(f)
		}
		return fault.Conflictf("image %s boots by %s, and %s boots by %s", img.Name, strings.Join(modes, " and "), m.Name, m.Firmware).
			WithHint("choose an image that boots by %s, or change the machine's firmware mode and its plan", m.Firmware)
	}
	return nil
}

// sshKeys refuses a line that sshd would ignore: it would lock its owner out.
func sshKeys(lines []string) ([]string, error) {
	var keys []string
	bad := &fault.Error{Kind: fault.Invalid, Message: "an SSH key cannot be read", Hint: "give the content of a .pub file, one key a line"}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		_, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil || len(rest) > 0 || strings.ContainsAny(line, "\r\n") {
			bad.Fields = append(bad.Fields, fault.Field{Path: fmt.Sprintf("body.ssh_keys[%d]", i), Message: "is not one line of an authorized_keys file"})
			continue
		}
		keys = append(keys, line)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	return keys, nil
}

// told leaves out of an order what is only written: user-data, templates and their values
// often hold passwords. Which values were given stays.
func told(o deploy.Order) deploy.Order {
	o.UserData, o.Answers = "", ""
	if len(o.Vars) > 0 {
		given := o.Vars
		o.Vars = make(map[string]string, len(given))
		for name := range given {
			o.Vars[name] = "(hidden)"
		}
	}
	return o
}

// shown is an operation as it goes out.
func shown(o deploy.Operation) deploy.Operation {
	o.Order = told(o.Order)
	return o
}
