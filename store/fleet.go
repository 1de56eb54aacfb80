package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/fleet"
	"rackwright/inventory"
	"rackwright/journal"
)

// openFleets picks the fleets that may still begin something.
const openFleets = `state IN ('running', 'paused', 'halted')`

// Fleets lists a part of the fleets of a kind, by when they were begun, newest first.
func (db *DB) Fleets(ctx context.Context, kind fleet.Kind, p Page) ([]fleet.Fleet, error) {
	return listed(ctx, db, p, byTime("created", "created_at", "id"), "-created", "kind = $1", []any{kind}, fleets)
}

// Fleet returns a fleet by id or name.
func (db *DB) Fleet(ctx context.Context, kind fleet.Kind, idOrName string) (*fleet.Fleet, error) {
	f, err := fleetOf(ctx, db.sql, kind, idOrName)
	return f, db.fault(err)
}

func fleetOf(ctx context.Context, q queryer, kind fleet.Kind, idOrName string) (*fleet.Fleet, error) {
	pick := "kind = $1 AND name = $2"
	if isID(idOrName) {
		pick, idOrName = "kind = $1 AND id = $2", strings.ToLower(idOrName)
	}
	found, err := fleets(ctx, q, pick, kind, idOrName)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no %s %q", kind, idOrName).WithHint("'%s list' shows them", kind.Command())
	}
	return first(found), err
}

func fleets(ctx context.Context, q queryer, pick string, args ...any) ([]fleet.Fleet, error) {
	return collect(ctx, q, func(scan func(...any) error) (f fleet.Fleet, err error) {
		err = scan(asJSON{&f}, &f.Version)
		return f, err
	}, `SELECT spec, version FROM fleet WHERE `+pick, args...)
}

// fleetContext binds a sealed order to its fleet: user-data often holds passwords. It is the
// word of rollouts, whose orders were sealed with it before there were fleets.
func fleetContext(id string) string { return "rollout/" + id + "/order" }

// CreateFleet begins a fleet, with what earlier ones found out about the network. One of
// that kind and name is Conflict; so is an image or a firmware file that was removed
// meanwhile.
func (db *DB) CreateFleet(ctx context.Context, f *fleet.Fleet, order deploy.Order, actor string) error {
	err := db.tx(ctx, func(tx *txn) error {
		switch _, err := fleetOf(ctx, tx, f.Kind, f.Name); {
		case err == nil:
			return fault.Conflictf("there is a %s %s already", f.Kind, f.Name).WithHint("give the new one a name of its own")
		case !fault.Is(err, fault.NotFound):
			return err
		}
		if err := db.holdNeeds(ctx, tx, f, order); err != nil {
			return err
		}
		earlier, err := fleets(ctx, tx, "kind = $1 ORDER BY created_at DESC, id DESC LIMIT 1", f.Kind)
		if err != nil {
			return err
		}
		if len(earlier) > 0 {
			f.Learn(earlier[0].Pipes)
		}
		now := db.now()
		f.ID, f.Actor, f.Created, f.Updated, f.Version = newID(), actor, now, now, 1
		order.Rollout = f.ID
		if _, err := exec(ctx, tx, `INSERT INTO fleet (id, kind, name, state, digest, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $8, $8, 1)`,
			f.ID, f.Kind, f.Name, f.State, f.Digest, toJSON(f), db.seal.Seal([]byte(toJSON(order)), fleetContext(f.ID)), now); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{FleetEvent(f, actor, "begun")})
	})
	if err == nil {
		db.events.wake(everything)
		db.fleets.wake(everything)
	}
	return err
}

// holdNeeds keeps what a fleet needs from being removed until it is there to keep it.
func (db *DB) holdNeeds(ctx context.Context, tx *txn, f *fleet.Fleet, order deploy.Order) error {
	if err := db.holdImage(ctx, tx, order); err != nil {
		return err
	}
	for _, name := range f.Files { // sorted
		found, err := db.lock(ctx, tx, `SELECT 1 FROM firmware_file WHERE name = $1`, name)
		if err == nil && !found {
			return fault.Conflictf("firmware file %s was removed meanwhile", name).WithHint("start the campaign again")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// FleetOrder is what a rollout asks for on each machine.
func (db *DB) FleetOrder(ctx context.Context, id string) (o deploy.Order, err error) {
	var sealed string
	err = db.sql.QueryRowContext(ctx, `SELECT order_sealed FROM fleet WHERE id = $1`, id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return o, fault.NotFoundf("there is no rollout %q", id)
	}
	if err != nil {
		return o, db.fault(err)
	}
	plain, err := db.seal.Open(sealed, fleetContext(id))
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(plain, &o)
}

// FleetOperations are the operations of a fleet, by machine id.
func (db *DB) FleetOperations(ctx context.Context, id string) (map[string]*deploy.Operation, error) {
	list, err := db.operations(ctx, db.sql, "o.id IN (SELECT operation_id FROM fleet_operation WHERE fleet_id = $1)", id)
	out := make(map[string]*deploy.Operation, len(list))
	for i := range list {
		out[list[i].Machine] = &list[i]
	}
	return out, db.fault(err)
}

// joinFleet writes down that an operation is of a fleet, which has one for each machine.
// Conflict also when the power that the fleet counted on was given away meanwhile.
func (db *DB) joinFleet(ctx context.Context, tx *txn, o *deploy.Operation, m *inventory.Machine) error {
	id := o.Order.Rollout
	if f := o.Order.Firmware; f != nil {
		id = cmp.Or(id, f.Campaign)
	}
	if id == "" {
		return nil
	}
	n, err := exec(ctx, tx, `INSERT INTO fleet_operation (fleet_id, machine_id, operation_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id, o.Machine, o.ID)
	if err == nil && n == 0 {
		return fault.Conflictf("it had its turn with %s already", o.Name).WithHint("do it alone: 'rackwright deploy %s', or 'rackwright firmware update %s'", o.Name, o.Name)
	}
	if err != nil {
		return err
	}
	b, err := db.budget(ctx, tx, m)
	if err == nil && !b.Fits {
		return fault.Conflictf("%s waits for %s", o.Name, b).WithHint("it is begun when others are done; 'rackwright rack show %s' has its feeds", b.Rack)
	}
	return err
}

// FleetEvent says what became of a fleet.
func FleetEvent(f *fleet.Fleet, actor, what string) journal.Event {
	kind := journal.Rollout
	if f.Kind == fleet.Campaign {
		kind = journal.Campaign
	}
	return journal.Event{Kind: kind, Actor: actor, Summary: string(f.Kind) + " " + f.Name + ": " + what,
		Detail: map[string]any{string(f.Kind): f.ID, "state": f.State, "wave": f.Wave}}
}

// SteerFleet lets a person change a fleet, whoever looks after it.
func (db *DB) SteerFleet(ctx context.Context, kind fleet.Kind, idOrName, actor, what string, change func(*fleet.Fleet, time.Time) error) (*fleet.Fleet, error) {
	var out *fleet.Fleet
	err := db.tx(ctx, func(tx *txn) error {
		f, err := fleetOf(ctx, tx, kind, idOrName)
		if err != nil {
			return err
		}
		if err := change(f, db.now()); err != nil {
			return err
		}
		out = f
		return db.writeFleet(ctx, tx, f, db.now(), []journal.Event{FleetEvent(f, actor, what)})
	})
	if err != nil {
		return nil, err
	}
	db.events.wake(everything)
	db.fleets.wake(everything)
	return out, nil
}

// ClaimFleet lends a fleet that is to be looked after to owner until now+ttl; nil, nil:
// there is none.
func (db *DB) ClaimFleet(ctx context.Context, owner string, ttl time.Duration) (*fleet.Fleet, error) {
	var out *fleet.Fleet
	err := db.tx(ctx, func(tx *txn) error {
		out = nil
		now := db.now()
		var id string
		err := tx.QueryRowContext(ctx, `UPDATE fleet SET lease_owner = $1, lease_until = $2
			WHERE id = (SELECT id FROM fleet WHERE due <= $3 AND (lease_owner = '' OR lease_until <= $3) ORDER BY due, id LIMIT 1`+db.dialect.skip+`) RETURNING id`,
			owner, now.Add(ttl), now).Scan(asText{&id})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		found, err := fleets(ctx, tx, "id = $1", id)
		out = first(found)
		return err
	})
	return out, err
}

// SaveFleet writes a fleet back with what was done, makes it due then (never, when it begins
// nothing and nothing of it is in motion) and gives it up. Conflict when it was changed
// meanwhile.
func (db *DB) SaveFleet(ctx context.Context, f *fleet.Fleet, due time.Time, events ...journal.Event) error {
	err := db.tx(ctx, func(tx *txn) error { return db.writeFleet(ctx, tx, f, due, events) })
	if err == nil {
		db.events.wake(everything)
	}
	return err
}

func (db *DB) writeFleet(ctx context.Context, tx *txn, f *fleet.Fleet, due time.Time, events []journal.Event) error {
	next := *f
	next.Updated, next.Version = db.now(), f.Version+1
	if !f.Follows() {
		due = time.Time{}
	}
	n, err := exec(ctx, tx, `UPDATE fleet SET state = $1, spec = $2, due = $3, lease_owner = '', version = version + 1 WHERE id = $4 AND version = $5`,
		f.State, toJSON(next), timeOrNull(due), f.ID, f.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Conflictf("%s %s was changed meanwhile", f.Kind, f.Name).WithHint("look at it again")
	}
	if err := db.append(ctx, tx, events); err != nil {
		return err
	}
	*f = next
	return nil
}

// FleetDue returns a signal that a fleet is to be looked after, by what this process did.
// The function ends the subscription.
func (db *DB) FleetDue() (<-chan struct{}, func()) { return db.fleets.listen(everything) }
