package store

import (
	"context"
	"fmt"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

// DiffPlan says what applying a plan would do, and changes nothing.
func (db *DB) DiffPlan(ctx context.Context, p plan.Plan) (*plan.Diff, error) {
	want, err := p.Resolve()
	if err != nil {
		return nil, err
	}
	have, err := db.around(ctx, db.sql, want)
	if err != nil {
		return nil, db.fault(err)
	}
	return want.Against(have)
}

// ApplyPlan makes the inventory as the plan says, whole or not at all. A hash that is not
// empty must be that of the changes now to be made. Passwords are sealed before they are
// written; the same plan applied again changes nothing.
func (db *DB) ApplyPlan(ctx context.Context, p plan.Plan, hash, actor string) (*plan.Diff, error) {
	var diff *plan.Diff
	err := db.tx(ctx, func(tx *txn) error {
		want, err := p.Resolve() // anew at each try: Against fills identities in
		if err != nil {
			return err
		}
		if db.dialect.onePlan != "" {
			if _, err := exec(ctx, tx, db.dialect.onePlan); err != nil {
				return err
			}
		}
		have, err := db.around(ctx, tx, want)
		if err != nil {
			return err
		}
		if diff, err = want.Against(have); err != nil {
			return err
		}
		if hash != "" && hash != diff.Hash {
			return fault.Conflictf("the inventory changed since the plan was shown (hash %s is now %s)", hash, diff.Hash).
				WithHint("run plan again, read it, and apply the new hash")
		}
		if len(diff.Changes) == 0 {
			return nil
		}
		a := application{db: db, tx: tx, want: want, have: &have, diff: diff}
		return a.run(ctx, actor)
	})
	if err != nil {
		return nil, err
	}
	db.changed.wake(everything)
	db.events.wake(everything)
	db.unjudged.wake(everything)
	db.recount(ctx, len(diff.Changes))
	return diff, nil
}

// application is one plan on its way into the database. What changes first gives up all
// that it alone may hold, so that a plan can swap two machines' slots or MACs; then
// everything is written as it is to be.
type application struct {
	db   *DB
	tx   *txn
	want *plan.Wanted
	have *inventory.Inventory
	diff *plan.Diff

	ids      identities
	machines []*inventory.Machine // changed or new
	devices  []*inventory.Device  // changed or new
	touched  []string             // names of racks in which something changes
	gone     []string             // ids of machines that leave
	adopted  [][2]string          // ids: a machine, and a stranger that turned out to be it
}

func (a *application) run(ctx context.Context, actor string) error {
	a.sort()
	for _, step := range []func(context.Context) error{
		a.site, a.projects, a.models, a.networks, a.vacateMachines, a.vacateDevices, a.adoptStrangers, a.removals,
		a.racks, a.writeDevices, a.reservations, a.writeMachines, a.rememberStrangers, a.writeCables, a.loads, a.verifyAgain, a.judgeAgain,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := planned(ctx, a.tx); err != nil {
		return err
	}
	if err := a.bump(ctx); err != nil {
		return err
	}
	return a.db.append(ctx, a.tx, a.events(actor))
}

// changes returns the names of one noun that the diff creates or changes.
func (a *application) changes(noun string) map[string]bool {
	out := map[string]bool{}
	for _, c := range a.diff.Changes {
		if c.Noun == noun && c.Action != "remove" {
			out[c.Name] = true
		}
	}
	return out
}

// removed returns the names of one noun that the diff removes.
func (a *application) removed(noun string) map[string]bool {
	out := map[string]bool{}
	for _, c := range a.diff.Changes {
		if c.Noun == noun && c.Action == "remove" {
			out[c.Name] = true
		}
	}
	return out
}

// sort finds what changes, gives identities to what is new, and the racks it touches.
func (a *application) sort() {
	racks := a.changes("rack")
	a.ids = identitiesOf(a.want, a.have)
	for i, changed := 0, a.changes("machine"); i < len(a.want.Machines); i++ {
		if m := &a.want.Machines[i]; changed[m.Name] {
			a.machines = append(a.machines, m)
			touch(racks, m.Slot)
		}
	}
	for i, changed := 0, a.changes("device"); i < len(a.want.Devices); i++ {
		if d := &a.want.Devices[i]; changed[d.Name] {
			a.devices = append(a.devices, d)
			touch(racks, d.Slot)
		}
	}
	machines, devices := a.changes("machine"), a.changes("device")
	for i, gone := 0, a.removed("machine"); i < len(a.have.Machines); i++ {
		if m := &a.have.Machines[i]; machines[m.Name] || gone[m.Name] {
			touch(racks, m.Slot)
		}
	}
	for i, gone := 0, a.removed("device"); i < len(a.have.Devices); i++ {
		if d := &a.have.Devices[i]; devices[d.Name] || gone[d.Name] {
			touch(racks, d.Slot)
		}
	}
	for name := range racks {
		a.touched = append(a.touched, name)
	}
	slices.Sort(a.touched)
}

func touch(racks map[string]bool, s *inventory.Slot) {
	if s != nil {
		racks[s.Rack] = true
	}
}

func (a *application) site(ctx context.Context) error {
	if !a.changes("site")[a.want.Site] {
		return nil
	}
	_, err := exec(ctx, a.tx, `INSERT INTO site (id, name) VALUES ($1, $2)`, newID(), a.want.Site)
	return err
}

// after is the inventory that the plan leaves behind, as far as it was read.
func (a *application) after() *inventory.Inventory {
	out := &inventory.Inventory{Models: merge(a.want.Models, a.have.Models, nil, func(m *inventory.Model) string { return m.Name }),
		Racks:    merge(a.want.Racks, a.have.Racks, nil, func(r *inventory.Rack) string { return r.Name }),
		Devices:  merge(a.want.Devices, a.have.Devices, a.removed("device"), func(d *inventory.Device) string { return d.Name }),
		Machines: merge(a.want.Machines, a.have.Machines, a.removed("machine"), func(m *inventory.Machine) string { return m.Name })}
	return out
}

// merge is what is wanted, and of what is there the rest but for what is removed.
func merge[T any](want, have []T, gone map[string]bool, name func(*T) string) []T {
	out, named := slices.Clone(want), map[string]bool{}
	for i := range want {
		named[name(&want[i])] = true
	}
	for i := range have {
		if n := name(&have[i]); !named[n] && !gone[n] {
			out = append(out, have[i])
		}
	}
	return out
}

func (a *application) events(actor string) []journal.Event {
	ids := map[string]string{}
	for _, m := range a.have.Machines {
		ids[m.Name] = m.ID
	}
	for _, m := range a.want.Machines {
		ids[m.Name] = m.ID
	}
	var events []journal.Event
	for _, c := range a.diff.Changes {
		e := journal.Event{Kind: journal.MachinePlan, Actor: actor, Summary: fmt.Sprintf("plan applied: %s %s %s", c.Action, c.Noun, c.Name),
			Detail: map[string]any{"fields": c.Fields, "hash": a.diff.Hash}}
		if c.Noun == "machine" {
			e.Machine, e.Name = ids[c.Name], c.Name
		}
		events = append(events, e)
	}
	return events
}

// verifyAgain marks the machines of the racks in which something changed to be compared
// with the plan anew: a cable of one may have been another's.
func (a *application) verifyAgain(ctx context.Context) error {
	return a.inRacks(ctx, func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `UPDATE machine SET verify_due = true WHERE facts IS NOT NULL AND NOT verify_due AND `+clause, args...)
		return err
	})
}

// inRacks runs a statement on the rows of the racks in which something changes.
func (a *application) inRacks(ctx context.Context, run func(clause string, args []any) error) error {
	var racks []string
	for _, name := range a.touched {
		racks = append(racks, a.ids.racks[name])
	}
	return a.db.forEach(racks, "rack_id", run)
}

// bump tells the boot view what changed in it.
func (a *application) bump(ctx context.Context) error {
	if len(a.changes("network"))+len(a.changes("model")) > 0 {
		if err := bump(ctx, a.tx); err != nil {
			return err
		}
	}
	ids := a.gone
	for _, m := range a.machines {
		ids = append(ids, m.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	return bump(ctx, a.tx, ids...)
}
