package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// token gives one.
func (b *bench) token(g access.Grant, secret string) *access.Token {
	b.t.Helper()
	return must(b.AddToken(b.ctx(), g, secret, "tester"))(b.t)
}

// halls is a plan of two racks, r1 with machines n1 and n2 of projects p1 and p2, r2 with n3.
func halls() plan.Plan {
	p := planOf(3)
	p.Projects = append(p.Projects, plan.Project{Name: "p1"}, plan.Project{Name: "p2"})
	machines := p.Racks[0].Machines
	machines[0].Project, machines[1].Project, machines[2].Project = "p1", "p2", "p1"
	other := plan.Rack{Name: "r2", Units: p.Racks[0].Units, Machines: machines[2:]}
	p.Racks[0].Machines = machines[:2]
	p.Racks = append(p.Racks, other)
	return p
}

func tokens() chapter {
	ops := func(name string) access.Grant { return access.Grant{Name: name, Role: access.Operator} }
	return chapter{
		"a token opens what it was given for, and says who gave it when": func(t *testing.T, b *bench) {
			b.apply(halls())
			until := b.clock.Now().Add(time.Hour)
			g := access.Grant{Name: "ci", Role: access.Technician, Expires: until, Scope: access.Scope{Sites: []string{"lab"}, Racks: []string{"r1", "r2"}, Projects: []string{"p1"}}}
			made := b.token(g, "rw_ci")
			same(t, "token", must(b.TokenOf(b.ctx(), "rw_ci"))(t), *made)
			want := access.Token{ID: made.ID, Name: "ci", Role: access.Technician, Scope: g.Scope, Created: b.clock.Now(), By: "tester", Expires: until, Door: access.ByToken}
			same(t, "token", *made, want)
			same(t, "by name", *must(b.Token(b.ctx(), "ci"))(t), want)
			same(t, "by id", *must(b.Token(b.ctx(), strings.ToUpper(made.ID)))(t), want)
		},
		"a token that is not known is told from one that is good no more": func(t *testing.T, b *bench) {
			b.token(ops("ci"), "rw_ci")
			_, err := b.TokenOf(b.ctx(), "rw_other")
			refused(t, err, fault.Denied)
			if !errors.Is(err, access.ErrUnknown) {
				t.Errorf("unknown: %v", err)
			}
			must(b.RevokeToken(b.ctx(), "ci"))(t)
			_, err = b.TokenOf(b.ctx(), "rw_ci")
			if said := refused(t, err, fault.Denied); errors.Is(err, access.ErrUnknown) || !strings.Contains(said, "revoked") {
				t.Errorf("revoked: %v", err)
			}
		},
		"a token expires to the second, also when it is remembered": func(t *testing.T, b *bench) {
			g := ops("ci")
			g.Expires = b.clock.Now().Add(store.TokenMemory / 2)
			b.token(g, "rw_ci")
			must(b.TokenOf(b.ctx(), "rw_ci"))(t)
			b.clock.Turn(store.TokenMemory / 2)
			_, err := b.TokenOf(b.ctx(), "rw_ci")
			refused(t, err, fault.Denied)
		},
		"a revoked token opens nothing at once here, and elsewhere after a few seconds": func(t *testing.T, b *bench) {
			b.token(ops("ci"), "rw_ci")
			must(b.TokenOf(b.ctx(), "rw_ci"))(t)
			if _, err := b.raw().ExecContext(b.ctx(), `UPDATE token SET revoked_at = created_at`); err != nil { // as another server does
				t.Fatal(err)
			}
			b.clock.Turn(store.TokenMemory - time.Millisecond)
			must(b.TokenOf(b.ctx(), "rw_ci"))(t)
			b.clock.Turn(time.Millisecond)
			_, err := b.TokenOf(b.ctx(), "rw_ci")
			refused(t, err, fault.Denied)
			b.token(ops("ci"), "rw_ci2")
			must(b.TokenOf(b.ctx(), "rw_ci2"))(t)
			gone := must(b.RevokeToken(b.ctx(), "ci"))(t)
			if !gone.Revoked.Equal(b.clock.Now()) {
				t.Errorf("revoked at %s", gone.Revoked)
			}
			_, err = b.TokenOf(b.ctx(), "rw_ci2")
			refused(t, err, fault.Denied)
		},
		"a revoked token's name is free again, and its secret is not": func(t *testing.T, b *bench) {
			first := b.token(ops("ci"), "rw_ci")
			_, err := b.AddToken(b.ctx(), ops("ci"), "rw_other", "tester")
			refused(t, err, fault.Conflict)
			must(b.RevokeToken(b.ctx(), "ci"))(t)
			_, err = b.Token(b.ctx(), "ci")
			refused(t, err, fault.NotFound)
			second := b.token(ops("ci"), "rw_second")
			list := must(b.Tokens(b.ctx(), true))(t)
			if len(list) != 2 || list[0].ID != second.ID || list[1].ID != first.ID {
				t.Errorf("got %+v", list)
			}
			same(t, "good ones", len(must(b.Tokens(b.ctx(), false))(t)), 1)
			again := must(b.RevokeToken(b.ctx(), first.ID))(t)
			same(t, "revoked", again.Revoked, list[1].Revoked)
			_, err = b.RotateToken(b.ctx(), first.ID, "rw_third", time.Time{})
			refused(t, err, fault.Conflict)
		},
		"a rotated token has another secret and is the same else": func(t *testing.T, b *bench) {
			made := b.token(ops("ci"), "rw_one")
			must(b.TokenOf(b.ctx(), "rw_one"))(t)
			later := b.clock.Now().Add(time.Hour)
			must(b.RotateToken(b.ctx(), "ci", "rw_two", later))(t)
			_, err := b.TokenOf(b.ctx(), "rw_one")
			refused(t, err, fault.Denied)
			got := must(b.TokenOf(b.ctx(), "rw_two"))(t)
			want := *made
			want.Expires = later
			same(t, "token", got, want)
			same(t, "end, kept", must(b.RotateToken(b.ctx(), "ci", "rw_three", time.Time{}))(t).Expires, later)
		},
		"a scope of what there is not is refused": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			_, err := b.AddToken(b.ctx(), access.Grant{Name: "x", Role: access.Viewer, Scope: access.Scope{Racks: []string{"r1", "r9"}, Projects: []string{"p9"}}}, "rw_x", "tester")
			refused(t, err, fault.Invalid)
			f, _ := errors.AsType[*fault.Error](err)
			if len(f.Fields) != 2 || f.Fields[0].Path != "body.scope.racks[1]" || f.Fields[1].Path != "body.scope.projects[0]" {
				t.Errorf("got %+v", f.Fields)
			}
		},
		"when a token was last used is written down all at once, to the minute": func(t *testing.T, b *bench) {
			b.token(ops("ci"), "rw_ci")
			b.token(ops("idle"), "rw_idle")
			must(b.TokenOf(b.ctx(), "rw_ci"))(t)
			same(t, "before", must(b.Token(b.ctx(), "ci"))(t).LastUsed.IsZero(), true)
			ended, end := context.WithCancel(b.ctx())
			end()
			if b.WriteTokenUse(ended) == nil {
				t.Error("it was written in no time")
			}
			ok(t, b.WriteTokenUse(b.ctx())) // what could not be written is not lost
			same(t, "after", must(b.Token(b.ctx(), "ci"))(t).LastUsed, b.clock.Now().Truncate(time.Minute))
			same(t, "unused", must(b.Token(b.ctx(), "idle"))(t).LastUsed.IsZero(), true)
			ok(t, b.WriteTokenUse(b.ctx()))
			b.clock.Turn(-time.Hour)
			must(b.TokenOf(b.ctx(), "rw_ci"))(t)
			ok(t, b.WriteTokenUse(b.ctx()))
			same(t, "of a clock that went back", must(b.Token(b.ctx(), "ci"))(t).LastUsed, b.clock.Now().Add(time.Hour).Truncate(time.Minute))
		},
		"the first admin's secret is kept, but neither over another nor after it was revoked": func(t *testing.T, b *bench) {
			keep := func(secret string) bool { return must(b.KeepToken(b.ctx(), "admin", access.Admin, secret))(t) }
			same(t, "the first", keep("rw_one"), true)
			same(t, "again", keep("rw_one"), true)
			same(t, "another", keep("rw_two"), false)
			must(b.RotateToken(b.ctx(), "admin", "rw_three", time.Time{}))(t)
			same(t, "the first, rotated", keep("rw_one"), false)
			must(b.RevokeToken(b.ctx(), "admin"))(t)
			same(t, "revoked", keep("rw_three"), false)
			ok(t, b.SetToken(b.ctx(), "admin", access.Admin, "rw_four"))
			same(t, "set by who may write the file", keep("rw_four"), true)
		},
		"two servers that start at once leave one first admin": func(t *testing.T, b *bench) {
			var good [8]bool
			race(len(good), func(i int) {
				good[i], _ = b.KeepToken(context.WithoutCancel(b.ctx()), "admin", access.Admin, "rw_"+strings.Repeat("x", i+1))
			})
			n := 0
			for _, g := range good {
				if g {
					n++
				}
			}
			same(t, "good secrets", n, 1)
			same(t, "tokens", b.count(`SELECT count(*) FROM token`), 1)
		},
		"of those that take a name at once one gets it": func(t *testing.T, b *bench) {
			var errs [6]error
			race(len(errs), func(i int) {
				_, errs[i] = b.AddToken(context.WithoutCancel(b.ctx()), ops("ci"), "rw_"+strings.Repeat("y", i+1), "tester")
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					refused(t, err, fault.Conflict)
				}
			}
			same(t, "winners", won, 1)
		},
	}
}

func scopes() chapter {
	inRack := access.Scope{Racks: []string{"r1"}}
	return chapter{
		"it is known where a machine, a rack and an operation are": func(t *testing.T, b *bench) {
			b.apply(halls())
			want := access.Place{Site: "lab", Rack: "r2", Project: "p1"}
			same(t, "machine", must(b.MachinePlace(b.ctx(), "n3"))(t), want)
			same(t, "machine by id", must(b.MachinePlace(b.ctx(), strings.ToUpper(b.machine("n3").ID)))(t), want)
			same(t, "rack", must(b.RackPlace(b.ctx(), "r2"))(t), access.Place{Site: "lab", Rack: "r2"})
			order := b.image("debian-12")
			op := must(b.CreateOperation(b.ctx(), "deploy", "n3", order, "tester"))(t)
			same(t, "operation", must(b.OperationPlace(b.ctx(), op.ID))(t), want)
			for _, missing := range []func(context.Context, string) (access.Place, error){b.MachinePlace, b.RackPlace, b.OperationPlace} {
				for _, name := range []string{"none", "", "0199a000-0000-7000-8000-000000000001", "\x00\xff", strings.Repeat("x", 5000)} {
					_, err := missing(b.ctx(), name)
					refused(t, err, fault.NotFound)
				}
			}
		},
		"lists have what the scope holds and nothing else": func(t *testing.T, b *bench) {
			b.apply(halls())
			order := b.image("debian-12")
			for _, name := range []string{"n1", "n2", "n3"} {
				must(b.CreateOperation(b.ctx(), "deploy", name, order, "tester"))(t)
			}
			for _, c := range []struct {
				scope           access.Scope
				machines, racks string
			}{
				{access.Scope{}, "n1 n2 n3", "r1 r2"},
				{inRack, "n1 n2", "r1"},
				{access.Scope{Racks: []string{"r2", "r1"}, Sites: []string{"lab"}}, "n1 n2 n3", "r1 r2"},
				{access.Scope{Sites: []string{"elsewhere"}}, "", ""},
				{access.Scope{Projects: []string{"p1"}}, "n1 n3", ""},
				{access.Scope{Projects: []string{"p1", "p2"}}, "n1 n2 n3", ""},
				{access.Scope{Projects: []string{"p1"}, Racks: []string{"r1"}}, "n1", ""},
				{access.Scope{Racks: []string{`r1","r2`, "r{}\\"}}, "", ""},
			} {
				for _, limit := range []int{0, 50} {
					var names []string
					page, _, err := b.MachinePage(b.ctx(), store.MachineFilter{Scope: c.scope, Limit: limit})
					ok(t, err)
					for _, m := range page {
						names = append(names, m.Name)
					}
					same(t, c.scope.String()+": machines", strings.Join(names, " "), c.machines)
				}
				var on, racks, bmcs []string
				for _, o := range must(b.Operations(b.ctx(), store.OperationFilter{Page: store.Page{Scope: c.scope}}))(t) {
					on = append(on, o.Name)
				}
				slices.Sort(on)
				same(t, c.scope.String()+": operations", strings.Join(on, " "), c.machines)
				for _, r := range must(b.RackPage(b.ctx(), store.Page{Scope: c.scope}))(t) {
					racks = append(racks, r.Name)
				}
				same(t, c.scope.String()+": racks", strings.Join(racks, " "), c.racks)
				for _, m := range must(b.BMCsWithin(b.ctx(), c.scope, "", 10))(t) {
					bmcs = append(bmcs, m.Name)
				}
				same(t, c.scope.String()+": BMCs", strings.Join(bmcs, " "), c.machines)
				must(b.DevicePage(b.ctx(), "", store.Page{Scope: c.scope}))(t)
				must(b.CertificatePage(b.ctx(), store.CertificateFilter{}, store.Page{Scope: c.scope}))(t)
				must(b.Parts(b.ctx(), store.PartFilter{Serial: "none", Page: store.Page{Scope: c.scope}}))(t)
			}
		},
		"filters and a scope go together": func(t *testing.T, b *bench) {
			b.apply(halls())
			for want, f := range map[string]store.MachineFilter{
				"n1":    {Project: "p1", Scope: inRack},
				"n2":    {Text: "n2", Scope: inRack},
				"":      {Rack: "r2", Scope: inRack},
				"n1 n2": {Phases: []string{"planned"}, Scope: inRack},
			} {
				for _, limit := range []int{0, 20} {
					f.Limit = limit
					same(t, want, b.found(f), want)
				}
			}
		},
	}
}
