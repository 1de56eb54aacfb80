package api

import (
	"context"
	"net/http"
	"strings"

	agentwire "rackwright/agent/wire"
	"rackwright/api/wire"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/deploy/answer"
	"rackwright/deploy/network"
	"rackwright/inventory"
)

// previews registers what a machine would get, and the built-in templates it is made with.
func (s *server) previews() {
	o := op("POST", "/machines/{machine}/preview", "preview-machine", "What a deployment would give to a machine; nothing is changed")
	o.Tags, o.DefaultStatus = []string{"machines"}, http.StatusOK
	route(s, o, func(ctx context.Context, in *struct {
		MachineIn
		Body wire.Deploy
	}) (*body[wire.Preview], error) {
		return s.preview(ctx, in.Machine, in.Body)
	})
	list := op("GET", "/templates", "list-templates", "The built-in templates of answers and kernel arguments")
	list.Tags = []string{"images"}
	route(s, list, func(context.Context, *struct{}) (*body[wire.List[wire.Template]], error) {
		out := &body[wire.List[wire.Template]]{}
		for _, b := range answer.Builtins() {
			text, _ := answer.Builtin(b.Name)
			out.Body.Items = append(out.Body.Items, wire.Template{Name: b.Name, Form: string(b.Form), For: b.For, Text: text})
		}
		return out, nil
	})
}

func (s *server) preview(ctx context.Context, machine string, in wire.Deploy) (*body[wire.Preview], error) {
	a, err := s.deployOrder(ctx, machine, in)
	if err != nil {
		return nil, err
	}
	if err := deploy.Unseen(in.Overwrite, a.machine); err != nil { // of a rollout, the list is for many machines
		return nil, err
	}
	steps, err := deploy.Plan(deploy.Deploy, deploy.Subject{Machine: *a.machine, Order: a.order})
	if err != nil {
		return nil, err
	}
	base := s.BootURL
	if base == "" {
		base = "http://SERVER"
	}
	c, err := a.content(placeholders(base))
	if err != nil {
		return nil, err
	}
	p := wire.Preview{Machine: a.machine.Name, Image: a.order.Image, Method: a.order.Method, Overwrites: deploy.Overwrites(a.order.Method, a.machine),
		Untold: network.Untold(a.machine), KernelArgs: c.args, Files: c.files, Steps: steps, Script: a.script(base, c.args)}
	if deploy.Destructive(deploy.Deploy, a.order) && a.order.Method != deploy.ByMedia {
		p.Disk, p.DiskProblem = chosen(a.machine)
	}
	return &body[wire.Preview]{p}, nil
}

// chosen is the disk that would be overwritten, of those last seen.
func chosen(m *inventory.Machine) (*inventory.Disk, string) {
	if m.Facts == nil || len(m.Facts.Disks) == 0 {
		return nil, "no inspection has seen the disks of " + m.Name
	}
	d, err := m.RootDisk.Choose(m.Facts.Disks)
	if err != nil {
		return nil, err.Error()
	}
	return &d, ""
}

// script is what the machine's loader would be told.
func (a *asked) script(base, args string) string {
	n := a.machine.BootNIC()
	if n == nil || !a.order.Method.Netboots() {
		return ""
	}
	h := &boot.Host{Name: a.machine.Name, MAC: n.MAC, Firmware: a.machine.Firmware}
	files := base + "/boot/k/" + secretWord
	if a.order.Method.Loads() {
		s := boot.SystemOf(a.image)
		s.Args = args
		return boot.SystemScript(h, s, files+"/part")
	}
	return boot.AgentScript(h, boot.Agent{Files: files, Arch: a.machine.Arch, Args: []string{
		agentwire.KeyBootIf + "=01-" + strings.ReplaceAll(n.MAC.String(), ":", "-"), agentwire.KeyServer + "=" + strings.Replace(base, "http:", "https:", 1),
		agentwire.KeyPin + "=PIN", agentwire.KeyNonce + "=" + secretWord}})
}
