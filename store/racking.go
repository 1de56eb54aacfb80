package store

import (
	"context"
	"fmt"
	"time"

	"rackwright/fault"
	"rackwright/inventory/racking"
	"rackwright/journal"
)

// RackView reads what is known of one rack: its plan, what people said and what was seen.
func (db *DB) RackView(ctx context.Context, rack string) (*racking.View, error) {
	v, err := db.rackView(ctx, db.sql, rack)
	return v, db.fault(err)
}

func (db *DB) rackView(ctx context.Context, q queryer, rack string) (*racking.View, error) {
	inv, err := db.rackInventory(ctx, q, rack)
	if err != nil {
		return nil, err
	}
	v := &racking.View{Inventory: inv, Rack: rack}
	return v, db.fillView(ctx, q, v)
}

// fillView reads what people said and what was seen of everything in a view's inventory.
func (db *DB) fillView(ctx context.Context, q queryer, v *racking.View) (err error) {
	var ids []string
	for _, m := range v.Inventory.Machines {
		ids = append(ids, m.ID)
	}
	machines := len(ids)
	for _, d := range v.Inventory.Devices {
		ids = append(ids, d.ID)
	}
	if err := db.forEach(ids, "owner_id", func(clause string, args []any) error {
		more, err := marks(ctx, q, clause, args...)
		v.Marks = append(v.Marks, more...)
		return err
	}); err != nil {
		return err
	}
	if err := db.forEach(ids[:machines], "machine_id", func(clause string, args []any) error {
		more, err := sightings(ctx, q, clause, args...)
		v.Seen = append(v.Seen, more...)
		return err
	}); err != nil {
		return err
	}
	v.Blinking, err = db.blinking(ctx, q, ids[:machines])
	return err
}

func marks(ctx context.Context, q queryer, pick string, args ...any) ([]racking.Mark, error) {
	return collect(ctx, q, func(scan func(...any) error) (m racking.Mark, err error) {
		var d markDetail
		err = scan(asText{&m.Owner}, &m.Step, &m.State, asTime{&m.At}, &m.By, &m.Reason, asJSON{&d})
		m.Codes, m.Under = d.Codes, d.Under
		return m, err
	}, `SELECT owner_id, step, state, at, actor, reason, detail FROM racking_mark WHERE `+pick+` ORDER BY owner_id, step`, args...)
}

// markDetail is the part of a mark that no query looks into.
type markDetail struct {
	Codes []string      `json:"codes,omitempty"`
	Under *racking.Mark `json:"under,omitempty"`
}

func sightings(ctx context.Context, q queryer, pick string, args ...any) ([]racking.Sighting, error) {
	return collect(ctx, q, func(scan func(...any) error) (s racking.Sighting, err error) {
		err = scan(asText{&s.Machine}, &s.Kind, &s.Value, &s.Source, asTime{&s.First}, asTime{&s.Last})
		return s, err
	}, `SELECT machine_id, kind, value, source, first_at, last_at FROM identifier WHERE `+pick+` ORDER BY machine_id, kind, value`, args...)
}

// blinking tells which machines' locator LEDs are lit, and until when.
func (db *DB) blinking(ctx context.Context, q queryer, ids []string) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := db.forEach(ids, "o.machine_id", func(clause string, args []any) error {
		ops, err := db.operations(ctx, q, clause+" AND o.kind = 'locate' AND o.state = 'running'", args...)
		for _, o := range ops {
			if s := o.Step(); s != nil && s.Total > 0 {
				out[o.Machine] = s.Started.Add(time.Duration(s.Total) * time.Second)
			}
		}
		return err
	})
	return out, err
}

// MarkStep does what a person does to one step of a machine or device of a rack. Whoever
// says that a planned machine is mounted makes it racked.
func (db *DB) MarkStep(ctx context.Context, rack, owner string, step racking.StepName, action racking.Action, reason, actor string) error {
	err := db.tx(ctx, func(tx *txn) error {
		if err := db.holdRack(ctx, tx, rack); err != nil {
			return err
		}
		o, err := ownerIn(ctx, tx, rack, owner)
		if err != nil {
			return err
		}
		now := racking.Mark{Owner: o.id, Step: step, By: actor, At: db.now(), Reason: reason}
		changed, err := db.act(ctx, tx, o, action, now)
		if err != nil || !changed {
			return err
		}
		events := []journal.Event{stepEvent(o, rack, action, now)}
		if o.machine && step == racking.Mount && action == racking.DoDone {
			moved, err := db.moveOn(ctx, tx, o.id, nil, actor)
			if err != nil {
				return err
			}
			events = append(events, moved...)
		}
		return db.append(ctx, tx, events)
	})
	if err == nil {
		db.wakeMachine()
	}
	return err
}

// holdRack makes those who work on one rack take turns: a hold comes before a sign-off
// or after it.
func (db *DB) holdRack(ctx context.Context, tx *txn, name string) error {
	r, err := rack(ctx, tx, name)
	if err != nil {
		return err
	}
	_, err = db.lock(ctx, tx, `SELECT 1 FROM rack WHERE id = $1`, r.ID)
	return err
}

// owner is a machine or device of a rack.
type owner struct {
	id, name string
	machine  bool
}

func ownerIn(ctx context.Context, q queryer, rack, name string) (owner, error) {
	found, err := collect(ctx, q, func(scan func(...any) error) (o owner, err error) {
		err = scan(asText{&o.id}, &o.name, &o.machine)
		return o, err
	}, `SELECT m.id, m.name, true FROM machine m JOIN rack r ON r.id = m.rack_id WHERE r.name = $1 AND m.name = $2 AND m.phase <> 'retired'
		UNION ALL SELECT d.id, d.name, false FROM device d JOIN rack r ON r.id = d.rack_id WHERE r.name = $1 AND d.name = $2`, rack, name)
	if err != nil {
		return owner{}, err
	}
	if len(found) == 0 {
		return owner{}, fault.NotFoundf("there is no machine or device %q in rack %s", name, rack).WithHint("'rackwright rack tasks %s' shows them", rack)
	}
	return found[0], nil
}

// act changes one mark and reports whether it is another now.
func (db *DB) act(ctx context.Context, tx *txn, o owner, action racking.Action, now racking.Mark) (changed bool, err error) {
	was, err := marks(ctx, tx, "owner_id = $1 AND step = $2", o.id, string(now.Step))
	if err != nil {
		return false, err
	}
	var before *racking.Mark
	if len(was) > 0 {
		before = &was[0]
	}
	after, changed, err := racking.Act(action, before, now)
	if err != nil || !changed {
		return false, err
	}
	if after == nil {
		_, err = exec(ctx, tx, `DELETE FROM racking_mark WHERE owner_id = $1 AND step = $2`, o.id, string(now.Step))
		return true, err
	}
	return true, writeMark(ctx, tx, o, *after)
}

func writeMark(ctx context.Context, tx *txn, o owner, m racking.Mark) error {
	machine, device := any(nil), any(o.id)
	if o.machine {
		machine, device = o.id, nil
	}
	_, err := exec(ctx, tx, `INSERT INTO racking_mark (owner_id, machine_id, device_id, step, state, at, actor, reason, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (owner_id, step) DO UPDATE
		SET state = excluded.state, at = excluded.at, actor = excluded.actor, reason = excluded.reason, detail = excluded.detail`,
		o.id, machine, device, string(m.Step), string(m.State), m.At, m.By, m.Reason, toJSON(markDetail{Codes: m.Codes, Under: m.Under}))
	return err
}

func stepEvent(o owner, rack string, a racking.Action, m racking.Mark) journal.Event {
	words := map[racking.Action]string{racking.DoDone: "is done", racking.DoHold: "is held", racking.DoResume: "goes on",
		racking.DoWaive: "is waived", racking.DoUndo: "was taken back"}
	e := journal.Event{Kind: journal.RackStep, Name: o.name, Actor: m.By, At: m.At, Summary: fmt.Sprintf("%s of %s %s", m.Step, o.name, words[a]),
		Detail: map[string]any{"rack": rack, "step": m.Step, "action": a}}
	if o.machine {
		e.Machine = o.id
	}
	if m.Reason != "" {
		e.Summary += ": " + m.Reason
		e.Detail["reason"] = m.Reason
	}
	return e
}

// moveOn writes what a scan learned of a machine, nil for nothing, and moves it on that is
// only planned, or racked. It returns what to write in the journal.
func (db *DB) moveOn(ctx context.Context, tx *txn, id string, learned *racking.Binding, actor string) ([]journal.Event, error) {
	m, err := db.machineToChange(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	seen, err := identifiers(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	was := stateOf(m)
	if learned != nil {
		learned.Give(m)
		if m.BMC != nil {
			if _, err := exec(ctx, tx, `UPDATE bmc SET mac = $1 WHERE machine_id = $2`, macOrNull(m.BMC.MAC), id); err != nil {
				return nil, err
			}
		}
	}
	said := racking.Adopt(m, seen, db.now())
	if err := db.writeState(ctx, tx, was, m); err != nil || said == "" {
		return nil, err
	}
	return named([]journal.Event{{Kind: journal.PhaseMoved, Actor: actor, Summary: said}}, m), nil
}
