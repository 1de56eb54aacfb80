package storetest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/store"
)

// claimable is n1 of a model whose BMCs leave the factory with root/calvin.
func claimable() plan.Plan {
	p := planOf(1)
	p.Models = []plan.Model{{Name: "x200", BMC: &plan.FactoryLogin{Username: "root", Password: "calvin of the factory"}}}
	p.Racks[0].Machines[0].Model = "x200"
	return p
}

// logins are the names and accounts of what may open n1's BMC, and whether each password
// is the one given for its name.
func (b *bench) logins() (out []string) {
	b.t.Helper()
	for _, l := range must(b.BMCLogins(b.ctx(), b.machine("n1").ID))(b.t) {
		out = append(out, l.Name+" "+l.Username+" "+l.Password)
	}
	return out
}

// claimed has n1's BMC claimed with a password.
func (b *bench) claimed(password string) {
	b.t.Helper()
	id := b.machine("n1").ID
	ok(b.t, b.PendingPassword(b.ctx(), id, password))
	ok(b.t, b.PromotePending(b.ctx(), id, bmc.Access{Username: "admin", Password: password}))
}

func bmcs() chapter {
	return chapter{
		"a claimed BMC keeps its account and password until it is claimed with the one the plan names now": func(t *testing.T, b *bench) {
			b.apply(claimable())
			b.claimed("a secret")
			id, p := b.machine("n1").ID, claimable()
			p.Racks[0].Machines[0].BMC.Username = "rackwright"
			same(t, "changes", len(b.apply(p).Changes), 1)
			same(t, "changes when said again", len(b.apply(p).Changes), 0)
			same(t, "work goes on as", must(b.BMCAccess(b.ctx(), id))(t).Username, "admin")
			same(t, "planned", b.machine("n1").BMC.Username, "rackwright")
			same(t, "unclaimed", b.machine("n1").BMC.Claimed.IsZero(), true)
			same(t, "logins", b.logins(), []string{"current admin a secret", "plan rackwright password 1", "sticker root password 1", "factory root calvin of the factory"})
			b.apply(claimable())
			if m := b.machine("n1"); m.BMC.Username != "admin" || m.BMC.Claimed.IsZero() {
				t.Errorf("the plan took it back, and it is %+v", m.BMC)
			}
			b.apply(p)
			ok(t, b.PendingPassword(b.ctx(), id, "another"))
			same(t, "on its way", b.logins()[0], "pending rackwright another")
			b.apply(claimable())
			same(t, "still on its way", b.logins()[0], "pending rackwright another")
			b.apply(p)
			ok(t, b.PromotePending(b.ctx(), id, bmc.Access{Username: "rackwright", Password: "another"}))
			same(t, "logins", b.logins()[0], "current rackwright another")
			if b.machine("n1").BMC.Claimed.IsZero() {
				t.Error("claimed with the account of the plan, it is not claimed")
			}
		},
		"a plan that changes account and password of a claimed BMC keeps both of before": func(t *testing.T, b *bench) {
			b.apply(claimable())
			b.claimed("a secret")
			p := claimable()
			p.Racks[0].Machines[0].BMC.Username, p.Racks[0].Machines[0].BMC.Password = "rackwright", "on the sticker"
			b.apply(p)
			same(t, "logins", b.logins(), []string{"current rackwright on the sticker", "former admin a secret", "sticker root on the sticker", "factory root calvin of the factory"})
		},
		"an account that was never claimed is the plan's": func(t *testing.T, b *bench) {
			p := claimable()
			b.apply(p)
			p.Racks[0].Machines[0].BMC.Username = "Admin"
			b.apply(p)
			same(t, "account", must(b.BMCAccess(b.ctx(), b.machine("n1").ID))(t).Username, "Admin")
		},
		"a factory login is sealed, told as a change once, and left alone by a plan that has none": func(t *testing.T, b *bench) {
			d := b.apply(claimable())
			said := fmt.Sprint(d.Changes)
			if !strings.Contains(said, "{bmc  (sealed)}") || strings.Contains(said, "calvin") {
				t.Errorf("the plan said %s", said)
			}
			if strings.Contains(b.dump(), "calvin") {
				t.Error("it is readable in the database")
			}
			same(t, "changes", len(b.apply(claimable()).Changes), 0)
			p := claimable()
			p.Models[0].BMC = nil
			same(t, "changes without it", len(b.apply(p).Changes), 0)
			same(t, "logins", b.logins(), []string{"current admin password 1", "sticker root password 1", "factory root calvin of the factory"})
			p = claimable()
			p.Models[0].BMC.Password = "new words"
			same(t, "changes", len(b.apply(p).Changes), 1)
			same(t, "factory", b.logins()[2], "factory root new words")
			for _, m := range plan.Of(must(b.Inventory(b.ctx()))(t)).Models {
				if m.BMC != nil {
					t.Error("an export has the factory login")
				}
			}
		},
		"a pending password is tried first, and either is known until it is proven": func(t *testing.T, b *bench) {
			b.apply(claimable())
			id := b.machine("n1").ID
			ok(t, b.PendingPassword(b.ctx(), id, "a secret"))
			same(t, "logins", b.logins(), []string{"pending admin a secret", "current admin password 1", "sticker root password 1", "factory root calvin of the factory"})
			same(t, "work goes on with", must(b.BMCAccess(b.ctx(), id))(t).Password, "password 1")
			refused(t, b.PendingPassword(b.ctx(), id, "another"), fault.Conflict)
			refused(t, b.PromotePending(b.ctx(), id, bmc.Access{Username: "admin", Password: "another"}), fault.Conflict)
			before := b.machine("n1").Version
			ok(t, b.PromotePending(b.ctx(), id, bmc.Access{Username: "admin", Password: "a secret"}))
			m := b.machine("n1")
			if !m.BMC.Claimed.Equal(b.clock.Now()) || m.Version <= before {
				t.Errorf("claimed %s, version %d after %d", m.BMC.Claimed, m.Version, before)
			}
			same(t, "logins", b.logins(), []string{"current admin a secret", "plan admin password 1", "sticker root password 1", "factory root calvin of the factory"})
			if strings.Contains(b.dump(), "a secret") {
				t.Error("it is readable in the database")
			}
		},
		"a pending password that was refused is dropped, and the current one stays": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			ok(t, b.PendingPassword(b.ctx(), id, "a secret"))
			refused(t, b.DropPending(b.ctx(), id, "another"), fault.Conflict)
			ok(t, b.DropPending(b.ctx(), id, "a secret"))
			same(t, "logins", b.logins(), []string{"current admin password 1"})
			refused(t, b.DropPending(b.ctx(), id, "a secret"), fault.Conflict)
		},
		"of claims that race one brings its password in, and one promotes it": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			id := b.machine("n1").ID
			var pending, promoted atomic.Int32
			race(8, func(i int) {
				if b.PendingPassword(b.ctx(), id, fmt.Sprintf("secret %d", i)) == nil {
					pending.Add(1)
				}
			})
			secret := must(b.BMCLogins(b.ctx(), id))(t)[0]
			race(8, func(int) {
				if b.PromotePending(b.ctx(), id, secret.Access) == nil {
					promoted.Add(1)
				}
			})
			if pending.Load() != 1 || promoted.Load() != 1 || must(b.BMCAccess(b.ctx(), id))(t).Password != secret.Password {
				t.Errorf("%d were pending, %d promoted", pending.Load(), promoted.Load())
			}
		},
		"a plan applied again does not bring the old password back": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.claimed("a secret")
			same(t, "changes", len(b.apply(planOf(1)).Changes), 0)
			p := planOf(1)
			p.Racks[0].Machines[0].AssetTag = "AT-1"
			same(t, "changes", len(b.apply(p).Changes), 1)
			same(t, "logins", b.logins(), []string{"current admin a secret", "plan admin password 1"})
			if b.machine("n1").BMC.Claimed.IsZero() {
				t.Error("it is not claimed any more")
			}
		},
		"a plan with another password means it, and what the claim left is not lost": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.claimed("a secret")
			p := planOf(1)
			p.Racks[0].Machines[0].BMC.Password = "set by hand"
			same(t, "changes", len(b.apply(p).Changes), 1)
			same(t, "logins", b.logins(), []string{"current admin set by hand", "former admin a secret"})
			if !b.machine("n1").BMC.Claimed.IsZero() {
				t.Error("a password that a person knows counts as claimed")
			}
			same(t, "changes", len(b.apply(p).Changes), 0)
			b.claimed("another secret")
			same(t, "logins", b.logins(), []string{"current admin another secret", "plan admin set by hand"})
		},
		"a plan's certificate counts until it is replaced, and again when the plan changes": func(t *testing.T, b *bench) {
			p := planOf(1)
			pin := func(digit string) { p.Racks[0].Machines[0].BMC.CertificateSHA256 = strings.Repeat(digit, 64) }
			pinned := func() string { return b.machine("n1").BMC.CertificateSHA256[:1] }
			pin("a")
			b.apply(p)
			id := b.machine("n1").ID
			ok(t, b.ForgetPin(b.ctx(), id))
			ok(t, b.PinCertificate(b.ctx(), id, strings.Repeat("b", 64)))
			same(t, "changes by the old plan", len(b.apply(p).Changes), 0)
			p.Racks[0].Machines[0].AssetTag = "AT-1"
			same(t, "changes", len(b.apply(p).Changes), 1)
			same(t, "pinned", pinned(), "b")
			pin("c")
			same(t, "changes", len(b.apply(p).Changes), 1)
			same(t, "pinned", pinned(), "c")
			ok(t, b.NextCertificate(b.ctx(), id, strings.Repeat("d", 64)))
			same(t, "another taken", must(b.TakeCertificate(b.ctx(), id, strings.Repeat("e", 64)))(t), false)
			same(t, "taken", must(b.TakeCertificate(b.ctx(), id, strings.Repeat("d", 64)))(t), true)
			same(t, "taken again", must(b.TakeCertificate(b.ctx(), id, strings.Repeat("d", 64)))(t), false)
			same(t, "changes by the old plan", len(b.apply(p).Changes), 0)
			same(t, "pinned", pinned(), "d")
		},
		"a login can be adopted as it is": func(t *testing.T, b *bench) {
			p := claimable()
			p.Racks[0].Machines[0].BMC.Username, p.Racks[0].Machines[0].BMC.Password = "", "on the sticker"
			b.apply(p)
			id := b.machine("n1").ID
			l := must(b.BMCLogins(b.ctx(), id))(t)[0]
			same(t, "account", l.Username, "root")
			ok(t, b.AdoptLogin(b.ctx(), id, l))
			a := must(b.BMCAccess(b.ctx(), id))(t)
			if a.Username != "root" || a.Password != "on the sticker" || b.machine("n1").BMC.Claimed.IsZero() {
				t.Errorf("got %s", a)
			}
			same(t, "changes by the plan", len(b.apply(p).Changes), 0)
		},
		"a retired machine's passwords are gone": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			b.claimed("a secret")
			id := b.machine("n1").ID
			ok(t, b.PendingPassword(b.ctx(), id, "one more"))
			must(b.Retire(b.ctx(), "n1", inventory.Retirement{Reason: "old"}, "tester"))(t)
			_, err := b.BMCLogins(b.ctx(), id)
			refused(t, err, fault.NotFound)
			same(t, "rows", b.count(`SELECT count(*) FROM bmc`), 0)
		},
		"a BMC that answers and was never tried is unclaimed, once": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			same(t, "before any answers", must(b.Unclaimed(b.ctx(), 10))(t), []string{})
			must(b.ChangeMachine(b.ctx(), "n1", func(m *inventory.Machine) ([]journal.Event, error) { m.Power = inventory.PowerOn; return nil, nil }))(t)
			must(b.ChangeMachine(b.ctx(), "n2", func(m *inventory.Machine) ([]journal.Event, error) {
				m.Conditions = []inventory.Condition{{Type: inventory.BMCUnusable, Reason: "denied", Since: b.clock.Now()}}
				return nil, nil
			}))(t)
			same(t, "unclaimed", must(b.Unclaimed(b.ctx(), 10))(t), []string{"n1", "n2"})
			same(t, "one of them", must(b.Unclaimed(b.ctx(), 1))(t), []string{"n1"})
			must(b.CreateOperation(b.ctx(), deploy.Claim, "n1", deploy.Order{Claim: &deploy.ClaimOrder{}}, "auto"))(t)
			same(t, "unclaimed", must(b.Unclaimed(b.ctx(), 10))(t), []string{"n2"})
		},
		"a BMC that is in no plan is remembered until a plan has it, and so many of them": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			ilo := inventory.StrangeBMC{MAC: mac(500), Network: "oob", Vendor: "HPE iLO"}
			same(t, "new", must(b.AddStrangeBMC(b.ctx(), ilo))(t), true)
			b.clock.Turn(time.Hour)
			same(t, "new again", must(b.AddStrangeBMC(b.ctx(), ilo))(t), false)
			list := must(b.StrangeBMCs(b.ctx(), store.Page{}))(t)
			if len(list) != 1 || list[0].Vendor != "HPE iLO" || list[0].Network != "oob" || list[0].Seen.Sub(list[0].Since) != time.Hour || list[0].Address.IsValid() {
				t.Errorf("it is %+v", list)
			}
			must(b.AddStrangeBMC(b.ctx(), inventory.StrangeBMC{MAC: mac(101)}))(t) // n1's
			same(t, "strangers", len(must(b.StrangeBMCs(b.ctx(), store.Page{}))(t)), 1)
			p := planOf(2)
			p.Racks[0].Machines[1].BMC.MAC = mac(500).String()
			b.apply(p)
			same(t, "strangers, once planned", len(must(b.StrangeBMCs(b.ctx(), store.Page{}))(t)), 0)
		},
		"there is one authority, whose key is sealed": func(t *testing.T, b *bench) {
			_, _, err := b.BMCAuthority(b.ctx(), nil)
			refused(t, err, fault.NotFound)
			var keys [8]string
			race(8, func(i int) {
				_, key, err := b.BMCAuthority(b.ctx(), func() ([]byte, []byte, error) {
					return []byte("certificate"), fmt.Appendf(nil, "private %d", i), nil
				})
				if err == nil {
					keys[i] = string(key)
				}
			})
			for _, k := range keys {
				if k == "" || k != keys[0] {
					t.Errorf("keys differ: %q", keys)
				}
			}
			if strings.Contains(b.dump(), "private") {
				t.Error("the key is readable in the database")
			}
		},
	}
}
