package storetest

import (
	"context"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/fault"
)

func sessions() chapter {
	return chapter{
		"a session is opened once by what is shown, and is over in its time": func(t *testing.T, b *bench) {
			now := b.clock.Now()
			o := access.Opening{Name: "login:mia", Door: access.ByLogin, Role: access.Operator, Scope: access.Scope{Racks: []string{"r1"}}, Expires: now.Add(time.Hour), Once: "an ID token", Until: now.Add(time.Minute)}
			made := must(b.OpenSession(b.ctx(), o, "rw_mia"))(t)
			same(t, "session", must(b.TokenOf(b.ctx(), "rw_mia"))(t), *made)
			same(t, "caller", made.Caller(), access.Caller{ID: made.ID, Name: "login:mia", By: access.ByLogin, Role: access.Operator, Scope: o.Scope, Expires: o.Expires})
			_, err := b.OpenSession(b.ctx(), o, "rw_again")
			refused(t, err, fault.Denied)
			o.Once = "another"
			other := must(b.OpenSession(b.ctx(), o, "rw_mia_2"))(t) // of the same name
			same(t, "sessions", len(must(b.Tokens(b.ctx(), false))(t)), 2)
			_, err = b.Token(b.ctx(), "login:mia")
			refused(t, err, fault.NotFound) // a name of several is none
			_, err = b.RotateToken(b.ctx(), made.ID, "rw_other", time.Time{})
			refused(t, err, fault.Conflict)
			must(b.RevokeToken(b.ctx(), made.ID))(t)
			_, err = b.TokenOf(b.ctx(), "rw_mia")
			refused(t, err, fault.Denied)
			same(t, "the other", must(b.TokenOf(b.ctx(), "rw_mia_2"))(t).ID, other.ID)
			b.clock.Turn(time.Hour)
			_, err = b.TokenOf(b.ctx(), "rw_mia_2")
			refused(t, err, fault.Denied)
			same(t, "listed when over", len(must(b.Tokens(b.ctx(), false))(t)), 0)
			same(t, "listed with those that are over", len(must(b.Tokens(b.ctx(), true))(t)), 2)
			b.clock.Turn(31 * 24 * time.Hour)
			o.Expires, o.Until, o.Once = b.clock.Now().Add(time.Hour), b.clock.Now().Add(time.Hour), "third"
			must(b.OpenSession(b.ctx(), o, "rw_mia_3"))(t)
			same(t, "kept", b.count(`SELECT count(*) FROM token`), 1)
			same(t, "kept of what was shown", b.count(`SELECT count(*) FROM login_once`), 1)
		},
		"of those that show the same at once one gets in": func(t *testing.T, b *bench) {
			o := access.Opening{Name: "login:mia", Door: access.ByLogin, Role: access.Viewer, Expires: b.clock.Now().Add(time.Hour), Until: b.clock.Now().Add(time.Hour), Once: "x"}
			var errs [6]error
			race(len(errs), func(i int) {
				_, errs[i] = b.OpenSession(context.WithoutCancel(b.ctx()), o, "rw_"+string(rune('a'+i)))
			})
			same(t, "sessions", b.count(`SELECT count(*) FROM token`), 1)
		},
		"a rack's code opens one session": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			c := must(b.AddRackCode(b.ctx(), access.RackCode{Rack: "r1", For: "mia", By: "ops", Expires: b.clock.Now().Add(time.Minute)}, "CODE"))(t)
			same(t, "code", *must(b.RackCodeOf(b.ctx(), "CODE"))(t), *c)
			_, err := b.AddRackCode(b.ctx(), access.RackCode{Rack: "none", Expires: b.clock.Now().Add(time.Minute)}, "X")
			refused(t, err, fault.NotFound)
			o := access.Opening{Name: "rack:r1:mia", Door: access.ByDevice, Role: access.Technician, Scope: access.Scope{Racks: []string{"r1"}}, Expires: b.clock.Now().Add(time.Hour)}
			made := must(b.OpenRackSession(b.ctx(), *c, o, "rw_device"))(t)
			same(t, "given by", made.By, "ops")
			same(t, "session", must(b.TokenOf(b.ctx(), "rw_device"))(t).Door, access.ByDevice)
			_, err = b.OpenRackSession(b.ctx(), *c, o, "rw_second")
			refused(t, err, fault.Denied)
			_, err = b.RackCodeOf(b.ctx(), "CODE")
			refused(t, err, fault.Denied)
		},
		"a rack's code is over in its time, or when it is taken back": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			add := func(code string) *access.RackCode {
				return must(b.AddRackCode(b.ctx(), access.RackCode{Rack: "r1", By: "ops", Expires: b.clock.Now().Add(time.Minute)}, code))(t)
			}
			late := add("LATE")
			b.clock.Turn(time.Minute)
			_, err := b.RackCodeOf(b.ctx(), "LATE")
			refused(t, err, fault.Denied)
			_, err = b.OpenRackSession(b.ctx(), *late, access.Opening{Name: "x", Door: access.ByDevice, Role: access.Technician, Expires: b.clock.Now().Add(time.Hour)}, "rw_x")
			refused(t, err, fault.Denied)
			add("A")
			add("B")
			same(t, "taken back", must(b.EndRackCodes(b.ctx(), "r1"))(t), 2)
			_, err = b.RackCodeOf(b.ctx(), "A")
			refused(t, err, fault.Denied)
		},
		"who is revoked has given nothing: their codes open nothing, and what those opened is over": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			ops, other := b.token(access.Grant{Name: "ops", Role: access.Operator}, "rw_ops"), b.token(access.Grant{Name: "other", Role: access.Operator}, "rw_other")
			code := func(giver *access.Token, code string) *access.RackCode {
				return must(b.AddRackCode(b.ctx(), access.RackCode{Rack: "r1", By: giver.Name, Giver: giver.ID, Expires: b.clock.Now().Add(time.Minute)}, code))(t)
			}
			o := access.Opening{Name: "rack:r1:mia", Door: access.ByDevice, Role: access.Technician, Expires: b.clock.Now().Add(time.Hour)}
			must(b.OpenRackSession(b.ctx(), *code(ops, "A"), o, "rw_of_ops"))(t)
			must(b.OpenRackSession(b.ctx(), *code(other, "B"), o, "rw_of_other"))(t)
			unused := code(ops, "C")
			must(b.RevokeToken(b.ctx(), "ops"))(t)
			_, err := b.TokenOf(b.ctx(), "rw_of_ops")
			refused(t, err, fault.Denied)
			_, err = b.OpenRackSession(b.ctx(), *unused, o, "rw_late")
			refused(t, err, fault.Denied)
			_, err = b.OpenRackSession(b.ctx(), *code(ops, "D"), o, "rw_later") // added while they were revoked
			refused(t, err, fault.Denied)
			must(b.TokenOf(b.ctx(), "rw_of_other"))(t)
		},
		"who logs out takes back the codes that nobody used, and leaves at work who used one": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			o := access.Opening{Name: "login:ops", Door: access.ByLogin, Role: access.Operator, Once: "x", Expires: b.clock.Now().Add(time.Hour), Until: b.clock.Now().Add(time.Hour)}
			ops := must(b.OpenSession(b.ctx(), o, "rw_ops"))(t)
			code := access.RackCode{Rack: "r1", By: ops.Name, Giver: ops.ID, Expires: b.clock.Now().Add(time.Minute)}
			used := must(b.AddRackCode(b.ctx(), code, "A"))(t)
			must(b.OpenRackSession(b.ctx(), *used, access.Opening{Name: "rack:r1:mia", Door: access.ByDevice, Role: access.Technician, Expires: o.Expires}, "rw_mia"))(t)
			must(b.AddRackCode(b.ctx(), code, "B"))(t)
			must(b.EndSession(b.ctx(), ops.ID))(t)
			_, err := b.RackCodeOf(b.ctx(), "B")
			refused(t, err, fault.Denied)
			must(b.TokenOf(b.ctx(), "rw_mia"))(t)
		},
		"a client certificate stands for one good token": func(t *testing.T, b *bench) {
			g := access.Grant{Name: "cache-1", Role: access.Service, Certificate: "cache-1.example"}
			made := b.token(g, "rw_never_told")
			same(t, "door", made.Door, access.ByCertificate)
			same(t, "token", must(b.TokenOfCertificate(b.ctx(), []string{"spiffe://x/y", "cache-1.example"}))(t), *made)
			for _, names := range [][]string{{"cache-1.example.evil"}, {}, {""}, {"\x00\xff"}} {
				_, err := b.TokenOfCertificate(b.ctx(), names)
				refused(t, err, fault.Denied)
			}
			g.Name = "twice"
			_, err := b.AddToken(b.ctx(), g, "rw_other", "tester")
			refused(t, err, fault.Conflict)
			g.Certificate = "second.example"
			b.token(g, "rw_other")
			_, err = b.TokenOfCertificate(b.ctx(), []string{"cache-1.example", "second.example"})
			refused(t, err, fault.Denied)
			must(b.RevokeToken(b.ctx(), "twice"))(t)
			must(b.TokenOfCertificate(b.ctx(), []string{"cache-1.example", "second.example"}))(t)
			must(b.RevokeToken(b.ctx(), "cache-1"))(t)
			_, err = b.TokenOfCertificate(b.ctx(), []string{"cache-1.example"})
			refused(t, err, fault.Denied)
			g.Name, g.Certificate = "again", "cache-1.example"
			b.token(g, "rw_third")
			same(t, "free again", must(b.TokenOfCertificate(b.ctx(), []string{"cache-1.example"}))(t).Name, "again")
		},
	}
}
