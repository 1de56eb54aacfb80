package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

// keptRequest is a request as it is sealed.
type keptRequest struct {
	Query   string        `json:"query"`
	IfMatch string        `json:"if_match"`
	Reason  string        `json:"reason"`
	Body    string        `json:"body"`
	Caller  access.Caller `json:"caller"`
}

// approved is a request that a second person approved.
type approved struct {
	audit.Approval
	caller access.Caller
}

type approvedKey struct{}

// approvedOf is the approval that a request is done by; nil for one that came in by a
// socket.
func approvedOf(ctx context.Context) *approved {
	a, _ := ctx.Value(approvedKey{}).(*approved)
	return a
}

// second is nil when the caller may destroy so many machines alone. Else the request is
// kept until a second person approves it, and the returned error is the answer. Handlers
// of what destroys ask it when nothing else speaks against the request.
func (s *server) second(ctx context.Context, touched ...audit.Touched) error {
	c, machines := callOf(ctx), len(touched)
	if a := c.note.approval; a != nil {
		if beyond := a.Beyond(touched); len(beyond) > 0 {
			return fault.Conflictf("the request touches %s now, and did not when it was asked", firstOf(beyond)).WithHint("it is to be asked again")
		}
		return s.sameImages(ctx, &a.Approval, touched)
	}
	if s.TwoPersonsOver <= 0 || machines <= 0 {
		return nil
	}
	if c.note.body.over {
		return fault.Invalidf("the request is too long to be kept for a second person").WithHint("ask for fewer machines at once")
	}
	request, err := json.Marshal(keptRequest{Query: c.note.query, IfMatch: c.note.ifMatch, Reason: c.note.reason, Body: c.note.body.text.String(), Caller: c.caller})
	if err != nil {
		return fault.Internalf("keep request: %w", err)
	}
	who := personOf(c.caller)
	kept, err := s.Store.Weigh(ctx, audit.Approval{Actor: who.Name, CallerID: who.CallerID, Owner: who.Owner, Subject: who.Subject, Role: string(c.caller.Role), Route: c.note.route,
		Method: c.note.method, Path: c.note.path, Machines: machines, Touched: touched, Asks: s.asks(&c.note.body), Reason: c.note.why()}, s.TwoPersonsOver, request)
	if err != nil || kept == nil {
		return err
	}
	s.remark(ctx, nil, map[string]any{"waits_for_a_second_person": kept.ID, "machines": machines})
	return &keptAnswer{*kept}
}

// sameImages is Conflict when the name of an image means another now than when a request was
// asked: in what the request would give, or by itself where nothing is destroyed any more.
func (s *server) sameImages(ctx context.Context, a *audit.Approval, now []audit.Touched) error {
	meant := a.Images()
	for _, t := range now {
		if was := meant[t.Image]; was != "" && was != t.Digest {
			return otherImage(t.Image, was, t.Digest)
		}
	}
	for name, was := range meant {
		img, err := s.Store.Image(ctx, name)
		if err != nil {
			return err
		}
		if img.Digest != was {
			return otherImage(name, was, img.Digest)
		}
	}
	return nil
}

func otherImage(name, was, is string) error {
	return fault.Conflictf("image %s is %s now, and was %s when the request was asked", name, is, was).
		WithHint("ask again if the new one is meant; for the old one add it again under a name of its own")
}

// personOf is who stands behind a caller.
func personOf(c access.Caller) audit.Person {
	return audit.Person{Name: c.Name, CallerID: c.ID, Owner: c.Owner, Subject: c.Subject}
}

// firstOf names a few of many.
func firstOf(names []string) string {
	const few = 5
	if more := len(names) - few; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), more)
	}
	return strings.Join(names, ", ")
}

// asks is what a body asked, for the eyes of a second person. What the interface's
// description says is only written is hidden, wherever it stands.
func (s *server) asks(c *capture) map[string]any {
	var m map[string]any
	if json.Unmarshal(c.text.Bytes(), &m) != nil {
		return nil
	}
	written := map[string]bool{}
	for _, schema := range s.huma.OpenAPI().Components.Schemas.Map() {
		for name, p := range schema.Properties {
			if p.WriteOnly {
				written[name] = true
			}
		}
	}
	hideMembers(m, written)
	return audit.State(m)
}

func hideMembers(v any, names map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if names[name] {
				v[name] = "(hidden)"
				continue
			}
			hideMembers(member, names)
		}
	case []any:
		for _, one := range v {
			hideMembers(one, names)
		}
	}
}

func touchedOf(m *inventory.Machine) audit.Touched { return audit.Touched{ID: m.ID, Name: m.Name} }

// destroyed are the machines that lose what is on their disks by some tasks: by erasing, by
// leave to overwrite, or because another system takes the place of one that is in use.
func destroyed(tasks ...task) (out []audit.Touched) {
	for _, t := range tasks {
		inUse := t.kind == deploy.Deploy && t.machine != nil && t.machine.Phase == inventory.Active && t.order.Image != ""
		if t.kind == deploy.Erase || len(t.order.Overwrite) > 0 || inUse {
			lost := touchedOf(t.machine)
			lost.Image, lost.Digest = t.order.Image, t.order.Digest
			out = append(out, lost)
		}
	}
	return out
}

// secondOf is second for what can be begun of many. Where all or none are, one that cannot
// be begun ends the request, and nobody is asked.
func (s *server) secondOf(ctx context.Context, items []item, mode string, dry bool) error {
	var tasks []task
	for _, it := range items {
		if it.err == nil {
			tasks = append(tasks, it.task)
		}
	}
	if dry || mode == "all" && len(tasks) < len(items) {
		return nil
	}
	return s.second(ctx, destroyed(tasks...)...)
}

// keptAnswer is the answer to a request that was kept: 202, and where it waits.
type keptAnswer struct{ audit.Approval }

// Error implements error.
func (k *keptAnswer) Error() string { return "the request waits for a second person" }

// GetStatus is huma's.
func (k *keptAnswer) GetStatus() int { return http.StatusAccepted }

// GetHeaders is huma's.
func (k *keptAnswer) GetHeaders() http.Header {
	return http.Header{"Location": {wire.Prefix + "/approvals/" + k.ID}}
}
