package store

import (
	"context"
	"fmt"
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// ToVerify signals that a machine is to be compared with its plan; the function ends it.
// Changes that other processes make signal here on PostgreSQL while the Listener runs.
func (db *DB) ToVerify() (<-chan struct{}, func()) { return db.unjudged.listen(everything) }

// RacksToVerify lists the names of racks with machines that are to be compared, behind a
// name, at most limit of them.
func (db *DB) RacksToVerify(ctx context.Context, after string, limit int) ([]string, error) {
	// in no slot, a machine has no plan to compare with
	ids, err := collect(ctx, db.sql, readText, `SELECT id FROM machine WHERE verify_due AND rack_id IS NULL LIMIT 1000`)
	if err != nil {
		return nil, db.fault(err)
	}
	if err := db.forEach(ids, "id", func(clause string, args []any) error {
		_, err := exec(ctx, db.sql, `UPDATE machine SET verify_due = false WHERE rack_id IS NULL AND `+clause, args...)
		return err
	}); err != nil {
		return nil, db.fault(err)
	}
	out, err := collect(ctx, db.sql, readText, `SELECT name FROM rack WHERE name > $1 AND id IN (SELECT rack_id FROM machine WHERE verify_due) ORDER BY name LIMIT $2`, after, limit)
	return out, db.fault(err)
}

// PlanRevision grows with every plan that is applied, and with VerifyAgain.
func (db *DB) PlanRevision(ctx context.Context) (n int64, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT plans FROM revision`).Scan(&n)
	return n, db.fault(err)
}

// Verified says that machines, by id, were compared as they are in that version, and
// those that are in it still need not be again. Nothing is said when a plan was applied
// since the revision: what was compared may be no more.
func (db *DB) Verified(ctx context.Context, revision int64, versions map[string]int64) error {
	return db.tx(ctx, func(tx *txn) error {
		if db.dialect.onePlan != "" { // a plan that is being applied ends first
			if _, err := exec(ctx, tx, db.dialect.onePlan); err != nil {
				return err
			}
		}
		var now int64
		if err := tx.QueryRowContext(ctx, `SELECT plans FROM revision`).Scan(&now); err != nil || now != revision {
			return err
		}
		for id, version := range versions {
			if _, err := exec(ctx, tx, `UPDATE machine SET verify_due = false WHERE id = $1 AND version = $2 AND verify_due`, id, version); err != nil {
				return err
			}
		}
		return nil
	})
}

// VerifyAgain marks machines, by id, to be compared, also those that are being compared
// now.
func (db *DB) VerifyAgain(ctx context.Context, machineIDs []string) error {
	if len(machineIDs) == 0 {
		return nil
	}
	return db.tx(ctx, func(tx *txn) error {
		if err := db.forEach(machineIDs, "id", func(clause string, args []any) error {
			_, err := exec(ctx, tx, `UPDATE machine SET verify_due = true WHERE NOT verify_due AND `+clause, args...)
			return err
		}); err != nil {
			return err
		}
		return planned(ctx, tx)
	})
}

// planned says that what was judged before may be no more.
func planned(ctx context.Context, tx *txn) error {
	_, err := exec(ctx, tx, `UPDATE revision SET plans = plans + 1`)
	return err
}

// SiblingsIn lists the machines of the models and batches that machines to be compared
// in a rack have, in all racks.
func (db *DB) SiblingsIn(ctx context.Context, rack string, limit int) ([]inventory.Machine, error) {
	out, err := db.machines(ctx, db.sql, `m.batch <> '' AND m.facts IS NOT NULL AND m.phase <> 'retired' AND (m.model, m.batch) IN (
		SELECT s.model, s.batch FROM machine s JOIN rack k ON k.id = s.rack_id WHERE k.name = $1 AND s.verify_due AND s.batch <> '')
		ORDER BY m.name LIMIT $2`, rack, limit)
	return out, db.fault(err)
}

// judgeAgain marks the machines that a changed model or a changed switch concerns,
// wherever they stand.
func (a *application) judgeAgain(ctx context.Context) error {
	var models, devices []string
	for _, m := range a.want.Models {
		if a.changes("model")[m.Name] {
			models = append(models, m.Name)
		}
	}
	for _, d := range a.devices {
		devices = append(devices, d.ID)
	}
	mark := func(where string) func(string, []any) error {
		return func(clause string, args []any) error {
			_, err := exec(ctx, a.tx, `UPDATE machine SET verify_due = true WHERE NOT verify_due AND facts IS NOT NULL AND `+fmt.Sprintf(where, clause), args...)
			return err
		}
	}
	if err := a.db.forEach(models, "model", mark("%s")); err != nil {
		return err
	}
	return a.db.forEach(devices, "b.owner_id", mark(`id IN (SELECT a.owner_id FROM cable_end a JOIN cable_end b ON b.cable_id = a.cable_id AND b.side <> a.side WHERE %s)`))
}

// Waive lets conditions of verification on a machine pass: those of the rule's type, on
// one part or on all. It holds until the condition ends, or is there for another reason.
func (db *DB) Waive(ctx context.Context, idOrName string, w inventory.Waiver, actor string) (*inventory.Machine, error) {
	return db.changeWaiver(ctx, idOrName, w, actor, func(c *inventory.Condition) bool {
		c.Waived = inventory.Waived{By: actor, Reason: w.Reason, At: db.now()}
		return true
	}, "waived")
}

// Unwaive ends what Waive began.
func (db *DB) Unwaive(ctx context.Context, idOrName, rule, on, actor string) (*inventory.Machine, error) {
	return db.changeWaiver(ctx, idOrName, inventory.Waiver{Rule: rule, On: on}, actor, func(c *inventory.Condition) bool {
		if c.Waived.At.IsZero() || c.Waived.By == verify.ByPlan {
			return false
		}
		c.Waived = inventory.Waived{}
		return true
	}, "no longer waived")
}

func (db *DB) changeWaiver(ctx context.Context, idOrName string, w inventory.Waiver, actor string, change func(*inventory.Condition) bool, word string) (*inventory.Machine, error) {
	if !plan.Waivable(w.Rule) {
		return nil, fault.Invalidf("%q is no difference that can be waived", w.Rule).WithHint("one of %s", strings.Join(verify.Types(), ", "))
	}
	m, err := db.ChangeMachine(ctx, idOrName, func(m *inventory.Machine) ([]journal.Event, error) {
		var on []string
		for i := range m.Conditions {
			if c := &m.Conditions[i]; verify.Waives(w, *c) && change(c) {
				on = append(on, strings.TrimSpace(c.Type+" "+c.Subject))
			}
		}
		if len(on) == 0 {
			return nil, fault.NotFoundf("%s has nothing to change about %s", m.Name, strings.TrimSpace(w.Rule+" "+w.On)).
				WithHint("'rackwright machine verify %s' shows its differences; a waiver in the plan is changed there", m.Name)
		}
		summary := fmt.Sprintf("%s: %s", word, strings.Join(on, ", "))
		if w.Reason != "" {
			summary += ": " + w.Reason
		}
		return []journal.Event{{Kind: journal.Condition, Actor: actor, Summary: summary, Detail: map[string]any{"conditions": on, "reason": w.Reason}}}, nil
	})
	return m, err
}
