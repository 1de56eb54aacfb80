package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/audit"
	"rackwright/fault"
	"rackwright/fleet"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/racking"
	"rackwright/journal"
	"rackwright/store"
	"rackwright/webhook"
)

// walked reads a list two by two in an order and the other way round, and expects the same.
// more makes another one after the first page, which comes too late for who began before.
func walked[T any](t *testing.T, word string, want int, read func(store.Page) ([]T, error), key func(T) []string, more func()) {
	t.Helper()
	var ways [2][]string
	for i, sort := range []string{word, "-" + word} {
		p := store.Page{Sort: sort, Limit: 2}
		for range want + 2 {
			list := must(read(p))(t)
			if len(list) == 0 {
				break
			}
			for _, v := range list {
				p.After = key(v)
				ways[i] = append(ways[i], fmt.Sprint(p.After))
			}
			if sort[0] == '-' && len(ways[i]) == 2 && more != nil {
				more()
			}
		}
	}
	slices.Reverse(ways[1])
	same(t, word, ways[1], ways[0])
	same(t, word+": how many", len(ways[0]), want)
	for _, bad := range [][]string{{"a", "b", "c"}, {}} {
		_, err := read(store.Page{Sort: word, After: bad})
		refused(t, err, fault.Invalid)
	}
}

func stamp(at time.Time, id string) []string {
	return []string{at.UTC().Format(time.RFC3339Nano), id}
}

// growing are the lists that grow for as long as a site is used.
func growing() chapter {
	turn := func(b *bench, i int) { // several are of one time
		if i%2 == 0 {
			b.clock.Turn(time.Second)
		}
	}
	return chapter{
		"what waits for a second person is read page by page": func(t *testing.T, b *bench) {
			ask := func() {
				must(b.Weigh(b.ctx(), audit.Approval{Actor: "ann", CallerID: "t1", Route: "erase-machine", Machines: 9}, 1, nil))(t)
			}
			for i := range 5 {
				ask()
				turn(b, i)
			}
			walked(t, "asked", 5, func(p store.Page) ([]audit.Approval, error) {
				return b.Approvals(b.ctx(), store.ApprovalFilter{Waiting: true, Page: p})
			}, func(a audit.Approval) []string { return stamp(a.Asked, a.ID) }, func() { b.clock.Turn(time.Second); ask() })
		},
		"deliveries of one webhook are read page by page": func(t *testing.T, b *bench) {
			hooked(t, b, "other")
			hooked(t, b, "chat")
			for range 5 {
				must(b.TestWebhook(b.ctx(), "chat"))(t)
				must(b.TestWebhook(b.ctx(), "other"))(t)
			}
			walked(t, "created", 5, func(p store.Page) ([]webhook.Delivery, error) {
				return b.Deliveries(b.ctx(), "chat", store.DeliveryFilter{State: "pending", Page: p})
			}, func(d webhook.Delivery) []string { return []string{d.ID} }, func() { must(b.TestWebhook(b.ctx(), "chat"))(t) })
		},
		"a machine's parts are read page by page": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			b.sees("n1", observed(b, 1))
			b.sees("n2", observed(b, 2))
			walked(t, "seen", 5, func(p store.Page) ([]inventory.Part, error) {
				return b.Parts(b.ctx(), store.PartFilter{Machine: "n1", Page: p})
			}, func(p inventory.Part) []string { return []string{strconv.FormatInt(p.ID, 10)} }, nil)
			_, err := b.Parts(b.ctx(), store.PartFilter{Machine: "n1", Page: store.Page{After: []string{"x"}}})
			refused(t, err, fault.Invalid)
		},
		"rollouts are read page by page, and campaigns are none": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			m, order := b.machine("n1"), b.image("debian")
			for i := range 5 {
				f := must(fleet.New(fleet.Rollout, fmt.Sprintf("f%d", i), fleet.Terms{AllReady: true, MaxFailures: 5},
					[]fleet.Member{{Machine: m.ID, Name: m.Name, Rack: "r1", Domain: "r1", State: fleet.Waiting}}))(t)
				f.Image, f.Digest = order.Image, order.Digest
				ok(t, b.CreateFleet(b.ctx(), f, order, "ann"))
				turn(b, i)
			}
			walked(t, "created", 5, func(p store.Page) ([]fleet.Fleet, error) { return b.Fleets(b.ctx(), fleet.Rollout, p) },
				func(f fleet.Fleet) []string { return stamp(f.Created, f.ID) }, nil)
			same(t, "campaigns", len(must(b.Fleets(b.ctx(), fleet.Campaign, store.Page{}))(t)), 0)
		},
		"imports and sign-offs are read page by page": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			b.waiveAll()
			for i := range 5 {
				ok(t, b.CreateImageImport(b.ctx(), &images.Import{Name: fmt.Sprintf("i%d", i), Kind: images.KindDisk, State: images.Queued}))
				must(b.SignOffRack(b.ctx(), "r1", "", "carl"))(t)
				turn(b, i)
			}
			walked(t, "created", 5, func(p store.Page) ([]images.Import, error) { return b.ImageImports(b.ctx(), p) },
				func(i images.Import) []string { return stamp(i.Created, i.ID) }, nil)
			walked(t, "at", 5, func(p store.Page) ([]racking.SignOff, error) { return b.SignOffs(b.ctx(), "r1", p) },
				func(r racking.SignOff) []string { return stamp(r.At, r.ID) }, nil)
		},
		"strange BMCs are read page by page while more come": func(t *testing.T, b *bench) {
			for i := range 5 {
				must(b.AddStrangeBMC(b.ctx(), inventory.StrangeBMC{MAC: mac(500 + i)}))(t)
				turn(b, i)
			}
			walked(t, "since", 5, func(p store.Page) ([]inventory.StrangeBMC, error) { return b.StrangeBMCs(b.ctx(), p) },
				func(s inventory.StrangeBMC) []string { return stamp(s.Since, s.MAC.String()) }, func() {
					b.clock.Turn(time.Second)
					must(b.AddStrangeBMC(b.ctx(), inventory.StrangeBMC{MAC: mac(600)}))(t)
				})
		},
		"a site tells its rooms and phases, as far as a scope reaches": func(t *testing.T, b *bench) {
			p := planOf(3)
			p.Racks[0].Room = "hall-1"
			p.Racks = append(p.Racks, plan.Rack{Name: "r2", Devices: []plan.Device{{Name: "sw", Kind: "switch", U: 40}}})
			b.apply(p)
			b.apply(plan.Plan{Site: "moon", Racks: []plan.Rack{{Name: "m1"}}})
			all := must(b.Sites(b.ctx(), access.Scope{}))(t)
			if len(all) != 2 || all[0].Name != p.Site || all[0].Racks != 2 || all[0].Machines != 3 || all[0].Phases[inventory.Planned] != 3 ||
				!slices.Equal(all[0].Rooms, []inventory.Room{{Racks: 1}, {Name: "hall-1", Racks: 1}}) || all[1].Machines != 0 {
				t.Errorf("%+v", all)
			}
			some := must(b.Sites(b.ctx(), access.Scope{Racks: []string{"r2"}}))(t)
			if len(some) != 1 || some[0].Racks != 1 || some[0].Machines != 0 {
				t.Errorf("of one rack: %+v", some)
			}
			same(t, "device", must(b.Device(b.ctx(), "sw"))(t).Slot.Rack, "r2")
			_, err := b.Device(b.ctx(), "none")
			refused(t, err, fault.NotFound)
			n := b.provision()
			l := must(b.lend(mac(200), n, addr("10.0.0.100")))(t)
			same(t, "lease", must(b.Lease(b.ctx(), n.Name, "10.0.0.100"))(t).MAC, l.MAC)
			for _, none := range []string{"10.0.0.9", "fe80::1"} {
				_, err = b.Lease(b.ctx(), n.Name, none)
				refused(t, err, fault.NotFound)
			}
		},
		"events are read up to one as well": func(t *testing.T, b *bench) {
			ok(t, b.AppendEvents(b.ctx(), []journal.Event{{Kind: journal.OpState, Summary: "1"}, {Kind: journal.OpState, Summary: "2"}, {Kind: journal.OpState, Summary: "3"}}))
			last := must(b.LastEvent(b.ctx()))(t)
			list := must(b.Events(b.ctx(), store.EventFilter{Until: last - 1, Newest: true, Limit: 1}))(t)
			if len(list) != 1 || list[0].Summary != "2" {
				t.Errorf("%+v", list)
			}
		},
		"entries of the audit are found by the id of their request": func(t *testing.T, b *bench) {
			for _, id := range []string{"q1", "q2", "q1", ""} {
				must(b.AppendAudit(b.ctx(), audit.Record{Stage: audit.Asked, Actor: "ann", Request: id}))(t)
			}
			same(t, "of q1", len(must(b.Audit(b.ctx(), store.AuditFilter{Request: "q1"}))(t)), 2)
		},
	}
}
