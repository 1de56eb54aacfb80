package api

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fleet"
	"rackwright/inventory"
)

// targetOf names what a path is about: its machine, else the first that it names, else the
// path itself.
func targetOf(pattern string, params chi.RouteParams) (kind, target string) {
	best := -1
	for i, key := range params.Keys {
		if key == "machine" || best < 0 && key != "*" {
			best = i
		}
	}
	if best < 0 {
		return "", strings.Trim(strings.TrimPrefix(pattern, wire.Prefix), "/")
	}
	if kind = params.Keys[best]; kind == "id" || kind == "name" { // /operations/{id}: an operation
		before, _, _ := strings.Cut(pattern, "/{"+kind+"}")
		kind = strings.TrimSuffix(before[strings.LastIndexByte(before, '/')+1:], "s")
	}
	name, err := url.PathUnescape(params.Values[best])
	if err != nil {
		name = params.Values[best]
	}
	return kind, kind + "/" + name
}

// lookAt takes down the short state of a target. What cannot be seen is left out: the audit
// says then only what was asked.
func (s *server) lookAt(ctx context.Context, n *note, state *map[string]any) {
	name := n.targetID
	if name == "" {
		name = strings.TrimPrefix(n.target, n.kind+"/")
	}
	switch n.kind {
	case "machine":
		if m, err := s.Store.Machine(ctx, name); err == nil {
			n.target, n.targetID = "machine/"+m.Name, m.ID
			*state = audit.State(briefly(m))
		}
	case "image":
		if img, err := s.Store.Image(ctx, name); err == nil {
			n.targetID = img.ID
			*state = map[string]any{"name": img.Name, "digest": img.Digest}
		}
	case "operation":
		if o, err := s.Store.Operation(ctx, name); err == nil {
			n.targetID = o.ID
			*state = map[string]any{"kind": o.Kind, "machine": o.Name, "state": o.State, "step": o.Current, "cancel": o.Cancel}
		}
	case "token":
		if t, err := s.Store.Token(ctx, name); err == nil {
			n.target, n.targetID = "token/"+t.Name, t.ID
			*state = audit.State(tokenState{t.Name, t.Role, t.Scope, t.Expires, t.Revoked})
		}
	case "webhook":
		if w, err := s.Store.Webhook(ctx, name); err == nil {
			n.target, n.targetID = "webhook/"+w.Name, w.ID
			*state = audit.State(map[string]any{"name": w.Name, "to": w.Host(), "filter": w.Filter, "state": w.State})
		}
	case string(fleet.Rollout), string(fleet.Campaign):
		if f, err := s.Store.Fleet(ctx, fleet.Kind(n.kind), name); err == nil {
			n.target, n.targetID = n.kind+"/"+f.Name, f.ID
			*state = audit.State(map[string]any{"name": f.Name, "state": f.State, "image": f.Image, "file": f.File, "machines": len(f.Members)})
		}
	}
}

// tokenState is what the audit keeps of a token.
type tokenState struct {
	Name    string       `json:"name"`
	Role    access.Role  `json:"role"`
	Scope   access.Scope `json:"scope"`
	Expires time.Time    `json:"expires_at,omitzero"`
	Revoked time.Time    `json:"revoked_at,omitzero"`
}

// machineState is what the audit keeps of a machine.
type machineState struct {
	Name    string          `json:"name"`
	Phase   inventory.Phase `json:"phase"`
	Rack    string          `json:"rack,omitempty"`
	U       int             `json:"u,omitempty"`
	Project string          `json:"project,omitempty"`
	Power   inventory.Power `json:"power"`
	Image   string          `json:"image,omitempty"`
	HeldBy  string          `json:"held_by,omitempty"`
	Waived  int             `json:"waivers,omitempty"`
	Version int64           `json:"version"`
}

func briefly(m *inventory.Machine) machineState {
	b := machineState{Name: m.Name, Phase: m.Phase, Project: m.Project, Power: m.Power, Image: m.Image, Waived: len(m.Waivers), Version: m.Version}
	if m.Slot != nil {
		b.Rack, b.U = m.Slot.Rack, m.Slot.U
	}
	if m.Hold != nil {
		b.HeldBy = m.Hold.By
	}
	return b
}
