package run_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/store"
)

// order asks for a deployment by a method.
func (b *bench) order(m deploy.Method) string {
	b.t.Helper()
	o := deploy.Order{Image: "debian", Digest: digest, Method: m}
	if m == deploy.ByLocal {
		o.Image, o.Digest = "", ""
	}
	op, err := b.db.CreateOperation(b.ctx, deploy.Deploy, "n1", o, "test")
	b.ok(err)
	return op.ID
}

// loads makes the machine do at each netboot what a loader does: ask for an address and
// the script.
func (b *bench) loads() {
	b.bmc.OnStart(func(from bmc.Boot) {
		if from.Target != bmc.BootPXE {
			return
		}
		open, err := b.db.Operations(b.ctx, store.OperationFilter{Machine: "n1", Open: true})
		if err != nil || len(open) == 0 {
			return
		}
		b.see(open[0].ID, store.SawDHCP, nil)
		b.see(open[0].ID, store.SawScript, nil)
	})
}

func TestAnInstallerFetchesItsAnswersAndSaysWhenItIsDone(t *testing.T) {
	b := newBench(t)
	b.loads()
	b.worker("w1")
	id := b.order(deploy.ByInstall)
	if op := b.at(id, deploy.StepAnswers); !op.Netboots() {
		t.Error("a machine that restarts before it has its answers is not given its installer again")
	}
	b.see(id, store.SawAnswers, nil)
	if op := b.at(id, deploy.StepInstall); op.Netboots() {
		t.Error("a machine that restarts is given its installer a second time")
	}
	b.see(id, store.SawInstalled, nil)
	b.at(id, deploy.StepPhone)
	b.see(id, store.SawPhone, nil)
	b.state(id, deploy.Succeeded)
	if m := b.machine(); m.Phase != inventory.Active || m.Image != "debian" || b.bmc.Starts() != 1 {
		t.Errorf("phase %s, image %q, %d starts", m.Phase, m.Image, b.bmc.Starts())
	}
}

func TestASystemThatPhonesHomeWasInstalledWhateverTheInstallerSaid(t *testing.T) {
	b := newBench(t)
	b.loads()
	b.worker("w1")
	id := b.order(deploy.ByInstall)
	b.at(id, deploy.StepAnswers)
	b.see(id, store.SawAnswers, nil)
	b.at(id, deploy.StepInstall)
	b.see(id, store.SawPhone, nil)
	b.state(id, deploy.Succeeded)
}

func TestAnInstallerThatGivesUpParksWithItsWords(t *testing.T) {
	b := newBench(t)
	b.loads()
	b.worker("w1")
	id := b.order(deploy.ByInstall)
	b.at(id, deploy.StepAnswers)
	b.see(id, store.SawAnswers, nil)
	b.at(id, deploy.StepInstall)
	b.see(id, store.SawTrouble, map[string]string{"why": "the disk is not there"})
	op := b.state(id, deploy.Parked)
	if op.Reason != "installer-failed" || !strings.Contains(op.Message, "the disk is not there") || op.Hint == "" {
		t.Errorf("parked with %q: %s (%s)", op.Reason, op.Message, op.Hint)
	}
	b.clock.pass(time.Second)
	_, err := b.db.RetryOperation(b.ctx, id, "test")
	b.ok(err)
	if op := b.at(id, deploy.StepInstall); op.Netboots() || b.bmc.Starts() != 1 {
		t.Error("a retry started the machine again")
	}
	b.see(id, store.SawInstalled, nil)
	b.at(id, deploy.StepPhone)
}

func TestAnInstallerThatFallsSilentParksWithAHint(t *testing.T) {
	b := newBench(t)
	b.loads()
	stop := b.worker("w1")
	id := b.order(deploy.ByInstall)
	b.at(id, deploy.StepAnswers)
	b.see(id, store.SawAnswers, nil)
	b.at(id, deploy.StepInstall)
	stop()
	b.ok(b.db.ReleaseLeases(b.ctx))
	b.clock.pass(3 * time.Hour)
	b.worker("w2")
	op := b.state(id, deploy.Parked)
	if op.Reason != "deadline-install" || !strings.Contains(op.Hint, "fetched its answers at") {
		t.Errorf("parked with %q: %s (%s)", op.Reason, op.Message, op.Hint)
	}
}

func TestASystemInMemoryIsThereOnceItIsLoaded(t *testing.T) {
	b := newBench(t)
	b.loads()
	b.worker("w1")
	_, err := b.db.ChangeMachine(b.ctx, "n1", func(m *inventory.Machine) ([]Event, error) { m.Erased = time.Now(); return nil, nil })
	b.ok(err)
	id := b.order(deploy.ByNetboot)
	b.at(id, deploy.StepLoaded)
	b.see(id, store.SawLoaded, nil)
	b.state(id, deploy.Succeeded)
	if m := b.machine(); m.Erased.IsZero() || m.Phase == inventory.Active || m.Image != "" || !b.said("nothing was heard of that system itself") {
		t.Errorf("erased %v, %s with image %q: no disk was written, and no system phoned home", m.Erased, m.Phase, m.Image)
	}
}

func TestALocalBootStartsWhatIsOnTheDisk(t *testing.T) {
	b := newBench(t)
	b.worker("w1")
	from := make(chan bmc.Boot, 1)
	b.bmc.OnStart(func(f bmc.Boot) { from <- f })
	b.state(b.order(deploy.ByLocal), deploy.Succeeded)
	if f := <-from; f.Target != bmc.BootDisk || b.bmc.Starts() != 1 {
		t.Errorf("started from %+v, %d times", f, b.bmc.Starts())
	}
	if m := b.machine(); m.Phase == inventory.Active || m.Power != inventory.PowerOn {
		t.Errorf("%s, power %s: nothing was heard of what is on the disk", m.Phase, m.Power)
	}
}

// depot has any file and an address for it.
type isoDepot struct{}

func (isoDepot) OpenFile(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("iso")), nil
}
func (isoDepot) URL(_, ticket, original string) string {
	return "https://10.0.1.1/x/" + ticket + "/" + original
}

func TestAnISOImageGoesThroughTheVirtualDriveAndComesOutAgain(t *testing.T) {
	b := newBench(t)
	b.depot = isoDepot{}
	b.worker("w1")
	from := make(chan bmc.Boot, 2)
	b.bmc.OnStart(func(f bmc.Boot) { from <- f })
	id := b.order(deploy.ByMedia)
	op := b.at(id, deploy.StepInstall)
	if f := <-from; f.Target != bmc.BootCD || op.Netboots() {
		t.Errorf("started from %+v; netboots %v", f, op.Netboots())
	}
	if count(b.bmc.Calls(), bmctest.InsertMedia) != 1 {
		t.Errorf("calls %v", b.bmc.Calls())
	}
	b.see(id, store.SawInstalled, nil)
	b.state(id, deploy.Succeeded)
	if count(b.bmc.Calls(), bmctest.EjectMedia) != 1 {
		t.Errorf("calls %v", b.bmc.Calls())
	}
}

func TestACancelledISODeploymentEmptiesTheDrive(t *testing.T) {
	b := newBench(t)
	b.depot = isoDepot{}
	b.worker("w1")
	id := b.order(deploy.ByMedia)
	b.at(id, deploy.StepInstall)
	_, err := b.db.CancelOperation(b.ctx, id, "test")
	b.ok(err)
	b.state(id, deploy.Cancelled)
	if count(b.bmc.Calls(), bmctest.EjectMedia) != 1 {
		t.Errorf("calls %v", b.bmc.Calls())
	}
}
