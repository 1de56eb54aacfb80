package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/journal"
	"rackwright/webhook"
)

// How long deliveries that have ended are kept.
const (
	keptDelivered = 7 * 24 * time.Hour
	keptDead      = 30 * 24 * time.Hour
)

// WebhookFeed is a webhook and how far in the journal it is.
type WebhookFeed struct {
	webhook.Webhook
	Cursor int64
}

// WebhooksBehind are the active webhooks that have not seen the newest event, and have fewer
// than so many deliveries waiting.
func (db *DB) WebhooksBehind(ctx context.Context, mostWaiting int) ([]WebhookFeed, error) {
	out, err := collect(ctx, db.sql, func(scan func(...any) error) (f WebhookFeed, err error) {
		err = scan(asText{&f.ID}, &f.Name, asJSON{&f.Filter}, &f.Cursor)
		return f, err
	}, `SELECT w.id, w.name, w.filter, w.cursor FROM webhook w WHERE w.state = 'active' AND w.cursor < (SELECT COALESCE(max(id), 0) FROM event)
		AND (SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'pending') < $1 ORDER BY w.cursor`, mostWaiting)
	return out, db.fault(err)
}

// QueueDeliveries makes deliveries of events and moves a webhook on in the journal, both or
// nothing. false: another server did, or the webhook is gone.
func (db *DB) QueueDeliveries(ctx context.Context, id string, from, to int64, events []int64) (moved bool, err error) {
	err = db.tx(ctx, func(tx *txn) error {
		n, err := exec(ctx, tx, `UPDATE webhook SET cursor = $1 WHERE id = $2 AND cursor = $3 AND state = 'active'`, to, id, from)
		if moved = n > 0; err != nil || !moved {
			return err
		}
		return db.insertDeliveries(ctx, tx, id, events, `DO NOTHING`)
	})
	return moved && err == nil, err
}

func (db *DB) insertDeliveries(ctx context.Context, tx *txn, id string, events []int64, conflict string) error {
	for len(events) > 0 {
		part := events[:min(len(events), 100)]
		events = events[len(part):]
		rows, args := []string{}, []any{id, db.now()}
		for _, e := range part {
			args = append(args, newID(), e)
			rows = append(rows, fmt.Sprintf("($%d, $1, $%d, 'pending', 0, $2, 0, '', $2)", len(args)-1, len(args)))
		}
		if _, err := exec(ctx, tx, `INSERT INTO webhook_delivery (id, webhook_id, event_id, state, attempts, due, status, error, created_at) VALUES `+
			strings.Join(rows, ", ")+` ON CONFLICT (webhook_id, event_id) `+conflict, args...); err != nil {
			return err
		}
	}
	return nil
}

// TestWebhook queues a delivery of nothing but a test.
func (db *DB) TestWebhook(ctx context.Context, idOrName string) (*webhook.Delivery, error) {
	w, err := db.Webhook(ctx, idOrName)
	if err != nil {
		return nil, err
	}
	if w.State != webhook.Active {
		return nil, fault.Conflictf("webhook %s is %s", w.Name, w.State).WithHint("'rackwright webhook resume %s' first", w.Name)
	}
	now := db.now()
	d := &webhook.Delivery{ID: newID(), Webhook: w.ID, State: webhook.Pending, Due: now, Created: now}
	_, err = exec(ctx, db.sql, `INSERT INTO webhook_delivery (id, webhook_id, state, attempts, due, status, error, created_at) VALUES ($1, $2, 'pending', 0, $3, 0, '', $3)`, d.ID, w.ID, now)
	if err == nil {
		_, err = exec(ctx, db.sql, `UPDATE webhook SET due = $1 WHERE id = $2`, now, w.ID) // now, although it may have failed
	}
	db.events.wake(everything)
	return d, db.fault(err)
}

// ClaimWebhook lends a webhook that has deliveries to make to owner until now+ttl; nil, nil:
// there is none. While it is lent nobody else sends to it, so it is told in order.
func (db *DB) ClaimWebhook(ctx context.Context, owner string, ttl time.Duration) (*webhook.Webhook, error) {
	var out *webhook.Webhook
	err := db.tx(ctx, func(tx *txn) error {
		out = nil
		now := db.now()
		var id string
		err := tx.QueryRowContext(ctx, `UPDATE webhook SET lease_owner = $1, lease_until = $2
			WHERE id = (SELECT id FROM webhook w WHERE state = 'active' AND due <= $3 AND (lease_owner = '' OR lease_until <= $3)
				AND EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.due <= $3)
				ORDER BY due, id LIMIT 1`+db.dialect.skip+`) RETURNING id`, owner, now.Add(ttl), now).Scan(asText{&id})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = webhookOf(ctx, tx, id)
		return err
	})
	return out, err
}

// FreeWebhook gives a webhook back.
func (db *DB) FreeWebhook(ctx context.Context, id, owner string) error {
	_, err := exec(ctx, db.sql, `UPDATE webhook SET lease_owner = '' WHERE id = $1 AND lease_owner = $2`, id, owner)
	return db.fault(err)
}

const deliveryColumns = `id, webhook_id, event_id, state, attempts, due, status, error, created_at, finished_at`

func readDelivery(scan func(...any) error) (d webhook.Delivery, err error) {
	var event sql.NullInt64
	err = scan(asText{&d.ID}, asText{&d.Webhook}, &event, &d.State, &d.Attempts, asTime{&d.Due}, &d.Status, &d.Error, asTime{&d.Created}, asTime{&d.Finished})
	d.Event = event.Int64
	return d, err
}

// DueDeliveries are those to be made now, in the order of their events; tests first.
func (db *DB) DueDeliveries(ctx context.Context, id string, limit int) ([]webhook.Delivery, error) {
	out, err := collect(ctx, db.sql, readDelivery, `SELECT `+deliveryColumns+` FROM webhook_delivery WHERE webhook_id = $1 AND state = 'pending' AND due <= $2
		ORDER BY COALESCE(event_id, 0), id LIMIT $3`, id, db.now(), limit)
	return out, db.fault(err)
}

// SaveDelivery writes down what an attempt came to, lets the receiver alone until then, and
// lends the webhook on. Conflict: it was lent to another meanwhile, or removed.
func (db *DB) SaveDelivery(ctx context.Context, owner string, ttl time.Duration, d *webhook.Delivery, o webhook.Outcome, until time.Time) error {
	err := db.tx(ctx, func(tx *txn) error {
		now := db.now()
		failures := "failures + 1"
		if o.OK() {
			failures = "0"
		}
		n, err := exec(ctx, tx, `UPDATE webhook SET failures = `+failures+`, last_ok = CASE WHEN $1 THEN $2 ELSE last_ok END, due = CASE WHEN due > $3 THEN due ELSE $3 END,
			lease_until = $4 WHERE id = $5 AND lease_owner = $6`, o.OK(), now, until, now.Add(ttl), d.Webhook, owner)
		if err == nil && n == 0 {
			err = fault.Conflictf("the webhook is in other hands")
		}
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `UPDATE webhook_delivery SET state = $1, attempts = $2, due = $3, status = $4, error = $5, finished_at = $6 WHERE id = $7 AND state = 'pending'`,
			d.State, d.Attempts, timeOrNull(d.Due), d.Status, d.Error, timeOrNull(d.Finished), d.ID); err != nil || !o.Gone() {
			return err
		}
		return db.disableWebhook(ctx, tx, d.Webhook, o.Error)
	})
	if o.Gone() {
		db.events.wake(everything)
	}
	return err
}

func (db *DB) disableWebhook(ctx context.Context, tx *txn, id, why string) error {
	if _, err := exec(ctx, tx, `UPDATE webhook SET state = 'disabled', why = $1, updated_at = $2, version = version + 1 WHERE id = $3`, why, db.now(), id); err != nil {
		return err
	}
	w, err := webhookOf(ctx, tx, id)
	if err != nil {
		return err
	}
	return db.append(ctx, tx, []journal.Event{webhookEvent(w, "server", "disabled: "+why)})
}

// DeliveryFilter narrows a list of deliveries.
type DeliveryFilter struct {
	State string
	Page
}

// Deliveries lists a part of a webhook's deliveries, in the order they were made, newest first.
func (db *DB) Deliveries(ctx context.Context, idOrName string, f DeliveryFilter) ([]webhook.Delivery, error) {
	w, err := db.Webhook(ctx, idOrName)
	if err != nil {
		return nil, err
	}
	where, args := "webhook_id = $1", []any{w.ID}
	if f.State != "" {
		args = append(args, f.State)
		where += fmt.Sprintf(" AND state = $%d", len(args))
	}
	return listed(ctx, db, f.Page, map[string]key{"created": {columns: []string{"id"}}}, "-created", where, args, deliveries)
}

func deliveries(ctx context.Context, q queryer, pick string, args ...any) ([]webhook.Delivery, error) {
	return collect(ctx, q, readDelivery, `SELECT `+deliveryColumns+` FROM webhook_delivery WHERE `+pick, args...)
}

// ReplayDelivery makes a delivery once more, as if it had never been tried.
func (db *DB) ReplayDelivery(ctx context.Context, idOrName, delivery string) (int64, error) {
	if !isID(delivery) {
		return 0, fault.NotFoundf("there is no delivery %.80q", delivery)
	}
	n, err := db.replay(ctx, idOrName, "id = $3", strings.ToLower(delivery))
	if err == nil && n == 0 {
		err = fault.NotFoundf("there is no such delivery of webhook %s that has ended", idOrName).WithHint("'rackwright webhook deliveries %s' shows them", idOrName)
	}
	return n, err
}

// ReplayDead makes all deliveries that were given up once more.
func (db *DB) ReplayDead(ctx context.Context, idOrName string) (int64, error) {
	return db.replay(ctx, idOrName, "state = 'dead'")
}

func (db *DB) replay(ctx context.Context, idOrName, pick string, args ...any) (n int64, err error) {
	err = db.tx(ctx, func(tx *txn) error {
		w, err := webhookOf(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		now := db.now()
		if n, err = exec(ctx, tx, `UPDATE webhook_delivery SET state = 'pending', attempts = 0, due = $2, finished_at = NULL, error = ''
			WHERE webhook_id = $1 AND state <> 'pending' AND `+pick, append([]any{w.ID, now}, args...)...); err != nil {
			return err
		}
		_, err = exec(ctx, tx, `UPDATE webhook SET due = $1 WHERE id = $2`, now, w.ID)
		return err
	})
	db.events.wake(everything)
	return n, err
}

// ReplayEvents delivers events once more, or for the first time.
func (db *DB) ReplayEvents(ctx context.Context, id string, events []int64) error {
	err := db.tx(ctx, func(tx *txn) error {
		if err := db.insertDeliveries(ctx, tx, id, events, `DO UPDATE SET state = 'pending', attempts = 0, due = excluded.due, finished_at = NULL, error = ''`); err != nil {
			return err
		}
		_, err := exec(ctx, tx, `UPDATE webhook SET due = $1 WHERE id = $2`, db.now(), id)
		return err
	})
	db.events.wake(everything)
	return err
}

// EventsSince is the id behind which events of a time and later stand. Ids and times grow
// together but for the moment an event waits to be written.
func (db *DB) EventsSince(ctx context.Context, t time.Time) (int64, error) {
	low := int64(0)
	high, err := db.LastEvent(ctx)
	for err == nil && low < high {
		mid := low + (high-low)/2
		var id int64
		var at time.Time
		if err = db.sql.QueryRowContext(ctx, `SELECT id, at FROM event WHERE id > $1 ORDER BY id LIMIT 1`, mid).Scan(&id, asTime{&at}); err != nil {
			break
		}
		if at.Before(t) {
			low = id
		} else {
			high = mid
		}
	}
	return low, db.fault(err)
}

// PruneDeliveries forgets deliveries that ended long ago.
func (db *DB) PruneDeliveries(ctx context.Context) (int64, error) {
	now := db.now()
	n, err := exec(ctx, db.sql, `DELETE FROM webhook_delivery WHERE finished_at IS NOT NULL AND (state = 'delivered' AND finished_at < $1 OR finished_at < $2)`,
		now.Add(-keptDelivered), now.Add(-keptDead))
	return n, db.fault(err)
}
