package firmware

import (
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
)

// Enlist makes the campaign of the machines that lack something, with its waves laid.
// Those for which there is no way are in it as skipped, and say why. A campaign with
// nobody to update is Conflict. domain says what failure domain a rack is in.
func Enlist(name string, r Rollout, machines []Machine, files []File, domain func(rack string) string) (*Campaign, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if !fileName.MatchString(name) {
		return nil, fault.Invalidf("%.80q is not a campaign's name", name).WithHint("use 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
	}
	c := &Campaign{Name: name, State: CampaignRunning, Rollout: r, Files: []string{}, Targets: []Target{}}
	used, why := map[string]bool{}, ""
	for _, m := range machines {
		choice := Choose(m, files, Wish{File: r.File, Downgrade: r.Downgrade})
		if choice.Already {
			continue
		}
		t := Target{Machine: m.ID, Name: m.Name, Model: m.Model, Domain: domain(m.Rack), State: TargetWaiting}
		if len(choice.Picks) == 0 {
			t.State, t.Why = TargetSkipped, choice.Lacks[0].Component+": "+choice.Lacks[0].Why
			why = "; " + m.Name + ": " + t.Why
		}
		for _, p := range choice.Picks {
			used[p.File] = true
		}
		c.Targets = append(c.Targets, t)
	}
	for name := range used {
		c.Files = append(c.Files, name)
	}
	slices.Sort(c.Files)
	if c.count(TargetWaiting) == 0 {
		return nil, fault.Conflictf("of %d machines none is to be updated%s", len(machines), why).WithHint("'rackwright firmware compliance' says how they stand")
	}
	c.Targets = Lay(c.Targets, r)
	return c, nil
}

// Domain is the value of a failure domain that a rack is in: of rack, row or room, else of
// its label of that name; "" is one domain for all.
func Domain(r *inventory.Rack, key string) string {
	switch {
	case r == nil || key == "":
		return ""
	case r.Labels[key] != "":
		return r.Labels[key]
	}
	return map[string]string{"rack": r.Name, "row": r.Row, "room": r.Room, "site": r.Site}[key]
}
