package storetest

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/access"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory/plan"
	"rackwright/store"
)

func secrets() chapter {
	return chapter{
		"no password, order or token stands in the database as it was given": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			order := b.image("debian-12")
			order.UserData, order.SSHKeys = "password: hunter22", []string{"ssh-ed25519 AAAAkey"}
			must(b.CreateOperation(b.ctx(), deploy.Deploy, "n2", order, "tester"))(t)
			ok(t, b.SetToken(b.ctx(), "admin", access.Admin, "rw_secret"))
			everything := b.dump()
			for _, secret := range []string{"correct horse", "hunter22", "AAAAkey", "rw_secret"} {
				if strings.Contains(everything, secret) {
					t.Errorf("%q is readable in the database", secret)
				}
			}
			if !strings.Contains(everything, "https://10.0.1.11") {
				t.Error("the dump is not one: it lacks the BMC's address")
			}
		},
		"a BMC's credentials open for whoever has the key": func(t *testing.T, b *bench) {
			b.apply(fullPlan())
			a := must(b.BMCAccess(b.ctx(), b.machine("n1").ID))(t)
			if a.Address != "https://10.0.1.11" || a.Username != "admin" || a.Password != "correct horse" || a.CertificateSHA256 != fmt.Sprintf("%064x", 77) {
				t.Errorf("got %s, password right: %v", a, a.Password == "correct horse")
			}
			_, err := b.BMCAccess(b.ctx(), b.machine("n2").ID)
			refused(t, err, fault.NotFound)
		},
		"a password moved to another machine's row does not open": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			if _, err := b.raw().ExecContext(b.ctx(), `UPDATE bmc SET password_sealed = (SELECT o.password_sealed FROM bmc o WHERE o.address = 'https://10.0.1.11')
				WHERE address = 'https://10.0.1.12'`); err != nil {
				t.Fatal(err)
			}
			_, err := b.BMCAccess(b.ctx(), b.machine("n2").ID)
			refused(t, err, fault.Denied)
		},
		"with the wrong key it is said that the key is wrong, and a plan with passwords mends it": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			ok(t, b.Close())
			db, err := store.Open(b.ctx(), store.Options{DSN: b.dsn, Sealer: NewSealer("another key")})
			ok(t, err)
			defer db.Close()
			_, err = db.BMCAccess(b.ctx(), id)
			if said := refused(t, err, fault.Denied); !strings.Contains(said, "key") || fault.HintOf(err) == "" {
				t.Errorf("got %q, hint %q", said, fault.HintOf(err))
			}
			d := must(db.ApplyPlan(b.ctx(), planOf(1), "", "tester"))(t)
			same(t, "changes", len(d.Changes), 1)
			same(t, "password", must(db.BMCAccess(b.ctx(), id))(t).Password, "password 1")
		},
		"a changed password is a change of the plan, and is never shown": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			p := planOf(2)
			p.Racks[0].Machines[1].BMC.Password = "changed words"
			d := must(b.DiffPlan(b.ctx(), p))(t)
			same(t, "changes", d.Changes, []plan.Change{{Action: "change", Noun: "machine", Name: "n2",
				Fields: []plan.FieldChange{{Field: "bmc.password", New: "(sealed)"}}}})
			b.apply(p)
			same(t, "password", must(b.BMCAccess(b.ctx(), b.machine("n2").ID))(t).Password, "changed words")
			p.Racks[0].Machines[1].BMC.Password = ""
			same(t, "changes without a password", len(b.apply(p).Changes), 0)
			same(t, "password", must(b.BMCAccess(b.ctx(), b.machine("n2").ID))(t).Password, "changed words")
		},
		"the first certificate is pinned and no second one replaces it": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			ok(t, b.PinCertificate(b.ctx(), id, "aa"))
			ok(t, b.PinCertificate(b.ctx(), id, "bb"))
			same(t, "pinned", b.machine("n1").BMC.CertificateSHA256, "aa")
			same(t, "changes by the plan, which names none", len(b.apply(planOf(1)).Changes), 0)
			same(t, "pinned", must(b.BMCAccess(b.ctx(), id))(t).CertificateSHA256, "aa")
		},
		"a token is known by its secret alone, and a new secret replaces it": func(t *testing.T, b *bench) {
			ok(t, b.SetToken(b.ctx(), "admin", access.Admin, "rw_one"))
			token := must(b.TokenOf(b.ctx(), "rw_one"))(t)
			if token.Name != "admin" || token.Role != access.Admin || token.ID == "" || !token.Created.Equal(b.clock.Now()) {
				t.Errorf("got %+v", token)
			}
			ok(t, b.SetToken(b.ctx(), "admin", access.Viewer, "rw_two"))
			_, err := b.TokenOf(b.ctx(), "rw_one")
			refused(t, err, fault.Denied)
			again := must(b.TokenOf(b.ctx(), "rw_two"))(t)
			same(t, "id", again.ID, token.ID)
			same(t, "role", again.Role, access.Viewer)
		},
	}
}

// dump is every value of every table as text.
func (b *bench) dump() string {
	b.t.Helper()
	var all strings.Builder
	for _, table := range tables(b.t, b.raw(), b.dsn) {
		rows, err := b.raw().QueryContext(b.ctx(), `SELECT * FROM "`+table+`"`)
		ok(b.t, err)
		columns, err := rows.Columns()
		ok(b.t, err)
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(any)
			}
			ok(b.t, rows.Scan(row...))
			for _, v := range row {
				fmt.Fprintf(&all, "%s ", *v.(*any))
			}
		}
		rows.Close()
		ok(b.t, rows.Err())
	}
	return all.String()
}
