package store

import (
	"context"
	"fmt"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// Hold keeps a machine in maintenance until a time (0: inventory.HoldFor). Work that is
// queued or parked waits until then; while an operation that netboots the machine runs,
// it is Conflict.
func (db *DB) Hold(ctx context.Context, idOrName, reason string, long time.Duration, actor string) (*inventory.Machine, error) {
	return db.changeMachine(ctx, idOrName, func(tx *txn, m *inventory.Machine) ([]journal.Event, error) {
		h, err := inventory.NewHold(actor, reason, long, db.now())
		if err != nil {
			return nil, err
		}
		running, err := collect(ctx, tx, readText, `SELECT id FROM operation WHERE machine_id = $1 AND exclusive AND state = 'running'`, m.ID)
		if err != nil {
			return nil, err
		}
		if len(running) > 0 && m.Hold == nil {
			return nil, fault.Conflictf("operation %s is at work on %s", running[0], m.Name).WithHint("wait for it, or 'rackwright operation cancel %s'", running[0])
		}
		was := m.Phase
		if err := inventory.Keep(m, h, db.now()); err != nil {
			return nil, err
		}
		return []journal.Event{{Kind: journal.PhaseMoved, Actor: actor, Detail: map[string]any{"until": h.Until, "reason": reason},
			Summary: fmt.Sprintf("%s -> maintenance until %s: %s", was, h.Until.Format(time.RFC3339), reason)}}, nil
	})
}

// ReleaseHold ends a hold: the machine goes back to where the evidence says. Only its holder
// or an admin may, before its time.
func (db *DB) ReleaseHold(ctx context.Context, idOrName, actor string, admin bool) (*inventory.Machine, error) {
	return db.endHold(ctx, idOrName, func(m *inventory.Machine, seen []inventory.Identifier) (string, error) {
		return "the hold was released", inventory.Release(m, seen, actor, admin, db.now())
	}, actor)
}

func (db *DB) endHold(ctx context.Context, idOrName string, end func(*inventory.Machine, []inventory.Identifier) (string, error), actor string) (*inventory.Machine, error) {
	m, err := db.changeMachine(ctx, idOrName, func(tx *txn, m *inventory.Machine) ([]journal.Event, error) {
		seen, err := identifiers(ctx, tx, m.ID)
		if err != nil {
			return nil, err
		}
		was := m.Phase
		why, err := end(m, seen)
		if err != nil || why == "" {
			return nil, err
		}
		return []journal.Event{{Kind: journal.PhaseMoved, Actor: actor, Summary: fmt.Sprintf("%s -> %s: %s", was, m.Phase, why)}}, nil
	})
	if err == nil {
		db.work.wake(everything) // what waited for the end of the hold
	}
	return m, err
}

// endAtOnce bounds how many holds one call of EndHolds ends.
const endAtOnce = 1000

// EndHolds ends the holds whose time is over.
func (db *DB) EndHolds(ctx context.Context) error {
	over, err := collect(ctx, db.sql, readText, `SELECT id FROM machine WHERE hold_until <= $1 AND phase <> 'retired' ORDER BY hold_until LIMIT $2`, db.now(), endAtOnce)
	if err != nil {
		return db.fault(err)
	}
	for _, id := range over {
		if _, err := db.endHold(ctx, id, func(m *inventory.Machine, seen []inventory.Identifier) (string, error) {
			if m.Hold == nil || m.Held(db.now()) {
				return "", nil // released, or made longer meanwhile
			}
			by := m.Hold.By
			return "the hold of " + by + " ended", inventory.Release(m, seen, by, false, db.now())
		}, "server"); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
