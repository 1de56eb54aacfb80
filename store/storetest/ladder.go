package storetest

import (
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
)

func ladders() chapter {
	return chapter{
		"the loader that worked for a model reaches the view, is moved from where it stood only, and is forgotten": func(t *testing.T, b *bench) {
			p := planOf(1)
			p.Racks[0].Machines[0].Model = "blade"
			b.apply(p)
			v := must(b.View(b.ctx()))(t)
			for _, now := range []boot.Rung{{Kind: boot.Shim}, {Worked: true}} {
				ok(t, b.SetRung(b.ctx(), "blade", v.RungOf("blade"), now, "server"))
				if err := b.SetRung(b.ctx(), "blade", v.RungOf("blade"), boot.Rung{Kind: boot.SNP}, "server"); !fault.Is(err, fault.Conflict) {
					t.Errorf("moved from where it is no more: %v", err)
				}
				v = follow(t, b, v)
				for what, v := range map[string]*boot.View{"followed": v, "read anew": must(b.View(b.ctx()))(t)} {
					same(t, what, v.RungOf("blade"), now)
					same(t, what+", its loader", v.LoaderOf(v.Host(mac(1))), now.Kind)
				}
			}
			ok(t, b.ResetRung(b.ctx(), "blade"))
			same(t, "forgotten", follow(t, b, v).RungOf("blade"), boot.Rung{})
			if err := b.ResetRung(b.ctx(), "blade"); !fault.Is(err, fault.NotFound) {
				t.Errorf("forgotten twice: %v", err)
			}
		},
		"a machine's BMC was told of its power within a span, done or not": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			id, at := b.machine("n1").ID, b.clock.Now()
			tell := func(kind journal.Kind, after time.Duration, detail map[string]any) {
				ok(t, b.AppendEvents(b.ctx(), []journal.Event{{At: at.Add(after), Kind: kind, Machine: id, Detail: detail}}))
			}
			tell(journal.BMCAction, 0, map[string]any{"power": "cycle"})
			tell(journal.BMCAction, time.Minute, map[string]any{"login": "factory"})
			tell(journal.DHCPAnswered, time.Minute, map[string]any{"power": "no BMC said so"})
			tell(journal.BMCFailed, 2*time.Minute, map[string]any{"power": "off"})
			for _, c := range []struct {
				machine  string
				from, to time.Duration
				want     bool
			}{{id, 0, 0, true}, {id, -time.Second, time.Second, true}, {id, time.Second, 119 * time.Second, false}, {id, time.Second, 2 * time.Minute, true}, {b.machine("n2").ID, 0, time.Hour, false}} {
				if got := must(b.Powered(b.ctx(), c.machine, at.Add(c.from), at.Add(c.to)))(t); got != c.want {
					t.Errorf("from %s to %s: %t", c.from, c.to, got)
				}
			}
		},
	}
}
