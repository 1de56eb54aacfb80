package storetest

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/audit"
	"rackwright/fault"
	"rackwright/store"
)

// entries appends n entries.
func entries(t *testing.T, b *bench, n int) {
	t.Helper()
	for range n {
		must(b.AppendAudit(b.ctx(), audit.Record{Stage: audit.Done, Route: "test", Actor: "ann"}))(t)
	}
}

// chain checks the whole chain of a bench.
func chain(b *bench, expect *audit.Head) error {
	c := audit.Check{Expect: expect}
	all, err := b.Audit(b.ctx(), store.AuditFilter{Limit: 1000})
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := c.Next(e); err != nil {
			return err
		}
	}
	return c.End()
}

// tamper runs statements past the store and past the rules of the schema.
func (b *bench) tamper(t *testing.T, statements ...string) {
	t.Helper()
	for _, trigger := range [][2]string{{"audit_stays", "audit"}, {"audit_kept", "audit"}, {"audit_head_grows", "audit_head"}, {"audit_head_kept", "audit_head"}} {
		if strings.HasPrefix(b.dsn, "postgres") {
			if trigger[0] == "audit_kept" {
				continue
			}
			must(b.raw().ExecContext(b.ctx(), "DROP TRIGGER "+trigger[0]+" ON "+trigger[1]))(t)
			continue
		}
		must(b.raw().ExecContext(b.ctx(), "DROP TRIGGER "+trigger[0]))(t)
	}
	for _, s := range statements {
		must(b.raw().ExecContext(b.ctx(), s))(t)
	}
}

func audits() chapter {
	forged := func(statements ...string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			entries(t, b, 9)
			head := must(b.AuditHead(b.ctx()))(t)
			ok(t, chain(b, &head))
			b.tamper(t, statements...)
			if err := chain(b, &head); err == nil {
				t.Fatal("nobody noticed")
			} else {
				t.Log(err)
			}
		}
	}
	return chapter{
		"an entry is read back as it was written, and its hash holds": func(t *testing.T, b *bench) {
			full := audit.Record{At: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.FixedZone("", 3600)), Stage: audit.Answered, Asks: 7, Actor: "ann", Token: "t1", Role: "admin",
				Address: "2001:db8::1", Request: "r-1", Approval: "a1", Approver: "bob", Method: "POST", Route: "power-machine", Path: "/machines/m1/actions/power", Target: "machine/m1", TargetID: "x",
				Status: 202, Reason: "why \x00 \xff 'not' \u2028", Before: map[string]any{"a": 1, "b": "x\x00y", "c": []string{"é"}}, After: map[string]any{"f": 1e21, "g": nil}}
			for _, e := range []audit.Record{full, {Stage: audit.Done, Route: "x"}} {
				written := must(b.AppendAudit(b.ctx(), e))(t)
				got := must(b.Audit(b.ctx(), store.AuditFilter{After: written.Seq - 1}))(t)
				same(t, "read back", got, []audit.Record{written})
			}
			ok(t, chain(b, nil))
		},
		"entries of one request stand behind each other, all or none": func(t *testing.T, b *bench) {
			entries(t, b, 2)
			all := []audit.Record{{Stage: audit.Answered, Asks: 1, Route: "power-machines"}, {Stage: audit.Answered, Asks: 1, Route: "power-machines", Target: "machine/m1"}}
			ok(t, b.AppendAudits(b.ctx(), all))
			if b.AppendAudits(b.ctx(), append(all, audit.Record{Stage: "nonsense", Route: "x"})) == nil {
				t.Error("an entry of no stage was taken")
			}
			same(t, "of m1", len(must(b.Audit(b.ctx(), store.AuditFilter{Target: "machine/m1"}))(t)), 1)
			same(t, "the end", must(b.AuditHead(b.ctx()))(t).Seq, 4)
			ok(t, chain(b, nil))
		},
		"entries are found by actor, target, route and time, and by what was never answered": func(t *testing.T, b *bench) {
			asked := must(b.AppendAudit(b.ctx(), audit.Record{Stage: audit.Asked, Actor: "ann", Route: "a", Target: "machine/m1", TargetID: "id1"}))(t)
			must(b.AppendAudit(b.ctx(), audit.Record{Stage: audit.Answered, Asks: asked.Seq, Actor: "ann", Route: "a"}))(t)
			b.clock.Turn(time.Hour)
			must(b.AppendAudit(b.ctx(), audit.Record{Stage: audit.Asked, Actor: "bob", Route: "b"}))(t)
			for name, c := range map[string]struct {
				f    store.AuditFilter
				want int
			}{
				"all": {store.AuditFilter{}, 3}, "ann": {store.AuditFilter{Actor: "ann"}, 2}, "by name": {store.AuditFilter{Target: "machine/m1"}, 1}, "by id": {store.AuditFilter{Target: "id1"}, 1},
				"route": {store.AuditFilter{Route: "b"}, 1}, "since": {store.AuditFilter{Since: b.clock.Now()}, 1}, "until": {store.AuditFilter{Until: b.clock.Now()}, 2},
				"open": {store.AuditFilter{Open: true}, 1}, "after": {store.AuditFilter{After: 2}, 1}, "below": {store.AuditFilter{Below: 2}, 1}, "none": {store.AuditFilter{Actor: "ANN"}, 0},
			} {
				same(t, name, len(must(b.Audit(b.ctx(), c.f))(t)), c.want)
			}
			same(t, "newest", must(b.Audit(b.ctx(), store.AuditFilter{Newest: true, Limit: 1}))(t)[0].Seq, int64(3))
		},
		"the entries of many who append at once, in two instances, are one chain without gaps": func(t *testing.T, b *bench) {
			second := b.DB
			if !b.Single() {
				second = b.open(b.dsn)
			}
			const writers, each = 8, 12
			var failed atomic.Int32
			race(writers, func(i int) {
				db := []*store.DB{b.DB, second}[i%2]
				for range each {
					if _, err := db.AppendAudit(b.ctx(), audit.Record{Stage: audit.Done, Route: "test"}); err != nil {
						failed.Add(1)
						b.t.Error(err)
					}
				}
			})
			head := must(b.AuditHead(b.ctx()))(t)
			same(t, "head", head.Seq, int64(writers*each)-int64(failed.Load()))
			ok(t, chain(b, &head))
		},
		"an entry that is not written takes no number": func(t *testing.T, b *bench) {
			entries(t, b, 1)
			_, err := b.AppendAudit(b.ctx(), audit.Record{Stage: "nonsense", Route: "x"})
			if err == nil {
				t.Fatal("the schema took a stage that is none")
			}
			gone, cancel := context.WithCancel(b.ctx())
			cancel()
			if _, err := b.AppendAudit(gone, audit.Record{Stage: audit.Done, Route: "x"}); err == nil {
				t.Fatal("written for one who is gone")
			}
			entries(t, b, 1)
			head := must(b.AuditHead(b.ctx()))(t)
			same(t, "head", head.Seq, int64(2))
			ok(t, chain(b, &head))
		},
		"no entry is changed or removed while the schema's rules stand": func(t *testing.T, b *bench) {
			entries(t, b, 3)
			for _, s := range []string{"UPDATE audit SET actor = 'eve'", "UPDATE audit SET actor = 'eve' WHERE seq = 2", "DELETE FROM audit WHERE seq = 3", "DELETE FROM audit",
				"DELETE FROM audit_head", "UPDATE audit_head SET seq = 1", "UPDATE audit_head SET hash = '" + audit.Genesis + "'"} {
				if _, err := b.raw().ExecContext(b.ctx(), s); err == nil || !strings.Contains(err.Error(), "audit:") {
					t.Errorf("%s: %v", s, err)
				}
			}
			if strings.HasPrefix(b.dsn, "postgres") {
				if _, err := b.raw().ExecContext(b.ctx(), "TRUNCATE audit"); err == nil {
					t.Error("it was emptied")
				}
			}
			head := must(b.AuditHead(b.ctx()))(t)
			ok(t, chain(b, &head))
		},
		"a changed entry is found":            forged("UPDATE audit SET actor = 'eve' WHERE seq = 4"),
		"a changed state is found":            forged("UPDATE audit SET state_after = '{\"x\":1}' WHERE seq = 4"),
		"an entry that is missing is found":   forged("DELETE FROM audit WHERE seq = 4"),
		"a cut end is found by the kept head": forged("DELETE FROM audit WHERE seq > 7", "UPDATE audit_head SET seq = 7"),
		"entries in another order are found":  forged("UPDATE audit SET seq = 99 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5", "UPDATE audit SET seq = 5 WHERE seq = 99"),
		"a chain that was written anew is found by the kept head": func(t *testing.T, b *bench) {
			entries(t, b, 4)
			head := must(b.AuditHead(b.ctx()))(t)
			b.tamper(t, "DELETE FROM audit", "UPDATE audit_head SET seq = 0, hash = '"+audit.Genesis+"'")
			for range 5 {
				must(b.AppendAudit(b.ctx(), audit.Record{Stage: audit.Done, Route: "forged"}))(t)
			}
			ok(t, chain(b, nil))
			if err := chain(b, &head); err == nil || !strings.Contains(err.Error(), "written anew") {
				t.Fatalf("nobody noticed: %v", err)
			}
		},
	}
}

func approvals() chapter {
	weigh := func(t *testing.T, b *bench, actor, id string, n, over int) *audit.Approval {
		t.Helper()
		return must(b.Weigh(b.ctx(), audit.Approval{Actor: actor, CallerID: id, Role: "operator", Route: "erase-machine", Method: "POST", Path: "/machines/m1/actions/erase", Machines: n, Reason: "sold",
			Owner: "owner of " + actor, Subject: "issuer " + actor, Touched: []audit.Touched{{ID: "x", Name: "m1"}}, Asks: map[string]any{"overwrite": true}}, over, []byte(`{"body":"marked-secret"}`)))(t)
	}
	return chapter{
		"destructive requests are summed for an hour, and the one that is too much is kept": func(t *testing.T, b *bench) {
			for range 3 {
				if weigh(t, b, "ann", "t1", 1, 3) != nil {
					t.Fatal("kept too early")
				}
			}
			if weigh(t, b, "ann", "t1", 1, 3) == nil || weigh(t, b, "ann", "other-token", 1, 3) == nil || weigh(t, b, "another name", "t1", 1, 3) == nil {
				t.Error("a fourth went through")
			}
			if weigh(t, b, "bob", "t2", 3, 3) != nil || weigh(t, b, "cid", "t3", 4, 3) == nil {
				t.Error("others are not counted for themselves")
			}
			b.clock.Turn(time.Hour)
			if weigh(t, b, "ann", "t1", 1, 3) != nil {
				t.Error("an hour later it still counts")
			}
			same(t, "waiting", len(must(b.Approvals(b.ctx(), store.ApprovalFilter{Waiting: true}))(t)), 4)
			same(t, "in the journal", b.count("SELECT count(*) FROM event WHERE kind = 'approval'"), 4)
		},
		"what one person destroyed is summed, whichever credential they showed": func(t *testing.T, b *bench) {
			with := func(name, id, owner, subject string) *audit.Approval {
				return must(b.Weigh(b.ctx(), audit.Approval{Actor: name, CallerID: id, Owner: owner, Subject: subject, Route: "erase-machine", Machines: 1, Touched: []audit.Touched{}}, 1, nil))(t)
			}
			if with("login:mia", "s1", "mia", "issuer 7") != nil {
				t.Fatal("kept too early")
			}
			if with("ci", "t1", "Mia", "") == nil || with("mia", "t2", "", "") == nil || with("login:renamed", "s2", "renamed", "issuer 7") == nil {
				t.Error("another way in was counted for itself")
			}
			if with("bob", "t3", "", "") != nil {
				t.Error("another person was not counted for themselves")
			}
		},
		"of many destructive requests at once no more go through than may": func(t *testing.T, b *bench) {
			var through atomic.Int32
			race(12, func(int) {
				kept, err := b.Weigh(b.ctx(), audit.Approval{Actor: "ann", CallerID: "t1", Route: "erase-machine", Machines: 1}, 3, nil)
				if err != nil {
					b.t.Error(err)
				} else if kept == nil {
					through.Add(1)
				}
			})
			same(t, "through", through.Load(), int32(3))
		},
		"a second person decides, once, and the request is given as it was kept": func(t *testing.T, b *bench) {
			a := weigh(t, b, "ann", "t1", 9, 3)
			same(t, "read back", must(b.Approval(b.ctx(), a.ID))(t), a)
			for name, id := range map[string]string{"ann": "t2", "ANN": "t3", "bob": "t1"} {
				_, _, err := b.DecideApproval(b.ctx(), a.ID, audit.Person{Name: name, CallerID: id}, "", true)
				refused(t, err, fault.Denied)
			}
			var won atomic.Int32
			race(4, func(int) {
				got, request, err := b.DecideApproval(b.ctx(), a.ID, audit.Person{Name: "bob", CallerID: "t2"}, "agreed", true)
				if err == nil {
					won.Add(1)
					same(b.t, "request", string(request), `{"body":"marked-secret"}`)
					same(b.t, "state", got.State, audit.Approved)
				}
			})
			same(t, "won", won.Load(), int32(1))
			done := must(b.FinishApproval(b.ctx(), a.ID, 202, "/operations/1"))(t)
			same(t, "done", []any{done.State, done.By, done.Decision, done.Status, done.Location}, []any{audit.ApprovalDone, "bob", "agreed", 202, "/operations/1"})
		},
		"one who asked may take it back, and what is refused or too old is not done": func(t *testing.T, b *bench) {
			a := weigh(t, b, "ann", "t1", 9, 3)
			_, request, err := b.DecideApproval(b.ctx(), a.ID, audit.Person{Name: "ann", CallerID: "t1"}, "a mistake", false)
			ok(t, err)
			same(t, "request", request, []byte(nil))
			_, _, err = b.DecideApproval(b.ctx(), a.ID, audit.Person{Name: "bob", CallerID: "t2"}, "", true)
			refused(t, err, fault.Conflict)
			old := weigh(t, b, "ann", "t1", 9, 3)
			b.clock.Turn(audit.ApprovalTime)
			same(t, "state", must(b.Approval(b.ctx(), old.ID))(t).State, audit.ApprovalStale)
			_, _, err = b.DecideApproval(b.ctx(), old.ID, audit.Person{Name: "bob", CallerID: "t2"}, "", true)
			refused(t, err, fault.Conflict)
			_, err = b.Approval(b.ctx(), "none")
			refused(t, err, fault.NotFound)
		},
		"what was sent is nowhere in clear, and does not open elsewhere": func(t *testing.T, b *bench) {
			a, other := weigh(t, b, "ann", "t1", 9, 3), weigh(t, b, "ann", "t1", 9, 3)
			var sealed sql.NullString
			ok(t, b.raw().QueryRowContext(b.ctx(), "SELECT request_sealed FROM approval WHERE id = $1", a.ID).Scan(&sealed))
			if sealed.String == "" || strings.Contains(sealed.String, "marked-secret") {
				t.Fatalf("kept as %q", sealed.String)
			}
			must(b.raw().ExecContext(b.ctx(), "UPDATE approval SET request_sealed = $1 WHERE id = $2", sealed.String, other.ID))(t)
			_, _, err := b.DecideApproval(b.ctx(), other.ID, audit.Person{Name: "bob", CallerID: "t2"}, "", true)
			if err == nil {
				t.Error("it was opened as another's")
			}
			_, _, err = b.DecideApproval(b.ctx(), a.ID, audit.Person{Name: "bob", CallerID: "t2"}, "", true)
			ok(t, err)
			same(t, "what is left of it", b.count("SELECT count(*) FROM approval WHERE id = $1 AND request_sealed = ''", a.ID), 1)
		},
	}
}
