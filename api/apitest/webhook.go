package apitest

import (
	"context"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/store"
	"rackwright/webhook"
)

// hooks are webhooks in memory. Nobody is told of anything.
type hooks struct {
	list       []webhook.Webhook
	deliveries []webhook.Delivery
}

func (s *Store) hook(name string) (*webhook.Webhook, error) {
	for i := range s.hooks.list {
		if w := &s.hooks.list[i]; w.ID == name || w.Name == name {
			return w, nil
		}
	}
	return nil, fault.NotFoundf("there is no webhook %q", name).WithHint("'rackwright webhook list' shows them")
}

// Webhooks lists webhooks.
func (s *Store) Webhooks(context.Context) ([]webhook.Webhook, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.hooks.list), err
}

// Webhook returns one.
func (s *Store) Webhook(_ context.Context, name string) (*webhook.Webhook, error) {
	return s.changeHook(name, func(*webhook.Webhook) error { return nil })
}

// CreateWebhook adds one.
func (s *Store) CreateWebhook(_ context.Context, w *webhook.Webhook, _, actor string) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	if _, err := s.hook(w.Name); err == nil {
		return fault.Conflictf("there is a webhook %s already", w.Name).WithHint("give the new one a name of its own")
	}
	w.ID, w.Actor, w.Created, w.Updated, w.Version, w.State = s.id("webhook"), actor, s.now(), s.now(), 1, webhook.Active
	s.hooks.list = append(s.hooks.list, *w)
	slices.SortFunc(s.hooks.list, func(a, b webhook.Webhook) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (s *Store) changeHook(name string, change func(*webhook.Webhook) error) (*webhook.Webhook, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	w, err := s.hook(name)
	if err != nil {
		return nil, err
	}
	next := *w
	if err := change(&next); err != nil {
		return nil, err
	}
	*w = next
	return &next, nil
}

// ChangeWebhook changes one.
func (s *Store) ChangeWebhook(_ context.Context, name, _ string, change func(*webhook.Webhook) error) (*webhook.Webhook, error) {
	return s.changeHook(name, func(w *webhook.Webhook) error {
		w.Version++
		return change(w)
	})
}

// RotateWebhook notes until when two secrets sign.
func (s *Store) RotateWebhook(_ context.Context, name, _ string, until time.Time, _ string) (*webhook.Webhook, error) {
	return s.changeHook(name, func(w *webhook.Webhook) error {
		w.Version, w.Overlap = w.Version+1, until
		return nil
	})
}

// RemoveWebhook removes one.
func (s *Store) RemoveWebhook(_ context.Context, name, _ string) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	w, err := s.hook(name)
	if err == nil {
		id := w.ID
		s.hooks.list = slices.DeleteFunc(s.hooks.list, func(w webhook.Webhook) bool { return w.ID == id })
	}
	return err
}

// TestWebhook adds a delivery that is never made.
func (s *Store) TestWebhook(_ context.Context, name string) (*webhook.Delivery, error) {
	var d webhook.Delivery
	_, err := s.changeHook(name, func(w *webhook.Webhook) error {
		d = webhook.Delivery{ID: s.id("delivery"), Webhook: w.ID, State: webhook.Pending, Created: s.now(), Due: s.now()}
		s.hooks.deliveries = append([]webhook.Delivery{d}, s.hooks.deliveries...)
		w.Waiting++
		return nil
	})
	return &d, err
}

// Deliveries lists them.
func (s *Store) Deliveries(_ context.Context, name string, f store.DeliveryFilter) ([]webhook.Delivery, error) {
	var out []webhook.Delivery
	_, err := s.changeHook(name, func(w *webhook.Webhook) error {
		for _, d := range s.hooks.deliveries {
			if d.Webhook == w.ID && (f.State == "" || f.State == string(d.State)) {
				out = append(out, d)
			}
		}
		return nil
	})
	return page(out, f.Page, true, func(d webhook.Delivery) []string { return []string{d.ID} }), err
}

// GiveUp ends the deliveries of a webhook as dead.
func (s *Store) GiveUp(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.hooks.deliveries {
		d := &s.hooks.deliveries[i]
		d.State, d.Error, d.Finished, d.Due = webhook.Dead, why, s.now(), time.Time{}
	}
}

func (s *Store) replay(name string, pick func(*webhook.Delivery) bool) (n int64, err error) {
	_, err = s.changeHook(name, func(w *webhook.Webhook) error {
		for i := range s.hooks.deliveries {
			if d := &s.hooks.deliveries[i]; d.Webhook == w.ID && d.State != webhook.Pending && pick(d) {
				d.State, d.Error, d.Finished, d.Due = webhook.Pending, "", time.Time{}, s.now()
				n++
			}
		}
		return nil
	})
	return n, err
}

// ReplayDelivery makes one pending.
func (s *Store) ReplayDelivery(_ context.Context, name, delivery string) (int64, error) {
	n, err := s.replay(name, func(d *webhook.Delivery) bool { return d.ID == delivery })
	if err == nil && n == 0 {
		err = fault.NotFoundf("there is no such delivery of webhook %s that has ended", name)
	}
	return n, err
}

// ReplayDead makes those that were given up pending.
func (s *Store) ReplayDead(_ context.Context, name string) (int64, error) {
	return s.replay(name, func(d *webhook.Delivery) bool { return d.State == webhook.Dead })
}

// ReplayEvents adds deliveries.
func (s *Store) ReplayEvents(_ context.Context, id string, events []int64) error {
	unlock, err := s.lock()
	defer unlock()
	for _, e := range events {
		s.hooks.deliveries = append(s.hooks.deliveries, webhook.Delivery{ID: s.id("delivery"), Webhook: id, Event: e, State: webhook.Pending, Due: s.now()})
	}
	return err
}

// EventsSince is the id behind which events of a time and later stand.
func (s *Store) EventsSince(_ context.Context, t time.Time) (int64, error) {
	unlock, err := s.lock()
	defer unlock()
	for i := range s.event {
		if !s.event[i].At.Before(t) {
			return int64(i), err
		}
	}
	return int64(len(s.event)), err
}
