package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Custody is what claims ask of the database: see store/bmc_login.go.
type Custody interface {
	BMCLogins(ctx context.Context, machineID string) ([]store.Login, error)
	PendingPassword(ctx context.Context, machineID, password string) error
	PromotePending(ctx context.Context, machineID string, proven bmc.Access) error
	DropPending(ctx context.Context, machineID, refused string) error
	AdoptLogin(ctx context.Context, machineID string, l store.Login) error
	ForgetPin(ctx context.Context, machineID string) error
	NextCertificate(ctx context.Context, machineID, sha256 string) error
	TakeCertificate(ctx context.Context, machineID, shown string) (bool, error)
	BMCAuthority(ctx context.Context, fresh func() (certificate, key []byte, err error)) (certificate, key []byte, err error)
	Witness(ctx context.Context, machineID string, e inventory.Evidence) (inventory.Evidence, error)
	Networks(ctx context.Context) ([]inventory.Network, error)
	Rack(ctx context.Context, name string) (*inventory.Rack, error)
}

// forgot is noted beside the refused logins once the pinned certificate was forgotten.
const forgot = "certificate"

// loggedIn finds the login that the BMC takes. It tries one each time, and the step is
// saved in between: what was refused is not tried again, whoever dies.
func loggedIn(ctx context.Context, j *job, s *deploy.Step) outcome {
	logins, err := j.w.Store.BMCLogins(ctx, j.op.Machine)
	if err != nil {
		return retry(err)
	}
	l := untried(logins, s)
	switch {
	case len(logins) == 0:
		return park("no-password", "no password of this BMC is known",
			"give bmc.password of the machine (its sticker's) or bmc of its model (the factory's) in the plan, then 'rackwright operation retry'")
	case l == nil:
		return park("login-refused", fmt.Sprintf("the BMC refuses every login that is known: %s; the last: %s", names(logins), s.Note),
			"set its password on its own page or by its reset button, write it into the plan, then 'rackwright operation retry'. Where BMC or board was replaced, claim it with --confirm")
	}
	if l.Name != store.LoginCurrent || j.op.Order.Claim.Confirm || j.op.Turn > 0 { // else it was tried by all other work
		ctx = bmc.Deliberate(ctx)
	}
	hand, err := j.w.BMC.HandAs(ctx, j.op.Machine, expectExpired(l.Access))
	if err != nil {
		return j.notOpened(ctx, s, l, err)
	}
	j.shut(hand)
	j.event(journal.BMCAction, fmt.Sprintf("logged in as %q with the %s password", l.Username, l.Name), "login", l.Name)
	return done()
}

// notOpened sorts why a BMC did not open: a certificate that is not the pinned one needs
// a person's word, a refused login makes way for the next.
func (j *job) notOpened(ctx context.Context, s *deploy.Step, l *store.Login, err error) outcome {
	shown, other := bmc.ShownInstead(err)
	switch {
	case other:
		return j.otherCertificate(ctx, s, shown, err)
	case bmc.Refused(err):
		s.Refused(l.Key)
		s.Note = err.Error()
		j.event(journal.BMCFailed, fmt.Sprintf("the %s password of %q is refused", l.Name, l.Username), "login", l.Name)
		return wait(0)
	}
	return retry(err)
}

// otherCertificate takes the certificate shown when it is the one we were about to
// install, or when a person said that the BMC was replaced.
func (j *job) otherCertificate(ctx context.Context, s *deploy.Step, shown string, err error) outcome {
	if took, err := j.w.Store.TakeCertificate(ctx, j.op.Machine, shown); err != nil {
		return retry(err)
	} else if took {
		j.event(journal.BMCAction, "the new certificate is shown and pinned", "sha256", shown)
		return wait(0)
	}
	if !j.op.Order.Claim.Confirm || s.Was(forgot) {
		return park("certificate-changed", err.Error(), fmt.Sprintf("if its BMC or board was replaced: 'rackwright operation cancel %s', then 'rackwright bmc claim %s --confirm'; otherwise somebody else answers at this address",
			j.op.ID, j.op.Name))
	}
	if err := j.w.Store.ForgetPin(ctx, j.op.Machine); err != nil {
		return retry(err)
	}
	s.Refused(forgot)
	j.event(journal.BMCAction, "the pinned certificate is forgotten: the replacement was confirmed", "shown", shown)
	return wait(0)
}

// untried is the first login that was not refused, nil when all were.
func untried(logins []store.Login, s *deploy.Step) *store.Login {
	for i := range logins {
		if s == nil || !s.Was(logins[i].Key) {
			return &logins[i]
		}
	}
	return nil
}

func names(logins []store.Login) string {
	var out []string
	for _, l := range logins {
		out = append(out, fmt.Sprintf("%s (%s)", l.Name, l.Username))
	}
	return strings.Join(out, ", ")
}

// expectExpired opens a BMC that wants its password changed, too.
func expectExpired(a bmc.Access) bmc.Access {
	a.Expired = true
	return a
}

// shut gives a hand back, even when ctx has ended.
func (j *job) shut(hand bmc.Controller) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := hand.Close(ctx); err != nil {
		j.w.Log.Debug("BMC not given back", "machine", j.op.Name, "error", err)
	}
}

// matched sees that the BMC is the one of the machine in the plan, before anything is
// changed at it.
func matched(ctx context.Context, j *job, s *deploy.Step) outcome {
	l, o := j.opens(ctx)
	if l == nil {
		return o
	}
	hand, err := j.w.BMC.HandAs(bmc.Deliberate(ctx), j.op.Machine, expectExpired(l.Access))
	if err != nil {
		return retry(err)
	}
	defer j.shut(hand)
	facts, err := hand.Identity(ctx)
	switch {
	case fault.Is(err, fault.Denied) && !j.op.Order.Claim.KeepPassword: // it lets us do nothing until the password is changed
		j.event(journal.BMCAction, "its identity can be read only once its password is changed")
		return done()
	case err != nil:
		return retry(err)
	}
	if o := j.identified(ctx, &facts); o != nil {
		return *o
	}
	return done()
}

// opens is the login that the first step found.
func (j *job) opens(ctx context.Context) (*store.Login, outcome) {
	logins, err := j.w.Store.BMCLogins(ctx, j.op.Machine)
	if err != nil {
		return nil, retry(err)
	}
	if l := untried(logins, j.op.Find(deploy.StepLogin)); l != nil {
		return l, outcome{}
	}
	return nil, park("login-refused", "the logins of this BMC changed meanwhile", "'rackwright operation cancel "+j.op.ID+"', then claim it again")
}

// identified weighs what the BMC says against the plan; nil when it is the machine, or a
// person said that its board was replaced.
func (j *job) identified(ctx context.Context, f *inventory.Facts) *outcome {
	e := inventory.FromFacts(f)
	agree, disagree := e.Match(j.machine)
	disagree = append(disagree, j.became(f)...)
	if len(disagree) > 0 && !j.op.Order.Claim.Confirm {
		words := "another machine answers than planned: " + strings.Join(disagree, "; ")
		if len(agree) > 0 {
			words += "; agreeing: " + strings.Join(agree, ", ")
		}
		o := park("identity-disagrees", words, fmt.Sprintf("see which machine is in the slot. If its board was replaced: 'rackwright operation cancel %s', then 'rackwright machine replace' or 'rackwright bmc claim %s --confirm'",
			j.op.ID, j.op.Name))
		return &o
	}
	e, err := j.w.Store.Witness(ctx, j.op.Machine, e)
	if err == nil {
		_, err = j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
			if m.Facts == nil {
				m.Facts = f
			}
			said, _ := inventory.Bind(m, e, j.w.Now())
			if said == "" {
				return nil, nil
			}
			return []journal.Event{{Kind: journal.PhaseMoved, Operation: j.op.ID, Actor: e.Source, Summary: said}}, nil
		})
	}
	if err != nil {
		o := retry(err)
		return &o
	}
	j.event(journal.BMCAction, "identity read: "+agreed(agree, disagree))
	return nil
}

func agreed(agree, disagree []string) string {
	switch {
	case len(disagree) > 0:
		return strings.Join(disagree, "; ") + "; the replacement was confirmed"
	case len(agree) > 0:
		return strings.Join(agree, " and ") + " agree with the plan"
	}
	return "the plan names nothing to compare it with but its address"
}

// became says what differs from what was seen of the machine before.
func (j *job) became(f *inventory.Facts) (out []string) {
	was := j.machine.Facts
	if was == nil {
		return nil
	}
	if j.machine.UUID == "" && !inventory.JunkUUID(was.System.UUID) && !inventory.JunkUUID(f.System.UUID) && !strings.EqualFold(was.System.UUID, f.System.UUID) {
		out = append(out, fmt.Sprintf("uuid: it was %s, %s saw %s", was.System.UUID, f.Source, f.System.UUID))
	}
	if j.machine.Serial == "" && !inventory.JunkSerial(was.System.Serial) && !inventory.JunkSerial(f.System.Serial) && !strings.EqualFold(was.System.Serial, f.System.Serial) {
		out = append(out, fmt.Sprintf("serial: it was %s, %s saw %s", was.System.Serial, f.Source, f.System.Serial))
	}
	return out
}
