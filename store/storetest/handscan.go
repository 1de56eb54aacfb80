package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/racking"
	"rackwright/store"
)

// handscans is what scanned codes bind.
func handscans() chapter {
	return chapter{
		"a scan binds only where its caller may, as things stand when it is written": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			elsewhere := store.Bounded(b.ctx(), access.Scope{Racks: []string{"r9"}})
			_, err := b.ScanCodes(elsewhere, []string{"rw:slot:r1:1", "SN-NEW"}, "", nil, true, "ada")
			refused(t, err, fault.NotFound)
			same(t, "phase", b.machine("n1").Phase, inventory.Planned)
			must(b.ScanCodes(store.Bounded(b.ctx(), access.Scope{Racks: []string{"r1"}}), []string{"rw:slot:r1:1", "SN-NEW"}, "", nil, true, "ada"))(t)
		},
		"a cache speaks only where its caller may, and takes no other's name": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			within := func(racks ...string) context.Context { return store.Bounded(b.ctx(), access.Scope{Racks: racks}) }
			c := images.Cache{Name: "c1", URL: "http://10.0.0.9:8088", Rack: "r1"}
			_, err := b.BeatCache(within("r9"), c, "cache")
			refused(t, err, fault.NotFound)
			must(b.BeatCache(within("r1"), c, "cache"))(t)
			c.Rack, c.Site = "", "elsewhere"
			_, err = b.BeatCache(store.Bounded(b.ctx(), access.Scope{Sites: []string{"elsewhere"}}), c, "cache")
			refused(t, err, fault.Conflict)
			same(t, "stands", must(b.Caches(b.ctx()))(t)[0].Rack, "r1")
		},
		"of two that take a name at once one is told of the other": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			var taken atomic.Int32
			race(4, func(i int) {
				site := fmt.Sprintf("s%d", i)
				c := images.Cache{Name: "c1", URL: "http://10.0.0.9:8088", Site: site}
				if _, err := b.BeatCache(store.Bounded(b.ctx(), access.Scope{Sites: []string{site}}), c, "cache"); err == nil {
					taken.Add(1)
				}
			})
			same(t, "taken", taken.Load(), int32(1))
		},
		"a confirmed scan learns what the plan did not say, mounts and racks": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			s := must(b.ScanCodes(b.ctx(), []string{"rw:slot:r1:1", "SN-NEW", "AA-BB-CC-00-11-22"}, "", nil, false, "ada"))(t)
			if s.Bound || len(s.Binding.Set) != 2 || s.Binding.Phase != inventory.Racked {
				t.Errorf("unconfirmed: %+v", s)
			}
			same(t, "phase before", b.machine("n1").Phase, inventory.Planned)
			s = must(b.scan("rw:slot:r1:1", "SN-NEW", "AA-BB-CC-00-11-22", "asset:A-1"))(t)
			m := b.machine("n1")
			if !s.Bound || m.Serial != "SN-NEW" || m.AssetTag != "A-1" || m.BMC.MAC.String() != "aa:bb:cc:00:11:22" || m.Phase != inventory.Racked {
				t.Errorf("bound %v: %+v", s.Bound, m)
			}
			for _, n := range []racking.StepName{racking.Receive, racking.Mount} {
				if st := b.step("n1", n); st.State != racking.Done || st.Evidence[0].By != "ada" || !strings.HasPrefix(st.Evidence[0].Says, "scanned serial SN-NEW") {
					t.Errorf("%s: %+v", n, st)
				}
			}
			same(t, "identifiers", b.count("SELECT count(*) FROM identifier WHERE source = 'scan'"), 3)
			same(t, "event", b.count("SELECT count(*) FROM event WHERE kind = 'rack.scan' AND actor = 'ada' AND machine_name = 'n1'"), 1)
			b.clock.Turn(time.Minute)
			if again := must(b.scan("rw:slot:r1:1", "SN-NEW"))(t); len(again.Binding.Set) != 0 || len(again.Binding.Agree) != 1 {
				t.Errorf("a second scan: %+v", again.Binding)
			}
			if r := must(b.ScanCodes(b.ctx(), []string{"a-1"}, "", nil, false, "ada"))(t).Codes[0]; r.Owner != "n1" || r.Is != "asset-tag" {
				t.Errorf("the asset tag is %+v", r)
			}
		},
		"a plan that does not say it keeps what a scan learned": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			must(b.scan("rw:slot:r1:1", "SN-NEW", "AA-BB-CC-00-11-22", "asset:A-1"))(t)
			must(b.scan("rw:machine:leaf-1", "SW-9"))(t)
			p := rackPlan()
			p.Racks[0].Machines[0].Labels = map[string]string{"new": "label"}
			p.Racks[0].Devices[0].Labels = map[string]string{"new": "label"}
			b.apply(p)
			m, d := b.machine("n1"), must(b.Devices(b.ctx(), "r1"))(t)[0]
			same(t, "machine and device", []string{m.Serial, m.AssetTag, m.BMC.MAC.String(), d.Serial}, []string{"SN-NEW", "A-1", "aa:bb:cc:00:11:22", "SW-9"})
		},
		"what is scanned and what was seen on the wire agree, and it is discovered": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			id := b.machine("n2").ID
			must(b.Witness(b.ctx(), id, inventory.Evidence{Source: "dhcp", MACs: []inventory.MAC{mac(2)}}))(t)
			s := must(b.ScanCodes(b.ctx(), []string{"rw:slot:r1:2", "SN-2"}, "", nil, false, "ada"))(t)
			same(t, "phase to come", s.Binding.Phase, inventory.Discovered)
			must(b.scan("rw:slot:r1:2", "SN-2"))(t)
			same(t, "phase", b.machine("n2").Phase, inventory.Discovered)
			if st := b.step("n2", racking.Seen); st.State != racking.Done || st.Evidence[0].Says != "discovered: mac and serial agree" {
				t.Errorf("%+v", st)
			}
		},
		"what was seen on the wire speaks against what is scanned": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			must(b.Witness(b.ctx(), b.machine("n1").ID, inventory.Evidence{Source: "agent", Serial: "SN-REAL", MACs: []inventory.MAC{mac(1)}}))(t)
			must(b.scan("rw:slot:r1:1", "SN-NEW"))(t)
			m := b.machine("n1")
			if m.Phase != inventory.Racked || len(m.Conditions) != 1 || !strings.Contains(m.Conditions[0].Evidence, "plan has SN-NEW, agent saw SN-REAL") {
				t.Errorf("%s, %+v", m.Phase, m.Conditions)
			}
		},
		"a scan that contradicts the plan or another machine writes nothing": func(t *testing.T, b *bench) {
			p := rackPlan()
			p.Racks = append(p.Racks, plan.Rack{Name: "r2", Machines: []plan.Machine{{Name: "m1", U: 1, Vendor: "Acme", Serial: "SN-77"}}})
			b.apply(p)
			for says, codes := range map[string][]string{
				"n2's serial number, r1 u2; you stand at r1 u1 (n1)":    {"rw:slot:r1:1", "SN-2"},
				"m1's serial number, r2 u1; you stand at r1 u1 (n1)":    {"rw:slot:r1:1", "sn-77"},
				"the plan has serial SN-2 for n2 in r1 u2, SN-8 was sc": {"rw:slot:r1:2", "SN-8"},
				"n2's NIC": {"rw:machine:n1", mac(2).String()},
			} {
				_, err := b.scan(codes...)
				if said := refused(t, err, fault.Conflict); !strings.Contains(said, says) {
					t.Errorf("%q does not say %q", said, says)
				}
			}
			_, err := b.scan("SN-2")
			refused(t, err, fault.Invalid)
			_, err = b.ScanCodes(b.ctx(), []string{"SN-2"}, "r9", nil, false, "ada")
			refused(t, err, fault.NotFound)
			same(t, "identifiers", b.count("SELECT count(*) FROM identifier"), 0)
			same(t, "marks", b.count("SELECT count(*) FROM racking_mark"), 0)
		},
		"a serial number that two scan at once goes to one machine": func(t *testing.T, b *bench) {
			p := rackPlan()
			p.Racks[0].Machines[1].Serial = ""
			b.apply(p)
			errs := make([]error, 2)
			race(2, func(i int) { _, errs[i] = b.scan([]string{"rw:machine:n1", "rw:machine:n2"}[i], "SN-ONE") })
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("%v, %v", errs[0], errs[1])
			}
			same(t, "machines with it", b.count("SELECT count(*) FROM machine WHERE serial = 'SN-ONE'"), 1)
		},
		"a switch is scanned into its place": func(t *testing.T, b *bench) {
			b.apply(rackPlan())
			must(b.ScanCodes(b.ctx(), []string{"SW-9"}, "r1", &racking.Spot{U: 40}, true, "ada"))(t)
			same(t, "serial", must(b.Devices(b.ctx(), "r1"))(t)[0].Serial, "SW-9")
			same(t, "mounted", b.step("leaf-1", racking.Mount).State, racking.Done)
			if r := must(b.ScanCodes(b.ctx(), []string{"sw-9", "rw:cable:C-1"}, "", nil, false, "ada"))(t); r.Codes[0].Owner != "leaf-1" || r.Codes[1].Owner != "n1" {
				t.Errorf("%+v", r.Codes)
			}
		},
	}
}
