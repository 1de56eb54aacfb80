// Package run tells webhooks what happened: it makes deliveries of what is new in the
// journal, and attempts those that are due. Whom, what and when is webhook's to say.
package run

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/webhook"
)

// Store is what the task asks of the database.
type Store interface {
	WebhooksBehind(ctx context.Context, mostWaiting int) ([]store.WebhookFeed, error)
	PlacedEvents(ctx context.Context, f store.EventFilter) ([]journal.Placed, error)
	QueueDeliveries(ctx context.Context, id string, from, to int64, events []int64) (bool, error)
	ClaimWebhook(ctx context.Context, owner string, ttl time.Duration) (*webhook.Webhook, error)
	FreeWebhook(ctx context.Context, id, owner string) error
	SecretsOfWebhook(ctx context.Context, id string) (store.WebhookSecrets, error)
	DueDeliveries(ctx context.Context, id string, limit int) ([]webhook.Delivery, error)
	SaveDelivery(ctx context.Context, owner string, ttl time.Duration, d *webhook.Delivery, o webhook.Outcome, until time.Time) error
	PruneDeliveries(ctx context.Context) (int64, error)
	NewEvents() (<-chan struct{}, func())
}

// Task tells webhooks. Several, in one process or many, may share a database: each webhook
// is in the hands of one at a time.
type Task struct {
	Store  Store
	Log    *slog.Logger
	Now    func() time.Time
	Owner  string // unique to this process
	Allow  webhook.Allow
	AtOnce int            // 0: 16; receivers that are told at a time
	Poll   time.Duration  // 0: 1 s
	Chance func() float64 // nil: at random; spreads attempts

	sender *sender
	claims int // made so far
}

// Bounds of the work.
const (
	lease       = time.Minute // of a webhook, lengthened with each attempt
	atOnce      = 16
	window      = 500    // events looked at for a webhook at a time
	mostWaiting = 10_000 // deliveries of a webhook; what happens then waits in the journal
	turn        = 50     // deliveries until another has its turn
	pruning     = time.Hour
)

// String names the task.
func (t *Task) String() string { return "webhooks" }

// Run tells webhooks until ctx ends. An attempt that runs then is made again.
func (t *Task) Run(ctx context.Context) error {
	t.prepare()
	defer t.sender.close()
	wake, stop := t.Store.NewEvents()
	defer stop()
	tick, prune := time.NewTicker(t.Poll), time.NewTicker(pruning)
	defer tick.Stop()
	defer prune.Stop()
	lanes, ended := sync.WaitGroup{}, make(chan struct{}, 1)
	defer lanes.Wait()
	free := make(chan struct{}, t.AtOnce)
	for {
		if err := t.round(ctx, free, &lanes, ended); err != nil && ctx.Err() == nil {
			t.Log.Warn("webhooks are behind; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-ended:
		case <-tick.C:
		case <-prune.C:
			if _, err := t.Store.PruneDeliveries(ctx); err != nil {
				t.Log.Warn("old deliveries are still there", "error", err)
			}
		}
	}
}

func (t *Task) prepare() {
	if t.AtOnce == 0 {
		t.AtOnce = atOnce
	}
	if t.Poll == 0 {
		t.Poll = time.Second
	}
	if t.Chance == nil {
		t.Chance = rand.Float64
	}
	t.sender = newSender(t.Allow, t.Now)
}

// round makes deliveries of what is new and begins with as many webhooks as there is room.
func (t *Task) round(ctx context.Context, free chan struct{}, lanes *sync.WaitGroup, ended chan<- struct{}) error {
	if err := t.queue(ctx); err != nil {
		return err
	}
	for {
		select {
		case free <- struct{}{}:
		default:
			return nil // one that ends says so
		}
		t.claims++
		owner := fmt.Sprintf("%s#%d", t.Owner, t.claims) // not even this process writes with a lease that lapsed
		w, err := t.Store.ClaimWebhook(ctx, owner, lease)
		if err != nil || w == nil {
			<-free
			return err
		}
		lanes.Go(func() {
			defer func() {
				<-free
				select {
				case ended <- struct{}{}:
				default:
				}
			}()
			t.tell(ctx, owner, w)
		})
	}
}

// queue makes deliveries of the next window of events for each webhook that is behind,
// until none is.
func (t *Task) queue(ctx context.Context) error {
	for ctx.Err() == nil {
		feeds, err := t.Store.WebhooksBehind(ctx, mostWaiting)
		if err != nil || len(feeds) == 0 {
			return err
		}
		pages := map[int64][]journal.Placed{} // most are equally far
		for i := range feeds {
			if err := t.queueOne(ctx, &feeds[i], pages); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (t *Task) queueOne(ctx context.Context, f *store.WebhookFeed, pages map[int64][]journal.Placed) (err error) {
	page, ok := pages[f.Cursor]
	if !ok {
		if page, err = t.Store.PlacedEvents(ctx, store.EventFilter{After: f.Cursor, Limit: window}); err != nil {
			return err
		}
		pages[f.Cursor] = page
	}
	if len(page) == 0 {
		return nil
	}
	var picked []int64
	for i := range page {
		if f.Filter.Match(&page[i]) {
			picked = append(picked, page[i].ID)
		}
	}
	_, err = t.Store.QueueDeliveries(ctx, f.ID, f.Cursor, page[len(page)-1].ID, picked)
	return err
}

// tell makes the deliveries of a webhook that are due, in order, until one fails. Where
// something of ours fails, the webhook is not given back: it is tried again when its lease ends.
func (t *Task) tell(ctx context.Context, owner string, w *webhook.Webhook) {
	var err error
	defer func() {
		if err != nil && ctx.Err() == nil {
			return
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := t.Store.FreeWebhook(last, w.ID, owner); err != nil {
			t.Log.Debug("webhook not given back; its lease ends", "webhook", w.Name, "error", err)
		}
	}()
	secrets, err := t.Store.SecretsOfWebhook(ctx, w.ID)
	if err != nil {
		t.Log.Warn("webhook cannot sign", "webhook", w.Name, "error", err)
		return
	}
	due, err := t.Store.DueDeliveries(ctx, w.ID, turn)
	for i := 0; err == nil && i < len(due) && ctx.Err() == nil; i++ {
		var took bool
		if took, err = t.deliver(ctx, owner, w, &due[i], secrets); !took {
			break
		}
	}
	if err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		t.Log.Warn("a delivery is tried again", "webhook", w.Name, "error", err)
	}
}

// deliver makes one attempt, and reports whether the receiver took it.
func (t *Task) deliver(ctx context.Context, owner string, w *webhook.Webhook, d *webhook.Delivery, secrets []string) (took bool, err error) {
	body, err := t.body(ctx, w, d)
	if err != nil {
		return false, err
	}
	o := t.sender.send(ctx, w.URL, d.ID, body, secrets)
	if ctx.Err() != nil && !o.OK() {
		return false, nil // it was not the receiver who broke off
	}
	if w.Failures++; o.OK() {
		w.Failures = 0
	}
	now := t.Now()
	pause := d.Next(o, w.Failures, now, t.Chance())
	if d.State == webhook.Dead {
		t.Log.Warn("a delivery was given up", "webhook", w.Name, "delivery", d.ID, "event", d.Event, "error", o.Error)
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // what was sent should not be sent again
	defer cancel()
	return o.OK(), t.Store.SaveDelivery(saving, owner, lease, d, o, now.Add(pause))
}

func (t *Task) body(ctx context.Context, w *webhook.Webhook, d *webhook.Delivery) ([]byte, error) {
	if d.Event == 0 {
		return webhook.PayloadOf(webhook.TestEvent(w, d.Created))
	}
	found, err := t.Store.PlacedEvents(ctx, store.EventFilter{After: d.Event - 1, Until: d.Event, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("event %d is gone", d.Event)
	}
	return webhook.PayloadOf(found[0])
}
