package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"rackwright/deploy"
	"rackwright/deploy/rollout"
	"rackwright/fault"
	"rackwright/journal"
)

// Rollouts lists the rollouts, newest first.
func (db *DB) Rollouts(ctx context.Context) ([]rollout.Fleet, error) {
	out, err := rollouts(ctx, db.sql, "true")
	return out, db.fault(err)
}

// Rollout returns a rollout by id or name.
func (db *DB) Rollout(ctx context.Context, idOrName string) (*rollout.Fleet, error) {
	f, err := rolloutOf(ctx, db.sql, idOrName)
	return f, db.fault(err)
}

func rolloutOf(ctx context.Context, q queryer, idOrName string) (*rollout.Fleet, error) {
	pick := "name = $1"
	if isID(idOrName) {
		pick, idOrName = "id = $1", strings.ToLower(idOrName)
	}
	found, err := rollouts(ctx, q, pick, idOrName)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no rollout %q", idOrName).WithHint("'rackwright rollout list' shows them")
	}
	return first(found), err
}

func rollouts(ctx context.Context, q queryer, pick string, args ...any) ([]rollout.Fleet, error) {
	return collect(ctx, q, func(scan func(...any) error) (f rollout.Fleet, err error) {
		err = scan(asJSON{&f}, &f.Version)
		return f, err
	}, `SELECT spec, version FROM rollout WHERE `+pick+` ORDER BY created_at DESC, id DESC LIMIT 200`, args...)
}

// rolloutContext binds a sealed order to its rollout: user-data often holds passwords.
func rolloutContext(id string) string { return "rollout/" + id + "/order" }

// CreateRollout begins a rollout, with what earlier ones found out about the network. One
// of that name is Conflict; so is an image that was removed meanwhile.
func (db *DB) CreateRollout(ctx context.Context, f *rollout.Fleet, order deploy.Order, actor string) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		switch _, err := rolloutOf(ctx, tx, f.Name); {
		case err == nil:
			return fault.Conflictf("there is a rollout %s already", f.Name).WithHint("give the new one a name of its own")
		case !fault.Is(err, fault.NotFound):
			return err
		}
		if err := db.holdImage(ctx, tx, order); err != nil {
			return err
		}
		earlier, err := rollouts(ctx, tx, "true")
		if err != nil {
			return err
		}
		if len(earlier) > 0 {
			f.Learn(earlier[0].Pipes)
		}
		now := db.now()
		f.ID, f.Actor, f.Created, f.Updated, f.Version = newID(), actor, now, now, 1
		order.Rollout = f.ID
		if _, err := exec(ctx, tx, `INSERT INTO rollout (id, name, state, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
			VALUES ($1, $2, $3, $4, $5, $6, '', $6, $6, 1)`, f.ID, f.Name, f.State, toJSON(f), db.seal.Seal([]byte(toJSON(order)), rolloutContext(f.ID)), now); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{RolloutEvent(f, actor, "begun")})
	})
	if err == nil {
		db.events.wake(everything)
		db.rollouts.wake(everything)
	}
	return err
}

// RolloutOrder is what a rollout asks for on each machine.
func (db *DB) RolloutOrder(ctx context.Context, id string) (o deploy.Order, err error) {
	var sealed string
	err = db.sql.QueryRowContext(ctx, `SELECT order_sealed FROM rollout WHERE id = $1`, id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return o, fault.NotFoundf("there is no rollout %q", id)
	}
	if err != nil {
		return o, db.fault(err)
	}
	plain, err := db.seal.Open(sealed, rolloutContext(id))
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(plain, &o)
}

// RolloutOperations are the operations of a rollout, by machine id.
func (db *DB) RolloutOperations(ctx context.Context, id string) (map[string]*deploy.Operation, error) {
	list, err := db.operations(ctx, db.sql, "o.id IN (SELECT operation_id FROM rollout_operation WHERE rollout_id = $1)", id)
	out := make(map[string]*deploy.Operation, len(list))
	for i := range list {
		out[list[i].Machine] = &list[i]
	}
	return out, db.fault(err)
}

// joinRollout writes down that an operation is of a rollout, which has one for each machine.
func joinRollout(ctx context.Context, tx *sql.Tx, o *deploy.Operation) error {
	if o.Order.Rollout == "" {
		return nil
	}
	n, err := exec(ctx, tx, `INSERT INTO rollout_operation (rollout_id, machine_id, operation_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, o.Order.Rollout, o.Machine, o.ID)
	if err == nil && n == 0 {
		return fault.Conflictf("the rollout had its deployment of %s already", o.Name).WithHint("deploy it alone: 'rackwright deploy %s'", o.Name)
	}
	return err
}

// RolloutEvent says what became of a rollout.
func RolloutEvent(f *rollout.Fleet, actor, what string) journal.Event {
	return journal.Event{Kind: journal.Rollout, Actor: actor, Summary: "rollout " + f.Name + ": " + what,
		Detail: map[string]any{"rollout": f.ID, "state": f.State, "wave": f.Wave}}
}

// SteerRollout lets a person change a rollout, whoever looks after it.
func (db *DB) SteerRollout(ctx context.Context, idOrName, actor, what string, change func(*rollout.Fleet, time.Time) error) (*rollout.Fleet, error) {
	var out *rollout.Fleet
	err := db.tx(ctx, func(tx *sql.Tx) error {
		f, err := rolloutOf(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		if err := change(f, db.now()); err != nil {
			return err
		}
		out = f
		return db.writeRollout(ctx, tx, f, db.now(), []journal.Event{RolloutEvent(f, actor, what)})
	})
	if err != nil {
		return nil, err
	}
	db.events.wake(everything)
	db.rollouts.wake(everything)
	return out, nil
}

// ClaimRollout lends a rollout that is to be looked after to owner until now+ttl; nil, nil:
// there is none.
func (db *DB) ClaimRollout(ctx context.Context, owner string, ttl time.Duration) (*rollout.Fleet, error) {
	var out *rollout.Fleet
	err := db.tx(ctx, func(tx *sql.Tx) error {
		out = nil
		now := db.now()
		var id string
		err := tx.QueryRowContext(ctx, `UPDATE rollout SET lease_owner = $1, lease_until = $2
			WHERE id = (SELECT id FROM rollout WHERE due <= $3 AND (lease_owner = '' OR lease_until <= $3) ORDER BY due, id LIMIT 1`+db.dialect.skip+`) RETURNING id`,
			owner, now.Add(ttl), now).Scan(asText{&id})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = rolloutOf(ctx, tx, id)
		return err
	})
	return out, err
}

// SaveRollout writes a rollout back with what was done, makes it due then (never, when
// nothing of it is in motion) and gives it up. Conflict when it was changed meanwhile.
func (db *DB) SaveRollout(ctx context.Context, f *rollout.Fleet, due time.Time, events ...journal.Event) error {
	err := db.tx(ctx, func(tx *sql.Tx) error { return db.writeRollout(ctx, tx, f, due, events) })
	if err == nil {
		db.events.wake(everything)
	}
	return err
}

func (db *DB) writeRollout(ctx context.Context, tx *sql.Tx, f *rollout.Fleet, due time.Time, events []journal.Event) error {
	next := *f
	next.Updated, next.Version = db.now(), f.Version+1
	if !f.Follows() {
		due = time.Time{}
	}
	n, err := exec(ctx, tx, `UPDATE rollout SET state = $1, spec = $2, due = $3, lease_owner = '', version = version + 1 WHERE id = $4 AND version = $5`,
		f.State, toJSON(next), timeOrNull(due), f.ID, f.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Conflictf("rollout %s was changed meanwhile", f.Name).WithHint("look at it again")
	}
	if err := db.append(ctx, tx, events); err != nil {
		return err
	}
	*f = next
	return nil
}

// RolloutDue returns a signal that a rollout is to be looked after, by what this process
// did. The function ends the subscription.
func (db *DB) RolloutDue() (<-chan struct{}, func()) { return db.rollouts.listen(everything) }
