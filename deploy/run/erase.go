package run

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rackwright/agent/wire"
	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/line"
	"rackwright/store"
)

// Proofs is where certificates are kept.
type Proofs interface {
	// AddCertificate keeps one; the same again is no change.
	AddCertificate(ctx context.Context, c *deploy.SignedCertificate) error
	Certificates(ctx context.Context, f store.CertificateFilter) ([]deploy.SignedCertificate, error)
	// Observations are what each source last saw, by machine id.
	Observations(ctx context.Context, machineIDs []string) (map[string][]inventory.Facts, error)
}

// maxErased bounds the disks of one report.
const maxErased = 512

// certifyErased takes in what came out of an erase: each disk that was emptied gets its
// certificate, also when others were not.
func certifyErased(ctx context.Context, j *job, _ *deploy.Step, r wire.Event) outcome {
	var erased []wire.Erased
	if err := json.Unmarshal(r.Result, &erased); err != nil || len(erased) > maxErased {
		return park("bad-report", "the agent's report of the erase is not understood", "build the ramdisk again from the server's release, then 'rackwright operation retry'")
	}
	if len(j.w.Certificates) != ed25519.PrivateKeySize {
		return retry(fault.Internalf("this server has no key for certificates"))
	}
	seen, err := j.w.Store.Observations(ctx, []string{j.op.Machine})
	if err != nil {
		return retry(err)
	}
	for i := range erased {
		if !erased[i].Succeeded {
			continue
		}
		if !j.named(erased[i].Disk, seen[j.op.Machine]) {
			return park("bad-report", "the agent says that it erased disk "+line.Of(erased[i].Disk.Label(), 100)+", which is none of those it was to erase",
				"see the machine's disks and console; then 'rackwright operation retry' erases again")
		}
		c, err := deploy.Sign(j.certificate(&erased[i], r.Order), j.w.Certificates)
		if err == nil {
			err = j.w.Store.AddCertificate(ctx, c)
		}
		if err != nil {
			return retry(err)
		}
	}
	return done()
}

// named reports whether a disk is one that the machine was seen with and that is to be
// erased: nothing else gets a certificate.
func (j *job) named(d inventory.Disk, seen []inventory.Facts) bool {
	has := slices.ContainsFunc(seen, func(f inventory.Facts) bool {
		return f.Source == "agent" && slices.ContainsFunc(f.Disks, d.Same)
	})
	wanted := j.op.Order.Erase
	return has && (wanted == nil || len(wanted.Disks) == 0 || slices.ContainsFunc(wanted.Disks, func(name string) bool { return deploy.Names(name, d) }))
}

func (j *job) certificate(e *wire.Erased, order string) deploy.Certificate {
	m, disk := j.machine, deploy.Certified(e.Disk)
	c := deploy.Certificate{ID: deploy.CertificateID(order, disk), Disk: disk, Method: e.Method, Pattern: e.Pattern, Samples: e.Samples,
		Began: e.Began.UTC(), Ended: e.Ended.UTC(), Tried: e.Tried, Residual: e.Residual, Operation: j.op.ID, Actor: j.op.Actor,
		Machine: deploy.CertifiedMachine{ID: m.ID, Name: m.Name, Serial: m.Serial, UUID: m.UUID, AssetTag: m.AssetTag, Vendor: m.Vendor}}
	if m.Facts != nil {
		c.Machine.Product = m.Facts.System.Product
	}
	return c
}

// switchedOff waits until the agent says that it switches the machine off. One that fell
// silent is switched off through the BMC.
func switchedOff(ctx context.Context, j *job, _ *deploy.Step) outcome {
	report, at, err := j.report(ctx, wire.Off)
	if err != nil {
		return retry(err)
	}
	if report.Stage == wire.Restarting {
		if err := j.power(ctx, inventory.PowerOff); err != nil {
			return retry(err)
		}
		return doneAt(at)
	}
	lost, err := j.silent(ctx, agentSilence)
	if err != nil {
		return retry(err)
	}
	if !lost || j.machine.BMC == nil {
		return wait(look)
	}
	if err := j.act(ctx, "powered off: the agent fell silent", func(ctx context.Context, c bmc.Controller) error { return c.Off(ctx, 0) }, "power", "off"); err != nil {
		return retry(err)
	}
	if err := j.power(ctx, inventory.PowerOff); err != nil {
		return retry(err)
	}
	return done()
}

// emptied gives a machine all of whose disks have a certificate of this operation its proof,
// and takes it out of the phase of one that runs something. Its gates do the rest.
func emptied(ctx context.Context, j *job) outcome {
	proofs, err := j.w.Store.Certificates(ctx, store.CertificateFilter{Operation: j.op.ID, Limit: 10 * maxErased})
	if err != nil {
		return retry(err)
	}
	seen, err := j.w.Store.Observations(ctx, []string{j.op.Machine})
	if err != nil {
		return retry(err)
	}
	left, when := notErased(seen[j.op.Machine], proofs)
	_, err = j.w.Store.ChangeMachine(ctx, j.op.Machine, func(m *inventory.Machine) ([]journal.Event, error) {
		if len(left) > 0 {
			return []journal.Event{{Kind: journal.OpStep, Operation: j.op.ID, Actor: "worker", Summary: fmt.Sprintf("%d disks erased; not proven empty: %v", len(proofs), left)}}, nil
		}
		was := m.Phase
		m.Erased, m.Image = when, ""
		if m.Phase != inventory.Active {
			return nil, nil
		}
		m.Phase = inventory.Discovered
		return []journal.Event{{Kind: journal.PhaseMoved, Operation: j.op.ID, Actor: "worker", Summary: fmt.Sprintf("%s -> %s: all its disks were erased and proven empty", was, m.Phase)}}, nil
	})
	if err != nil {
		return retry(err)
	}
	return done()
}

// notErased names the disks without a certificate, and when the last that has one ended.
func notErased(seen []inventory.Facts, proofs []deploy.SignedCertificate) (left []string, when time.Time) {
	disks := 0
	for _, f := range seen {
		if f.Source != "agent" {
			continue
		}
		for _, d := range f.Disks {
			if !d.Writable() {
				continue
			}
			disks++
			at := slices.IndexFunc(proofs, func(c deploy.SignedCertificate) bool { return c.Certificate.Of(d) })
			if at < 0 {
				left = append(left, d.Label())
			} else if ended := proofs[at].Certificate.Ended; ended.After(when) {
				when = ended
			}
		}
	}
	if disks == 0 {
		left = append(left, "no disk was seen")
	}
	return left, when
}
