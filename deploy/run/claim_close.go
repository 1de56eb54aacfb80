package run

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/verify"
	"rackwright/journal"
	"rackwright/store"
)

// ours makes a step of something done with the login that is now ours.
func (j *job) ours(ctx context.Context, s *deploy.Step, what string, do func(context.Context, bmc.Controller) error) outcome {
	err := j.act(ctx, what, do)
	if shown, other := bmc.ShownInstead(err); other {
		return j.otherCertificate(ctx, s, shown, err)
	}
	switch {
	case err == nil:
		return done()
	case fault.Is(err, fault.Invalid): // it cannot do that
		return done()
	}
	return retry(err)
}

// certified has the BMC show a certificate that our own authority signed for its address.
// The fingerprint is kept before the BMC gets it, so that a crash leaves no BMC whose
// certificate nobody knows.
func certified(ctx context.Context, j *job, s *deploy.Step) outcome {
	authority, err := j.authority(ctx)
	if err != nil {
		return retry(err)
	}
	u, err := url.Parse(j.machine.BMC.Address)
	if err != nil {
		return park("bad-address", "the BMC's address is no URL", "correct bmc.address in the plan")
	}
	var installed string
	sign := func(csr []byte) ([]byte, error) {
		chain, sha256, err := authority.sign(csr, u.Hostname(), j.w.Now())
		if err != nil {
			return nil, err
		}
		installed = sha256
		return chain, j.w.Store.NextCertificate(ctx, j.op.Machine, sha256)
	}
	err = j.act(ctx, "certificate of our authority installed", func(ctx context.Context, c bmc.Controller) error { return c.ReplaceCertificate(ctx, sign) })
	if shown, other := bmc.ShownInstead(err); other {
		return j.otherCertificate(ctx, s, shown, err)
	}
	if err != nil {
		return retry(err)
	}
	took, err := j.w.Store.TakeCertificate(ctx, j.op.Machine, installed)
	if err == nil && !took {
		err = fault.Conflictf("the certificate that the BMC took is not the one that was signed").WithHint("claim it without --certificate: the one it has is pinned")
	}
	if err != nil {
		return retry(err)
	}
	j.event(journal.BMCAction, "certificate pinned", "sha256", installed)
	return done()
}

// timed gives the BMC the time servers of its network, or our time.
func timed(ctx context.Context, j *job, s *deploy.Step) outcome {
	networks, err := j.w.Store.Networks(ctx)
	if err != nil {
		return retry(err)
	}
	servers := inventory.TimeServers(j.machine, networks)
	what := "clock set to our time"
	if len(servers) > 0 {
		what = "clock follows " + strings.Join(servers, ", ")
	}
	return j.ours(ctx, s, what, func(ctx context.Context, c bmc.Controller) error { return c.SetClock(ctx, servers) })
}

// exposed closes what else lets people into the BMC where that was asked for, and says
// the rest as conditions.
func exposed(ctx context.Context, j *job, s *deploy.Step) outcome {
	var open []inventory.Condition
	note := func(subject, evidence, hint string) {
		open = append(open, inventory.Condition{Type: inventory.BMCExposed, Subject: subject, Reason: "open", Evidence: evidence, Hint: hint, Since: j.w.Now()})
	}
	o := j.ours(ctx, s, "accounts and services looked at", func(ctx context.Context, c bmc.Controller) error {
		open = nil
		if err := j.protocols(ctx, c, note); err != nil {
			return err
		}
		return j.accounts(ctx, c, note)
	})
	if o.verdict != isDone {
		return o
	}
	_, err := j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		for i := range open {
			for _, w := range m.Waivers {
				if verify.Waives(w, open[i]) {
					open[i].Waived = inventory.Waived{By: verify.ByPlan, Reason: w.Reason, At: j.w.Now()}
				}
			}
		}
		m.Conditions = verify.Settle(m.Conditions, open, []string{inventory.BMCExposed}, j.w.Now())
		return nil, nil
	})
	if err != nil {
		return retry(err)
	}
	return o
}

func (j *job) protocols(ctx context.Context, c bmc.Controller, note func(subject, evidence, hint string)) error {
	list, err := c.Protocols(ctx)
	if err != nil {
		return unlessUnable(err)
	}
	for _, p := range list {
		if p.Name != "ipmi" || !p.On {
			continue
		}
		if j.op.Order.Claim.DisableIPMI {
			if err := c.SetProtocol(ctx, p.Name, false); err != nil {
				return err
			}
			j.event(journal.BMCAction, "IPMI over LAN switched off")
			continue
		}
		note("ipmi", "IPMI over LAN is on: it gives a hash of each password to whoever asks (IPMI 2.0, RAKP)",
			fmt.Sprintf("'rackwright bmc claim %s --disable-ipmi', or waive %q on ipmi in its plan with a reason", j.op.Name, inventory.BMCExposed))
	}
	return nil
}

func (j *job) accounts(ctx context.Context, c bmc.Controller, note func(subject, evidence, hint string)) error {
	list, err := c.Accounts(ctx)
	if err != nil {
		return unlessUnable(err)
	}
	logins, err := j.w.Store.BMCLogins(ctx, j.op.Machine)
	if err != nil {
		return err
	}
	for _, a := range list {
		if own := named(logins, store.LoginCurrent); !a.Enabled || own == nil || a.Name == own.Username || strings.TrimSpace(a.Name) == "" {
			continue
		}
		if j.op.Order.Claim.DisableAccounts {
			if err := c.DisableAccount(ctx, a.Name); err != nil {
				return err
			}
			j.event(journal.BMCAction, fmt.Sprintf("account %q disabled", a.Name))
			continue
		}
		note("account "+a.Name, fmt.Sprintf("account %q (%s) is enabled", a.Name, a.Role),
			fmt.Sprintf("'rackwright bmc claim %s --disable-accounts', or waive %q on it in its plan with a reason", j.op.Name, inventory.BMCExposed))
	}
	return nil
}

// unlessUnable lets pass that a BMC does not tell.
func unlessUnable(err error) error {
	if fault.Is(err, fault.Invalid) {
		return nil
	}
	return err
}

// placed tells the BMC its rack and unit.
func placed(ctx context.Context, j *job, s *deploy.Step) outcome {
	if j.machine.Slot == nil {
		return done()
	}
	p, err := j.place(ctx)
	if err != nil {
		return retry(err)
	}
	return j.ours(ctx, s, fmt.Sprintf("place written: %s u%d", p.Rack, p.Unit), func(ctx context.Context, c bmc.Controller) error {
		if now, err := c.Place(ctx); err == nil && now == p {
			return nil
		}
		return c.SetPlace(ctx, p)
	})
}

// claimed ends the claim: the BMC can be used, whatever was said of it before.
func claimed(ctx context.Context, j *job) outcome {
	_, err := j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		if m.BMC == nil || m.BMC.Claimed.IsZero() {
			return nil, fault.Conflictf("the BMC of %s changed in the plan while it was claimed", m.Name).WithHint("claim it again")
		}
		inventory.SetCondition(m, nil, inventory.BMCUnusable)
		return nil, nil
	})
	if err != nil {
		return retry(err)
	}
	j.event(journal.BMCAction, "BMC claimed", "conditions", slices.Sorted(slices.Values(subjects(j.machine))))
	return done()
}

// subjects are what the BMC of a machine is said to expose.
func subjects(m *inventory.Machine) (out []string) {
	for _, c := range m.Conditions {
		if c.Type == inventory.BMCExposed {
			out = append(out, c.Subject)
		}
	}
	return out
}
