package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// OperationFilter narrows a list of operations; empty fields do not.
type OperationFilter struct {
	Machine string   // id or name
	Rack    string   // name of that in which the machine stands
	Kinds   []string // any of these
	States  []string // any of these
	Open    bool     // not ended
	Limit   int      // 0: 100
	Page             // where to go on, and in which order; its own Limit does not count
}

const operationColumns = `o.id, o.kind, o.machine_id, m.name, o.state, o.steps, o.current, o.reason, o.message, o.hint, o.order_sealed,
	o.disk, o.turn, o.actor, o.cancel, o.created_at, o.updated_at, o.finished_at, o.due, o.fence, o.version`

// Operations lists operations, newest first.
func (db *DB) Operations(ctx context.Context, f OperationFilter) ([]deploy.Operation, error) {
	where, args := []string{"true"}, []any{}
	arg := func(clause, v string) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	switch {
	case isID(f.Machine):
		arg("o.machine_id = $%d", strings.ToLower(f.Machine))
	case f.Machine != "":
		arg("m.name = $%d", f.Machine)
	}
	if f.Rack != "" {
		arg("m.rack_id = (SELECT id FROM rack WHERE name = $%d)", f.Rack)
	}
	among := func(column string, words []string) {
		switch len(words) {
		case 0:
		case 1:
			arg(column+" = $%d", words[0])
		default:
			arg(column+db.dialect.oneOf, db.dialect.array(words))
		}
	}
	among("o.kind", f.Kinds)
	among("o.state", f.States)
	if f.Open {
		where = append(where, "o.state IN ('queued', 'running', 'parked')")
	}
	within, args, err := db.operationsWithin(ctx, f.Scope, args)
	if err != nil {
		return nil, db.fault(err)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Page.Limit = f.Limit
	behind, order, args, err := f.Page.behind(operationSorts(), "-created", args)
	if err != nil {
		return nil, err
	}
	out, err := db.operations(ctx, db.sql, strings.Join(where, " AND ")+within+" AND "+behind+order, args...)
	return out, db.fault(err)
}

// Operation returns one operation.
func (db *DB) Operation(ctx context.Context, id string) (*deploy.Operation, error) {
	op, err := db.operation(ctx, db.sql, id)
	return op, db.fault(err)
}

func (db *DB) operation(ctx context.Context, q queryer, id string) (*deploy.Operation, error) {
	missing := fault.NotFoundf("there is no operation %q", id).WithHint("'rackwright operation list' shows them")
	if !isID(id) {
		return nil, missing
	}
	found, err := db.operations(ctx, q, "o.id = $1", strings.ToLower(id))
	if err == nil && len(found) == 0 {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

func (db *DB) operations(ctx context.Context, q queryer, pick string, args ...any) ([]deploy.Operation, error) {
	return collect(ctx, q, db.readOperation, `SELECT `+operationColumns+` FROM operation o JOIN machine m ON m.id = o.machine_id WHERE `+pick, args...)
}

func (db *DB) readOperation(scan func(...any) error) (o deploy.Operation, err error) {
	var sealed string
	err = scan(asText{&o.ID}, &o.Kind, asText{&o.Machine}, &o.Name, &o.State, asJSON{&o.Steps}, &o.Current, &o.Reason, &o.Message, &o.Hint, &sealed,
		&o.Disk, &o.Turn, &o.Actor, &o.Cancel, asTime{&o.Created}, asTime{&o.Updated}, asTime{&o.Finished}, asTime{&o.Due}, &o.Fence, &o.Version)
	if err != nil {
		return o, err
	}
	plain, err := db.seal.Open(sealed, orderContext(o.ID))
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(plain, &o.Order)
}

// orderContext binds a sealed order to its operation: user-data often holds passwords.
func orderContext(operation string) string { return "operation/" + operation + "/order" }

// CreateOperation plans work on a machine and queues it. While another operation holds
// the machine, the answer is Conflict and names it.
func (db *DB) CreateOperation(ctx context.Context, kind deploy.Kind, machineIDorName string, order deploy.Order, actor string) (*deploy.Operation, error) {
	out, _, err := db.CreateOperations(ctx, []Work{{kind, machineIDorName, order}}, actor)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Work is an operation to be made.
type Work struct {
	Kind    deploy.Kind
	Machine string // id or name
	Order   deploy.Order
}

// CreateOperations makes all of them or none; failed is the index of the one that cannot be.
func (db *DB) CreateOperations(ctx context.Context, list []Work, actor string) (out []*deploy.Operation, failed int, err error) {
	turns := make([]int, len(list)) // by machine: two such calls take their locks in one order
	for i := range turns {
		turns[i] = i
	}
	slices.SortStableFunc(turns, func(a, b int) int { return strings.Compare(list[a].Machine, list[b].Machine) })
	err = db.tx(ctx, func(tx *txn) error {
		out = make([]*deploy.Operation, len(list))
		var events []journal.Event
		for _, i := range turns {
			failed = i
			o, err := db.createOperation(ctx, tx, list[i], actor)
			if err != nil {
				return err
			}
			out[i] = o
			events = append(events, operationEvent(o, actor, fmt.Sprintf("%s asked for%s", o.Kind, orderWords(o.Order))))
		}
		return db.append(ctx, tx, events)
	})
	if err != nil {
		return nil, failed, err
	}
	db.work.wake(everything)
	db.changed.wake(everything)
	db.events.wake(everything)
	return out, 0, nil
}

func (db *DB) createOperation(ctx context.Context, tx *txn, w Work, actor string) (*deploy.Operation, error) {
	m, err := db.machineToChange(ctx, tx, w.Machine) // of a hold and new work one sees the other
	if err != nil {
		return nil, err
	}
	if w.Kind != deploy.Locate {
		if err := inventory.Guard(m, actor, deploy.Destructive(w.Kind, w.Order), db.now()); err != nil {
			return nil, err
		}
	}
	steps, err := deploy.Plan(w.Kind, deploy.Subject{Machine: *m, Order: w.Order})
	if err != nil {
		return nil, err
	}
	if err := db.refuseSecond(ctx, tx, w.Kind, m.ID, m.Name); err != nil {
		return nil, err
	}
	if err := db.holdImage(ctx, tx, w.Order); err != nil {
		return nil, err
	}
	if err := db.holdFirmware(ctx, tx, w.Order.Firmware); err != nil {
		return nil, err
	}
	now := db.now()
	out := &deploy.Operation{ID: newID(), Kind: w.Kind, Machine: m.ID, Name: m.Name, State: deploy.Queued, Steps: steps, Order: w.Order,
		Actor: actor, Created: now, Updated: now, Due: now, Version: 1}
	if err := db.insertOperation(ctx, tx, out); err != nil {
		return nil, err
	}
	return out, db.joinFleet(ctx, tx, out, m)
}

func orderWords(o deploy.Order) string {
	if o.Image != "" {
		return ": image " + o.Image
	}
	if o.Power != "" {
		return ": " + o.Power
	}
	if o.Burn != nil {
		return fmt.Sprintf(": %s of %s", time.Duration(o.Burn.Seconds)*time.Second, strings.Join(o.Burn.Wanted(), ", "))
	}
	if o.Firmware != nil {
		return firmwareWords(o.Firmware)
	}
	if o.Locate == "on" {
		return fmt.Sprintf(": locator LED on for %d s", o.Seconds)
	}
	if o.Locate != "" {
		return ": locator LED " + o.Locate
	}
	return ""
}

func operationEvent(o *deploy.Operation, actor, summary string) journal.Event {
	return journal.Event{Kind: journal.OpState, Machine: o.Machine, Name: o.Name, Operation: o.ID, Actor: actor, Summary: summary,
		Detail: map[string]any{"state": o.State, "kind": o.Kind}}
}

// refuseSecond names the operation that is in the way. The index operation_exclusive
// decides a race; this gives the better words.
func (db *DB) refuseSecond(ctx context.Context, tx *txn, kind deploy.Kind, machineID, name string) error {
	if kind == deploy.Locate {
		return db.refuseSecondBlink(ctx, tx, machineID, name)
	}
	open, err := db.operations(ctx, tx, "o.machine_id = $1 AND o.exclusive AND o.state IN ('queued', 'running', 'parked')", machineID)
	if err != nil || len(open) == 0 {
		return err
	}
	if kind == deploy.Power && open[0].State == deploy.Parked {
		return nil // hands at work
	}
	return fault.Conflictf("%s is held by %s %s (%s)", name, open[0].Kind, open[0].ID, open[0].State).
		WithHint("wait for it, or 'rackwright operation cancel %s'", open[0].ID)
}

// refuseSecondBlink: the end of one would darken the other. Work of another kind is in
// nobody's way.
func (db *DB) refuseSecondBlink(ctx context.Context, tx *txn, machineID, name string) error {
	if _, err := db.lock(ctx, tx, `SELECT 1 FROM machine WHERE id = $1`, machineID); err != nil {
		return err
	}
	open, err := db.operations(ctx, tx, "o.machine_id = $1 AND o.kind = $2 AND o.state IN ('queued', 'running', 'parked')", machineID, string(deploy.Locate))
	if err != nil || len(open) == 0 {
		return err
	}
	return fault.Conflictf("%s has the locator LED in hand: operation %s (%s)", name, open[0].ID, open[0].State).
		WithHint("'rackwright machine locate %s --off' ends it", name)
}

// holdImage keeps the image that is ordered from being removed until the operation is
// there to keep it.
func (db *DB) holdImage(ctx context.Context, tx *txn, o deploy.Order) error {
	if o.Image == "" {
		return nil
	}
	found, err := db.lock(ctx, tx, `SELECT 1 FROM image WHERE name = $1 AND digest = $2`, o.Image, o.Digest)
	if err == nil && !found {
		return fault.NotFoundf("there is no image %s with digest %s", o.Image, o.Digest).WithHint("'rackwright image list' shows them")
	}
	return err
}

func (db *DB) insertOperation(ctx context.Context, tx *txn, o *deploy.Operation) error {
	_, err := exec(ctx, tx, `INSERT INTO operation (id, kind, machine_id, state, exclusive, netboots, steps, current, reason, message, hint, order_sealed, image, digest, disk,
			turn, actor, cancel, woken, created_at, updated_at, due, lease_owner, lease_until, fence, version)
		VALUES ($1, $2, $3, $4, $5, $12, $6, 0, '', '', '', $7, $8, $9, '', 0, $10, false, false, $11, $11, $11, '', $11, 0, 1)`,
		o.ID, o.Kind, o.Machine, o.State, o.Kind.Exclusive(), toJSON(o.Steps), db.seal.Seal([]byte(toJSON(o.Order)), orderContext(o.ID)),
		o.Order.Image, o.Order.Digest, o.Actor, o.Created, o.Netboots())
	if err != nil || !o.Netboots() {
		return err
	}
	return bump(ctx, tx, o.Machine)
}

// ClaimOperation takes one operation that is due and that no living worker holds, and
// lends it to owner until now+ttl. nil, nil: nothing is due. Its fence is new: whoever
// held it before can no longer save it. Work on a machine in maintenance waits, but for
// power and to be cancelled.
func (db *DB) ClaimOperation(ctx context.Context, owner string, ttl time.Duration) (*deploy.Operation, error) {
	var out *deploy.Operation
	err := db.tx(ctx, func(tx *txn) error {
		out = nil
		now := db.now()
		var id string
		err := tx.QueryRowContext(ctx, `UPDATE operation SET lease_owner = $1, lease_until = $2, fence = fence + 1, woken = false
			WHERE id = (SELECT id FROM operation WHERE state IN ('queued', 'running') AND due <= $3 AND (lease_owner = '' OR lease_until <= $3)
				AND (cancel OR NOT exclusive OR NOT EXISTS (SELECT 1 FROM machine m WHERE m.id = operation.machine_id AND (m.phase = 'maintenance' OR m.hold_until > $3)))
				ORDER BY due, id LIMIT 1`+db.dialect.skip+`) RETURNING id`, owner, now.Add(ttl), now).Scan(asText{&id})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = db.operation(ctx, tx, id)
		return err
	})
	return out, err
}

// RenewOperation lengthens a lease; Conflict when it was lost.
func (db *DB) RenewOperation(ctx context.Context, id string, fence int64, ttl time.Duration) error {
	n, err := exec(ctx, db.sql, `UPDATE operation SET lease_until = $1 WHERE id = $2 AND fence = $3`, db.now().Add(ttl), id, fence)
	if err == nil && n == 0 {
		return fault.Conflictf("the lease of operation %s was lost", id)
	}
	return db.fault(err)
}

// ReleaseLeases frees everything this database's dead predecessor held; only for the
// one process of an embedded database.
func (db *DB) ReleaseLeases(ctx context.Context) error {
	return db.fault(db.tx(ctx, func(tx *txn) error {
		if _, err := exec(ctx, tx, `UPDATE operation SET lease_owner = '', fence = fence + 1 WHERE lease_owner <> ''`); err != nil {
			return err
		}
		_, err := exec(ctx, tx, `UPDATE fleet SET lease_owner = '', due = $1 WHERE lease_owner <> '' OR state = 'running'`, db.now())
		return err
	}))
}
