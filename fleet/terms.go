package fleet

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Terms are for whom a piece of work is, and how careful it is.
type Terms struct {
	Racks       []string `json:"racks,omitempty" nullable:"false" maxItems:"500" doc:"Machines of these racks"`
	Models      []string `json:"models,omitempty" nullable:"false" maxItems:"100" doc:"Only machines of these models"`
	Labels      []string `json:"labels,omitempty" nullable:"false" maxItems:"100" doc:"Only machines with all these labels: KEY or KEY=VALUE"`
	Machines    []string `json:"machines,omitempty" nullable:"false" maxItems:"5000" doc:"These machines, by name"`
	AllReady    bool     `json:"all_ready,omitempty" doc:"Every machine in phase ready; with the other conditions, those of them"`
	Active      bool     `json:"active,omitempty" doc:"Also machines that are active: a rollout overwrites their system, a campaign restarts them"`
	MaxFailures int      `json:"max_failures" minimum:"0" maximum:"100" doc:"Percent: when more of the machines fail (with size: of those of the waves so far), or it is clear that more will, nothing more is begun"`
	Domain      string   `json:"domain,omitempty" maxLength:"63" doc:"What fails together: rack (default), row, room, site, or the name of a rack label"`
	Canary      int      `json:"canary,omitempty" minimum:"0" maximum:"100" doc:"With size: so many machines go first, of as many models as possible; if one of them fails, nothing more is begun"`
	Size        int      `json:"size,omitempty" minimum:"0" maximum:"1000" doc:"So many machines are a wave, within one failure domain. A campaign needs it; absent from a rollout: as many at once as is measured to be good, one machine of each domain first"`
}

var fleetName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Check returns Invalid for terms that choose no machines or cannot go.
func (t *Terms) Check(kind Kind, name string) error {
	switch {
	case !fleetName.MatchString(name):
		return fault.Invalidf("%.80q is not a %s's name", name, kind).WithHint("use 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
	case len(t.Racks)+len(t.Models)+len(t.Labels)+len(t.Machines) == 0 && !t.AllReady:
		return fault.Invalidf("the %s names no machines", kind).WithHint("choose them by rack, model, label or name, or say all that are ready")
	case t.MaxFailures < 0 || t.MaxFailures > 100:
		return fault.Invalidf("the failures that are borne are a percentage").WithHint("e.g. 5")
	case t.Size < 0 || t.Canary < 0 || t.Size == 0 && (kind == Campaign || t.Canary > 0):
		return fault.Invalidf("a wave has at least 1 machine, and canaries are none or more").WithHint("e.g. 1 canary, waves of 10")
	}
	return nil
}

// String says who is meant.
func (t Terms) String() string {
	var out []string
	for _, c := range []struct {
		format string
		names  []string
	}{{"in rack %s", t.Racks}, {"of model %s", t.Models}, {"called %s", t.Machines}} {
		if len(c.names) > 0 {
			out = append(out, fmt.Sprintf(c.format, strings.Join(c.names, " or ")))
		}
	}
	for _, l := range t.Labels {
		out = append(out, "labelled "+l)
	}
	if t.AllReady {
		out = append(out, "in phase ready")
	}
	return strings.Join(out, " and ")
}

// places are the failure domains that need no label, with what a rack says of each.
func places(r *inventory.Rack) map[string]string {
	return map[string]string{"rack": r.Name, "row": r.Row, "room": r.Room, "site": r.Site}
}

// Within gives the terms their failure domain where they have none. One that is no place
// and no label of any rack is Invalid: every machine would be in the same.
func (t *Terms) Within(racks []inventory.Rack) error {
	if t.Domain == "" {
		t.Domain = "rack"
	}
	known := places(&inventory.Rack{})
	for i := range racks {
		maps.Copy(known, racks[i].Labels)
	}
	if _, is := known[t.Domain]; is {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Message: fmt.Sprintf("no rack has a label %q", t.Domain),
		Hint:   "a failure domain is one of " + strings.Join(slices.Sorted(maps.Keys(known)), ", "),
		Fields: []fault.Field{{Path: "body.domain", Message: "is neither a place nor a label of a rack"}}}
}

// DomainOf is the failure domain of a rack's machines: the rack's label of that name, else
// the place; "" for a machine in no rack.
func (t *Terms) DomainOf(r *inventory.Rack) string {
	if r == nil {
		return ""
	}
	if v := r.Labels[t.Domain]; v != "" {
		return v
	}
	return places(r)[t.Domain]
}
