package run

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
)

// What the step notes beside refused logins: a crash between any two of its calls finds
// here which password is worth trying.
const (
	oldRefused = "old"      // the login that opened the BMC does so no more
	unproven   = "unproven" // written without an error, and refused
	proven     = "proven"   // the pending password opened the BMC
	shape      = "shape"    // a password was too weak or too long for the BMC
)

// unprovenWait is how long a BMC gets to take a new password to heart.
const unprovenWait = 10 * time.Second

// rotated gives the BMC a password that only we know: kept, written, proven by a login,
// and only then in the place of the old one. At every moment one that is kept opens it.
func rotated(ctx context.Context, j *job, s *deploy.Step) outcome {
	logins, err := j.w.Store.BMCLogins(ctx, j.op.Machine)
	if err != nil {
		return retry(err)
	}
	pending := named(logins, store.LoginPending)
	switch {
	case s.Was(proven):
		return j.promote(ctx, pending)
	case pending != nil && !s.Was(store.LoginPending): // it may be at the BMC already
		return j.prove(ctx, s, pending)
	case j.op.Order.Claim.KeepPassword:
		return j.keep(ctx, pending)
	case pending == nil:
		return j.propose(ctx, s)
	}
	return j.write(ctx, s, pending)
}

func named(logins []store.Login, name string) *store.Login {
	i := slices.IndexFunc(logins, func(l store.Login) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &logins[i]
}

// old is the login that opens the BMC until the new one does.
func (j *job) old(ctx context.Context) (*store.Login, outcome) {
	logins, err := j.w.Store.BMCLogins(ctx, j.op.Machine)
	if err != nil {
		return nil, retry(err)
	}
	logins = slices.DeleteFunc(logins, func(l store.Login) bool { return l.Name == store.LoginPending })
	if l := untried(logins, j.op.Find(deploy.StepLogin)); l != nil {
		return l, outcome{}
	}
	return nil, park("login-refused", "the logins of this BMC changed meanwhile", "'rackwright operation cancel "+j.op.ID+"', then claim it again")
}

// propose keeps a new password. It is at no BMC yet and need not be tried.
func (j *job) propose(ctx context.Context, s *deploy.Step) outcome {
	n := count(s, shape)
	if n == len(shapes) {
		return park("password-refused", "the BMC takes none of the passwords we make: "+s.Note,
			"set a password on its own page, write it into the plan and claim it with --keep-password")
	}
	if err := j.w.Store.PendingPassword(ctx, j.op.Machine, newSecret(shapes[n])); err != nil {
		return retry(err)
	}
	s.Refused(store.LoginPending)
	return wait(0)
}

// write gives the pending password to the BMC and proves it.
func (j *job) write(ctx context.Context, s *deploy.Step, pending *store.Login) outcome {
	l, o := j.old(ctx)
	if l == nil {
		return o
	}
	hand, err := j.w.BMC.HandAs(bmc.Deliberate(ctx), j.op.Machine, expectExpired(l.Access))
	switch _, other := bmc.ShownInstead(err); {
	case err == nil:
	case bmc.Refused(err) && !other && !s.Was(oldRefused): // the new one may have been taken before we could note it
		s.Refused(oldRefused)
		drop(s, store.LoginPending)
		return wait(0)
	case bmc.Refused(err) && !other:
		return park("password-unproven", "the BMC takes neither its old password nor the new one; both are kept",
			"it may have locked the account for some minutes: 'rackwright operation retry' tries each once more")
	default:
		return retry(err)
	}
	err = set(ctx, hand, pending.Username, l.Username, pending.Password)
	j.shut(hand)
	switch {
	case fault.Is(err, fault.Invalid):
		return j.another(ctx, s, pending, err)
	case fault.Is(err, fault.Denied) && pending.Username != l.Username:
		return park("account-refused", fmt.Sprintf("as %q the BMC does not let us make the account %q: %s", l.Username, pending.Username, err),
			fmt.Sprintf("write bmc.username: %s in the plan, cancel this claim and claim it again", l.Username))
	case fault.Is(err, fault.Denied) || fault.Is(err, fault.Conflict):
		return retry(err)
	case err != nil: // it may have been taken: the next try looks
		drop(s, store.LoginPending)
		return retry(err)
	}
	j.event(journal.BMCAction, fmt.Sprintf("new password of %q written", pending.Username))
	return j.prove(ctx, s, pending)
}

// set gives our account the password; one that is not there is made.
func set(ctx context.Context, hand bmc.Controller, ours, as, password string) error {
	if ours == as {
		return hand.SetPassword(ctx, ours, password)
	}
	err := hand.CreateAccount(ctx, ours, password, "Administrator")
	if fault.Is(err, fault.Conflict) {
		return hand.SetPassword(ctx, ours, password)
	}
	return err
}

// another drops a password that the BMC finds too weak or too long; one of another shape
// is made.
func (j *job) another(ctx context.Context, s *deploy.Step, pending *store.Login, why error) outcome {
	if err := j.w.Store.DropPending(ctx, j.op.Machine, pending.Password); err != nil {
		return retry(err)
	}
	drop(s, store.LoginPending)
	s.Refused(shape)
	s.Note = why.Error()
	j.event(journal.BMCFailed, "a new password is refused, another shape is tried: "+why.Error())
	return wait(0)
}

// prove logs in with the pending password, and sees that it is the machine of the plan.
func (j *job) prove(ctx context.Context, s *deploy.Step, pending *store.Login) outcome {
	hand, err := j.w.BMC.HandAs(bmc.Deliberate(ctx), j.op.Machine, pending.Access)
	if err != nil {
		return j.notProven(ctx, s, err)
	}
	defer j.shut(hand)
	facts, err := hand.Identity(ctx)
	if err != nil {
		return retry(err)
	}
	if o := j.identified(ctx, &facts); o != nil {
		return *o
	}
	s.Refused(proven)
	j.event(journal.BMCAction, fmt.Sprintf("new password of %q proven by a login", pending.Username))
	return wait(0)
}

// promote puts the proven password in the place of the old one, which is forgotten.
// Without a pending one that was done before.
func (j *job) promote(ctx context.Context, pending *store.Login) outcome {
	if pending == nil {
		return done()
	}
	if err := j.w.Store.PromotePending(ctx, j.op.Machine, pending.Access); err != nil {
		return retry(err)
	}
	return done()
}

// notProven notes that the pending password is refused. Where it was written before, the
// BMC gets a moment and one more try.
func (j *job) notProven(ctx context.Context, s *deploy.Step, err error) outcome {
	shown, other := bmc.ShownInstead(err)
	switch {
	case other:
		return j.otherCertificate(ctx, s, shown, err)
	case !bmc.Refused(err):
		return retry(err)
	case !s.Was(store.LoginPending): // whether it was written is not known: now it is
		s.Refused(store.LoginPending)
		return wait(0)
	}
	s.Refused(unproven)
	if count(s, unproven) > 1 {
		return park("password-unproven", "the BMC took a new password and then refuses it; it and the old one are kept",
			"restart the BMC, then 'rackwright operation retry'")
	}
	drop(s, store.LoginPending)
	return wait(unprovenWait)
}

// keep makes the login that opens the BMC ours as it is. A factory password is none that
// anybody may keep.
func (j *job) keep(ctx context.Context, pending *store.Login) outcome {
	l, o := j.old(ctx)
	switch {
	case l == nil:
		return o
	case l.Name == store.LoginFactory:
		return park("factory-password", "the BMC has its factory password, which everybody knows", "claim it without --keep-password")
	case j.machine.BMC.Username != "" && j.machine.BMC.Username != l.Username:
		return park("other-account", fmt.Sprintf("the BMC opens as %q, but the plan says %q", l.Username, j.machine.BMC.Username),
			"correct bmc.username in the plan, or claim it without --keep-password")
	}
	if pending != nil { // of a claim that was cut short, and proven not to be at the BMC
		if err := j.w.Store.DropPending(ctx, j.op.Machine, pending.Password); err != nil {
			return retry(err)
		}
	}
	if err := j.w.Store.AdoptLogin(ctx, j.op.Machine, *l); err != nil {
		return retry(err)
	}
	j.event(journal.BMCAction, fmt.Sprintf("the %s password of %q is kept as it is", l.Name, l.Username))
	return done()
}

func count(s *deploy.Step, what string) (n int) {
	for _, t := range s.Tried {
		if t == what {
			n++
		}
	}
	return n
}

func drop(s *deploy.Step, what string) {
	s.Tried = slices.DeleteFunc(s.Tried, func(t string) bool { return t == what })
}

// form is what a password is made of.
type form struct {
	length int
	signs  string
}

// shapes are tried in turn. IPMI 2.0 ends passwords at 20 bytes and 1.5 at 16; Lenovo's
// XCC wants a sign of ;@_!'$&+ and others none at all.
var shapes = []form{{20, "_@!"}, {16, "_@!"}, {16, ""}, {12, "_"}}

const (
	upper  = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	lower  = "abcdefghijkmnopqrstuvwxyz"
	digits = "23456789"
)

// newSecret is a random password that begins with a letter and has upper and lower case,
// a digit and, where the form has signs, one of them; no character stands twice in a row.
func newSecret(f form) string {
	for {
		var b strings.Builder
		last := byte(0)
		for b.Len() < f.length {
			from := upper + lower
			if b.Len() > 0 {
				from += digits + f.signs
			}
			if c := from[random(len(from))]; c != last {
				b.WriteByte(c)
				last = c
			}
		}
		s := b.String()
		if strings.ContainsAny(s, upper) && strings.ContainsAny(s, lower) && strings.ContainsAny(s, digits) && (f.signs == "" || strings.ContainsAny(s, f.signs)) {
			return s
		}
	}
}

func random(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("run: no randomness: " + err.Error()) // crypto/rand ends the program before it returns this
	}
	return int(i.Int64())
}
