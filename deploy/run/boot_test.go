package run_test

import (
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// netbooting plans the machine n1 to be of a model and to netboot by a way.
func (b *bench) netbooting(way inventory.Netboot, models ...plan.Model) {
	b.t.Helper()
	m := plan.Machine{Name: "n1", U: 1, Netboot: way, UUID: "11111111-2222-3333-4444-555555555501",
		NICs: []plan.NIC{{MAC: "52:54:00:00:00:01", Network: "provision", Address: "10.0.0.11"}},
		BMC:  &plan.BMC{Address: access.Address, Username: access.Username, Password: "right"}}
	if len(models) > 0 {
		m.Model = models[0].Name
	}
	_, err := b.db.ApplyPlan(b.ctx, plan.Plan{Site: "lab", Models: models, Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{m}}}}, "", "test")
	b.ok(err)
}

func TestAMachineIsToldToNetbootByTheWayThatThePlanSays(t *testing.T) {
	for name, c := range map[string]struct {
		way    inventory.Netboot
		models []plan.Model
		want   bmc.Target
	}{
		"nothing is said":  {want: bmc.BootPXE},
		"of the machine":   {way: inventory.NetbootHTTP, want: bmc.BootHTTP},
		"of its model":     {models: []plan.Model{{Name: "x1", Build: inventory.Build{Netboot: inventory.NetbootHTTP}}}, want: bmc.BootHTTP},
		"HTTPS of a model": {models: []plan.Model{{Name: "x1", Build: inventory.Build{HTTPS: true}}}, want: bmc.BootHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.netbooting(c.way, c.models...)
			from := make(chan bmc.Boot, 1)
			b.bmc.OnStart(func(o bmc.Boot) { from <- o })
			stop := b.worker("w1")
			b.at(b.deploy(), deploy.StepDHCP)
			stop()
			if got := <-from; got != (bmc.Boot{Target: c.want, Mode: inventory.UEFI}) {
				t.Errorf("it started from %+v", got)
			}
		})
	}
}

func TestABMCThatCannotNetbootByTheWayOfThePlanParksAndNamesTheField(t *testing.T) {
	for way, other := range map[inventory.Netboot]string{inventory.NetbootHTTP: "'netboot: pxe'", "": "'netboot: http'"} {
		b := newBench(t)
		b.netbooting(way)
		b.bmc.Fail(bmctest.SetNextBoot, fault.Invalidf("it boots from other things"))
		b.worker("w1")
		op := b.state(b.deploy(), deploy.Parked)
		if op.Reason != "boot-net-invalid" || !strings.Contains(op.Message, "other things") || !strings.Contains(op.Hint, other) {
			t.Errorf("netboots by %q: parked with %q: %s (%s)", way, op.Reason, op.Message, op.Hint)
		}
	}
}

// bootAuthority is some authority of loaders over HTTPS.
func bootAuthority(t *testing.T) *x509.Certificate {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	s.Close()
	return s.Certificate()
}

func TestFirmwareThatLoadsOverHTTPSIsGivenOurAuthorityFirst(t *testing.T) {
	secure := plan.Model{Name: "x1", Build: inventory.Build{HTTPS: true}}
	for name, c := range map[string]struct {
		way  inventory.Netboot
		err  error
		held int
		says string
	}{
		"it is enrolled":            {held: 1, says: "authority of HTTPS boot enrolled"},
		"the BMC cannot":            {err: fault.Invalidf("no such list"), says: "has to hold it already: no such list"},
		"the BMC's list is full":    {err: fault.Conflictf("no room"), says: "has to hold it already: no room"},
		"the BMC is away at first":  {err: fault.Unreachablef("away"), held: 1, says: "attempt 1 of 5 failed: away"},
		"it netboots by PXE anyway": {way: inventory.NetbootPXE, says: "next boot set to pxe"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.netbooting(c.way, secure)
			b.authority = bootAuthority(t)
			b.bmc.Fail(bmctest.Trust, c.err)
			stop := b.worker("w1")
			id := b.deploy()
			if fault.Is(c.err, fault.Unreachable) {
				b.until(id, "another attempt", func(o deploy.Operation) bool { return o.At(deploy.StepBootNet) && o.Step().Attempts == 1 })
				b.clock.pass(time.Minute)
			}
			b.at(id, deploy.StepDHCP)
			stop()
			if held := b.bmc.Authorities(); len(held) != c.held || !b.said(c.says) {
				t.Errorf("%d authorities enrolled, in the journal: %t", len(held), b.said(c.says))
			}
		})
	}
}

func TestAServerWithoutLoadersOverHTTPSHasNoAuthorityToEnrol(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	op := b.state(b.manage(deploy.BMCOrder{Do: deploy.BMCTrust}), deploy.Failed)
	if !strings.Contains(op.Hint, "boot.https_listen") || len(b.bmc.Authorities()) != 0 {
		t.Errorf("%s (%s)", op.Message, op.Hint)
	}
}
