package fuzzapi

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/journal"
	"rackwright/store"
)

// logins knows one person, by any proof that is good.
type logins struct{}

const goodProof = hush + "-proof-"

func (logins) Terms(context.Context) (access.LoginTerms, error) {
	return access.LoginTerms{Issuer: "https://login.example", ClientID: "rackwright"}, nil
}

func (logins) Person(_ context.Context, p access.LoginProof) (access.Opening, error) {
	if !strings.HasPrefix(p.IDToken, goodProof) {
		return access.Opening{}, &fault.Error{Kind: fault.Denied, Message: "this is nobody's", Hint: "log in again", Err: access.ErrUnknown}
	}
	now := time.Now()
	return access.Opening{Name: "login:ann", Door: access.ByLogin, Role: access.Viewer, Expires: now.Add(time.Hour), Owner: "ann", Subject: "1", Once: p.IDToken, Until: now.Add(10 * time.Minute)}, nil
}

// keep holds the machine whose hold is read.
func (w *world) keep(t testing.TB) {
	if _, err := w.db.Hold(t.Context(), "m4", "fan", 0, "tester"); !fault.Is(err, fault.Conflict) {
		want(t, err)
	}
}

// rest ends what is open, but for holds that are read or released. No worker runs, so we end what is
// under way.
func (w *world) rest(t testing.TB) {
	held, err := w.db.Machines(t.Context(), store.MachineFilter{Held: true})
	want(t, err)
	for _, m := range held {
		if m.Name != "m8" && m.Name != "m4" {
			_, err := w.db.ReleaseHold(t.Context(), m.Name, "tester", true)
			want(t, err)
		}
	}
	jobs, err := w.db.ImageJobs(t.Context(), store.JobFilter{Open: true})
	want(t, err)
	for _, j := range jobs {
		_, err := w.db.CancelImageJob(t.Context(), j.ID, "tester")
		want(t, err)
		w.pool.words["cancelled"] = []string{j.ID}
	}
	open, err := w.db.Operations(t.Context(), store.OperationFilter{Open: true, Limit: 1000})
	want(t, err)
	for _, o := range open {
		_, err := w.db.CancelOperation(t.Context(), o.ID, "tester")
		want(t, err)
	}
	for range open {
		o, err := w.db.ClaimOperation(t.Context(), "fuzz", time.Hour)
		want(t, err)
		if o == nil {
			return
		}
		o.State, o.Finished = deploy.Cancelled, time.Now()
		want(t, w.db.SaveOperation(t.Context(), o))
	}
}

// stop parks an operation, for somebody to retry.
func (w *world) stop(t testing.TB) {
	made, err := w.db.CreateOperation(t.Context(), deploy.Inspect, "m7", deploy.Order{}, "tester")
	if fault.Is(err, fault.Conflict) {
		return // m7 is not to be worked on just now
	}
	want(t, err)
	o, err := w.db.ClaimOperation(t.Context(), "fuzz", time.Hour)
	want(t, err)
	if o == nil || o.ID != made.ID {
		return
	}
	o.State, o.Reason, o.Message = deploy.Parked, "no-bmc", "the BMC does not answer"
	want(t, w.db.SaveOperation(t.Context(), o))
	w.pool.words["parked"] = []string{o.ID}
}

// differ has a machine lack a DIMM, which somebody may have let pass.
func (w *world) differ(t testing.TB, name string, by inventory.Waived) {
	_, err := w.db.ChangeMachine(t.Context(), name, func(m *inventory.Machine) ([]journal.Event, error) {
		m.Conditions = slices.DeleteFunc(m.Conditions, func(c inventory.Condition) bool { return c.Type == "dimm-missing" })
		m.Conditions = append(m.Conditions, inventory.Condition{Type: "dimm-missing", Subject: "A1", Reason: "missing", Since: time.Now(), Waived: by})
		return nil, nil
	})
	want(t, err)
}

// handOver has all of rack r3 done, so that it can be signed off.
func (w *world) handOver(t testing.TB) {
	for _, step := range racking.Steps() {
		for _, action := range []racking.Action{racking.DoResume, racking.DoDone} { // what it is already is refused, and what a panel has not
			if err := w.db.MarkStep(t.Context(), "r3", "pp1", step, action, "", "tester"); err != nil && fault.Is(err, fault.Internal) {
				t.Fatal(err)
			}
		}
	}
}

// lend lends strangers an address of each pool.
func (w *world) lend(t testing.TB) {
	list, err := w.db.Networks(t.Context())
	want(t, err)
	for i := range list {
		if n := &list[i]; !n.Pool.IsZero() {
			_, err := dhcp.Ask{MAC: inventory.MAC{0x52, 0x54, 0, 0, 0x99, 1}, Network: n, Address: n.Pool.First}.Put(t.Context(), w.db)
			want(t, err)
		}
	}
}

// climb has a loader remembered for the model, where none is.
func (w *world) climb(t testing.TB) {
	if err := w.db.SetRung(t.Context(), "a1", boot.Rung{}, boot.Rung{Kind: boot.SNP, Worked: true}, "server"); !fault.Is(err, fault.Conflict) {
		want(t, err)
	}
}
