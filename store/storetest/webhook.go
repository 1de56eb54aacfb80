package storetest

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/webhook"
)

// webhooks is the chapter about who is told of events, and about what streams read.
func webhooks() chapter {
	return chapter{
		"a webhook is kept, its secret sealed, and rotated":              webhookKept,
		"events become deliveries once, whoever queues them":             webhookQueued,
		"a webhook is lent to one, and saved by that one only":           webhookLent,
		"what was given up or happened at a time is delivered once more": webhookReplayed,
		"events know where their machine stands":                         eventsPlaced,
		"an operation is told of by its last event":                      operationsTold,
	}
}

func hooked(t *testing.T, b *bench, name string) *webhook.Webhook {
	t.Helper()
	w := &webhook.Webhook{Name: name, URL: "https://example.net/hook", Filter: journal.Filter{Kinds: []string{"op"}}}
	ok(t, b.CreateWebhook(b.ctx(), w, "whsec_hunter2", "ann"))
	return w
}

func webhookKept(t *testing.T, b *bench) {
	w := hooked(t, b, "chat")
	if got := must(b.Webhook(b.ctx(), "chat"))(t); got.ID != w.ID || got.State != webhook.Active || got.Filter.Kinds[0] != "op" || got.Actor != "ann" {
		t.Errorf("%+v", got)
	}
	if n := b.count(`SELECT count(*) FROM webhook WHERE secret_sealed LIKE '%hunter2%'`); n != 0 {
		t.Error("a secret lies in the clear")
	}
	refused(t, b.CreateWebhook(b.ctx(), &webhook.Webhook{Name: "chat", URL: w.URL}, "x", "ann"), fault.Conflict)
	must(b.RotateWebhook(b.ctx(), "chat", "whsec_new", b.clock.Now().Add(time.Hour), "ann"))(t)
	if s := must(b.SecretsOfWebhook(b.ctx(), w.ID))(t); strings.Join(s, " ") != "whsec_new whsec_hunter2" {
		t.Errorf("%d secrets sign", len(s))
	}
	b.clock.Turn(2 * time.Hour)
	if s := must(b.SecretsOfWebhook(b.ctx(), w.ID))(t); len(s) != 1 {
		t.Errorf("%d secrets sign when the overlap is over", len(s))
	}
	must(b.ChangeWebhook(b.ctx(), "chat", "ann", func(w *webhook.Webhook) error { w.State = webhook.Paused; return nil }))(t)
	_, err := b.TestWebhook(b.ctx(), "chat")
	refused(t, err, fault.Conflict)
	ok(t, b.RemoveWebhook(b.ctx(), "chat", "ann"))
	_, err = b.Webhook(b.ctx(), "chat")
	refused(t, err, fault.NotFound)
}

func webhookQueued(t *testing.T, b *bench) {
	w := hooked(t, b, "chat")
	ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.OpState, Summary: "1"}, {Kind: journal.OpState, Summary: "2"}}))
	behind := must(b.WebhooksBehind(b.ctx(), 100))(t)
	if len(behind) != 1 || behind[0].ID != w.ID {
		t.Fatalf("%+v", behind)
	}
	last, from := must(b.LastEvent(b.ctx()))(t), behind[0].Cursor
	moved := make([]bool, 4)
	race(len(moved), func(i int) { moved[i], _ = b.QueueDeliveries(b.ctx(), w.ID, from, last, []int64{last - 1, last}) })
	n := 0
	for _, m := range moved {
		if m {
			n++
		}
	}
	if list := must(b.Deliveries(b.ctx(), "chat", store.DeliveryFilter{}))(t); n != 1 || len(list) != 2 {
		t.Errorf("%d moved it, %d deliveries", n, len(list))
	}
	if behind = must(b.WebhooksBehind(b.ctx(), 100))(t); len(behind) != 0 {
		t.Errorf("still behind: %+v", behind)
	}
}

func webhookLent(t *testing.T, b *bench) {
	w := hooked(t, b, "chat")
	must(b.TestWebhook(b.ctx(), "chat"))(t)
	one := must(b.ClaimWebhook(b.ctx(), "a", time.Minute))(t)
	if two := must(b.ClaimWebhook(b.ctx(), "b", time.Minute))(t); one == nil || two != nil {
		t.Fatalf("lent to two: %v %v", one, two)
	}
	b.clock.Turn(2 * time.Minute) // a is gone
	if must(b.ClaimWebhook(b.ctx(), "b", time.Minute))(t) == nil {
		t.Fatal("what a dead one held is lent to nobody")
	}
	d := must(b.DueDeliveries(b.ctx(), w.ID, 10))(t)[0]
	bad := webhook.Judge(500, "")
	pause := d.Next(bad, 1, b.clock.Now(), 0.5)
	if err := b.SaveDelivery(b.ctx(), "a", time.Minute, &d, bad, b.clock.Now().Add(pause)); !fault.Is(err, fault.Conflict) {
		t.Errorf("the dead one saved: %v", err)
	}
	ok(t, b.SaveDelivery(b.ctx(), "b", time.Minute, &d, bad, b.clock.Now().Add(pause)))
	ok(t, b.FreeWebhook(b.ctx(), w.ID, "b"))
	if got := must(b.ClaimWebhook(b.ctx(), "c", time.Minute))(t); got != nil {
		t.Error("a receiver that failed is not left alone")
	}
	b.clock.Turn(pause + time.Second)
	if got := must(b.ClaimWebhook(b.ctx(), "c", time.Minute))(t); got == nil || got.Failures != 1 || got.Waiting != 1 {
		t.Fatalf("%+v", got)
	}
	good := webhook.Judge(204, "")
	d.Next(good, 0, b.clock.Now(), 0.5)
	ok(t, b.SaveDelivery(b.ctx(), "c", time.Minute, &d, good, b.clock.Now()))
	if got := must(b.Webhook(b.ctx(), "chat"))(t); got.Failures != 0 || got.Waiting != 0 || got.Last.IsZero() {
		t.Errorf("%+v", got)
	}
	b.clock.Turn(8 * 24 * time.Hour)
	if n := must(b.PruneDeliveries(b.ctx()))(t); n != 1 {
		t.Errorf("%d pruned", n)
	}
}

func webhookReplayed(t *testing.T, b *bench) {
	w := hooked(t, b, "chat")
	start := b.clock.Now()
	for _, s := range []string{"1", "2", "3"} {
		b.clock.Turn(time.Hour)
		ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.OpState, Summary: s}}))
	}
	at := must(b.EventsSince(b.ctx(), start.Add(90*time.Minute)))(t)
	if page := must(b.PlacedEvents(b.ctx(), store.EventFilter{After: at}))(t); len(page) != 2 || page[0].Summary != "2" {
		t.Fatalf("behind %d: %+v", at, page)
	}
	for range 2 {
		ok(t, b.ReplayEvents(b.ctx(), w.ID, []int64{at + 1}))
	}
	list := must(b.Deliveries(b.ctx(), "chat", store.DeliveryFilter{State: "pending"}))(t)
	if len(list) != 1 || list[0].Event != at+1 {
		t.Fatalf("%+v", list)
	}
	must(b.ClaimWebhook(b.ctx(), "a", time.Minute))(t)
	d := list[0]
	d.State, d.Finished, d.Due, d.Attempts = webhook.Dead, b.clock.Now(), time.Time{}, webhook.Attempts
	ok(t, b.SaveDelivery(b.ctx(), "a", time.Minute, &d, webhook.Judge(500, ""), b.clock.Now()))
	if n := must(b.ReplayDead(b.ctx(), "chat"))(t); n != 1 {
		t.Errorf("%d replayed", n)
	}
	_, err := b.ReplayDelivery(b.ctx(), "chat", d.ID)
	refused(t, err, fault.NotFound) // it waits already
}

func eventsPlaced(t *testing.T, b *bench) {
	b.apply(planOf(2))
	m := must(b.Machines(b.ctx(), store.MachineFilter{}))(t)[0]
	ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.OpStep, Machine: m.ID, Name: m.Name, Summary: "here"}, {Kind: journal.ServerEvent, Summary: "nowhere"}}))
	got := must(b.PlacedEvents(b.ctx(), store.EventFilter{Newest: true, Limit: 2}))(t)
	if len(got) != 2 || got[1].Place.Rack != m.Slot.Rack || got[1].Place.Site == "" || got[0].Place != (journal.Place{}) {
		t.Errorf("%+v", got)
	}
	if own := must(b.PlacedEvents(b.ctx(), store.EventFilter{Machine: m.ID, After: got[1].ID - 1}))(t); len(own) != 1 || own[0].Summary != "here" {
		t.Errorf("%+v", own)
	}
	places := must(b.Places(b.ctx(), []string{m.ID}))(t)
	if places[m.ID].Rack != m.Slot.Rack {
		t.Errorf("%+v", places)
	}
}

func operationsTold(t *testing.T, b *bench) {
	b.apply(planOf(2))
	list := must(b.Machines(b.ctx(), store.MachineFilter{}))(t)
	start := must(b.LastEvent(b.ctx()))(t)
	one := must(b.CreateOperation(b.ctx(), deploy.Inspect, list[0].ID, deploy.Order{}, "ann"))(t)
	between := must(b.LastEvent(b.ctx()))(t)
	two := must(b.CreateOperation(b.ctx(), deploy.Inspect, list[1].ID, deploy.Order{}, "ann"))(t)
	ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.OpStep, Machine: list[0].ID, Operation: one.ID, Summary: "on"}}))
	last := must(b.LastEvent(b.ctx()))(t)
	told := must(b.OperationsTold(b.ctx(), start, last))(t)
	if len(told) != 2 || told[0].ID != two.ID || told[1].ID != one.ID || told[1].Event != last {
		t.Errorf("%+v", told)
	}
	if early := must(b.OperationsTold(b.ctx(), start, between))(t); len(early) != 0 {
		t.Errorf("what is told of later is told early: %+v", early)
	}
	if m := must(b.MachinesTold(b.ctx(), between, last))(t); len(m) != 2 {
		t.Errorf("%+v", m)
	}
	if ops := must(b.OperationsOf(b.ctx(), []string{one.ID, two.ID}))(t); len(ops) != 2 {
		t.Errorf("%+v", ops)
	}
	if ms := must(b.MachinesOf(b.ctx(), []string{list[0].ID}))(t); len(ms) != 1 || ms[0].Facts != nil {
		t.Errorf("%+v", ms)
	}
	if v := must(b.OpenVersions(b.ctx(), 10))(t); len(v) != 2 || v[one.ID] != 1 {
		t.Errorf("%+v", v)
	}
}
