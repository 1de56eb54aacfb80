package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/journal"
	"rackwright/webhook"
)

// maxWebhooks bounds them: every event is held against each.
const maxWebhooks = 200

// WebhookSecrets are what a webhook signs with, the newest first.
type WebhookSecrets []string

func webhookContext(id string) string { return "webhook/" + id + "/secret" }

const webhookColumns = `w.id, w.name, w.url, w.filter, w.state, w.why, w.failures, w.last_ok, w.former_until, w.actor, w.created_at, w.updated_at, w.version,
	(SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'pending'),
	(SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'dead')`

// Webhooks lists the webhooks by name.
func (db *DB) Webhooks(ctx context.Context) ([]webhook.Webhook, error) {
	out, err := webhooks(ctx, db.sql, "1 = 1")
	return out, db.fault(err)
}

// Webhook returns a webhook by id or name.
func (db *DB) Webhook(ctx context.Context, idOrName string) (*webhook.Webhook, error) {
	w, err := webhookOf(ctx, db.sql, idOrName)
	return w, db.fault(err)
}

func webhookOf(ctx context.Context, q queryer, idOrName string) (*webhook.Webhook, error) {
	pick := "w.name = $1"
	if isID(idOrName) {
		pick, idOrName = "w.id = $1", strings.ToLower(idOrName)
	}
	found, err := webhooks(ctx, q, pick, idOrName)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no webhook %.80q", idOrName).WithHint("'rackwright webhook list' shows them")
	}
	return first(found), err
}

func webhooks(ctx context.Context, q queryer, pick string, args ...any) ([]webhook.Webhook, error) {
	return collect(ctx, q, func(scan func(...any) error) (w webhook.Webhook, err error) {
		err = scan(asText{&w.ID}, &w.Name, &w.URL, asJSON{&w.Filter}, &w.State, &w.Why, &w.Failures, asTime{&w.Last}, asTime{&w.Overlap}, &w.Actor,
			asTime{&w.Created}, asTime{&w.Updated}, &w.Version, &w.Waiting, &w.Dead)
		return w, err
	}, `SELECT `+webhookColumns+` FROM webhook w WHERE `+pick+` ORDER BY w.name`, args...)
}

// CreateWebhook begins to tell an address what happens from now on. One of that name is
// Conflict.
func (db *DB) CreateWebhook(ctx context.Context, w *webhook.Webhook, secret, actor string) error {
	err := db.tx(ctx, func(tx *txn) error {
		all, err := webhooks(ctx, tx, "1 = 1")
		if err != nil {
			return err
		}
		if len(all) >= maxWebhooks {
			return fault.Conflictf("there are %d webhooks already", maxWebhooks).WithHint("remove one, or have one receiver pass on what it is told")
		}
		for i := range all {
			if all[i].Name == w.Name {
				return fault.Conflictf("there is a webhook %s already", w.Name).WithHint("give the new one a name of its own")
			}
		}
		now := db.now()
		w.ID, w.Actor, w.Created, w.Updated, w.Version, w.State = newID(), actor, now, now, 1, webhook.Active
		if _, err := exec(ctx, tx, `INSERT INTO webhook (id, name, url, filter, state, why, secret_sealed, former_sealed, cursor, failures, due, lease_owner, lease_until,
				actor, created_at, updated_at, version)
			SELECT $1, $2, $3, $4, $5, '', $6, '', COALESCE((SELECT max(id) FROM event), 0), 0, $7, '', $7, $8, $7, $7, 1`,
			w.ID, w.Name, w.URL, toJSON(w.Filter), w.State, db.seal.Seal([]byte(secret), webhookContext(w.ID)), now, actor); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{webhookEvent(w, actor, "made; it leads to "+w.Host())})
	})
	db.events.wake(everything)
	return err
}

func webhookEvent(w *webhook.Webhook, actor, what string) journal.Event {
	return journal.Event{Kind: journal.Webhook, Actor: actor, Summary: "webhook " + w.Name + ": " + what, Detail: map[string]any{"webhook": w.ID, "state": w.State}}
}

// ChangeWebhook lets a person change a webhook. One that goes on is tried at once.
func (db *DB) ChangeWebhook(ctx context.Context, idOrName, actor string, change func(*webhook.Webhook) error) (*webhook.Webhook, error) {
	var out *webhook.Webhook
	err := db.tx(ctx, func(tx *txn) error {
		w, err := webhookOf(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		was := *w
		if err := change(w); err != nil {
			return err
		}
		out = w
		now := db.now()
		if w.State == webhook.Active {
			w.Why = ""
		}
		n, err := exec(ctx, tx, `UPDATE webhook SET url = $1, filter = $2, state = $3, why = $4, failures = CASE WHEN state = 'active' THEN failures ELSE 0 END,
			due = $5, updated_at = $5, version = version + 1 WHERE id = $6 AND version = $7`, w.URL, toJSON(w.Filter), w.State, w.Why, now, w.ID, was.Version)
		if err == nil && n == 0 {
			err = changedMeanwhile("webhook "+w.Name, "look at it again")
		}
		if err != nil {
			return err
		}
		w.Updated, w.Version = now, was.Version+1
		what := "changed"
		if was.State != w.State {
			what = string(w.State)
		}
		return db.append(ctx, tx, []journal.Event{webhookEvent(w, actor, what)})
	})
	db.events.wake(everything)
	return out, err
}

// RotateWebhook gives a webhook another secret. The one it had signs as well until then.
func (db *DB) RotateWebhook(ctx context.Context, idOrName, secret string, until time.Time, actor string) (*webhook.Webhook, error) {
	var out *webhook.Webhook
	err := db.tx(ctx, func(tx *txn) error {
		w, err := webhookOf(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		n, err := exec(ctx, tx, `UPDATE webhook SET former_sealed = secret_sealed, former_until = $1, secret_sealed = $2, updated_at = $3, version = version + 1
			WHERE id = $4 AND version = $5`, until, db.seal.Seal([]byte(secret), webhookContext(w.ID)), db.now(), w.ID, w.Version)
		if err == nil && n == 0 {
			err = changedMeanwhile("webhook "+w.Name, "look at it again")
		}
		if err != nil {
			return err
		}
		if out, err = webhookOf(ctx, tx, w.ID); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{webhookEvent(w, actor, "has another secret")})
	})
	db.events.wake(everything)
	return out, err
}

// RemoveWebhook forgets a webhook and its deliveries.
func (db *DB) RemoveWebhook(ctx context.Context, idOrName, actor string) error {
	err := db.tx(ctx, func(tx *txn) error {
		w, err := webhookOf(ctx, tx, idOrName)
		if err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `DELETE FROM webhook WHERE id = $1`, w.ID); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{webhookEvent(w, actor, "removed")})
	})
	db.events.wake(everything)
	return err
}

// SecretsOfWebhook returns what a webhook signs with now.
func (db *DB) SecretsOfWebhook(ctx context.Context, id string) (WebhookSecrets, error) {
	var sealed, former string
	var until time.Time
	err := db.sql.QueryRowContext(ctx, `SELECT secret_sealed, former_sealed, former_until FROM webhook WHERE id = $1`, id).Scan(&sealed, &former, asTime{&until})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.NotFoundf("the webhook was removed")
	}
	if err != nil {
		return nil, db.fault(err)
	}
	all := []string{sealed}
	if former != "" && until.After(db.now()) {
		all = append(all, former)
	}
	var out WebhookSecrets
	for _, s := range all {
		plain, err := db.seal.Open(s, webhookContext(id))
		if err != nil {
			return nil, err
		}
		out = append(out, string(plain))
	}
	return out, nil
}
