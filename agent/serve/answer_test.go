package serve_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

const kernelDigest = "sha256:00000000000000000000000000000000000000000000000000000000000000ee"

// installs puts the machine under a deployment by its image's installer, or by a system
// that runs in memory.
func (d *desk) installs(answers string, holds ...string) {
	d.t.Helper()
	d.installsWith("{{if .Answers}}auto url={{url \"preseed.cfg\"}}{{end}}", answers, holds...)
}

func (d *desk) installsWith(args, answers string, holds ...string) {
	d.t.Helper()
	_, err := d.db.CancelOperation(d.ctx, d.op.ID, "test")
	d.ok(err)
	d.end()
	img := &images.Image{Name: "installer", Kind: images.KindNetboot, Digest: kernelDigest, Arch: "amd64", Answers: answers, Args: args,
		Parts: []images.Part{{Name: "kernel", Digest: kernelDigest, Bytes: 10}, {Name: "initrd", Digest: kernelDigest, Bytes: 10}}}
	d.ok(d.db.AddImage(d.ctx, img, "test"))
	_, err = d.db.ChangeMachine(d.ctx, "n1", func(m *inventory.Machine) ([]journal.Event, error) {
		m.Facts = &inventory.Facts{Source: "agent", Disks: []inventory.Disk{{Path: "/dev/vda", Serial: "D1", Bytes: 1 << 30, Holds: holds}}}
		return nil, nil
	})
	d.ok(err)
	d.op, err = d.db.CreateOperation(d.ctx, deploy.Deploy, "n1", deploy.Order{Image: "installer", Digest: kernelDigest, Method: deploy.MethodOf(img)}, "test")
	d.ok(err)
}

// end saves a cancelled operation as ended, as the worker would.
func (d *desk) end() {
	d.t.Helper()
	d.ok(d.db.PokeOperation(d.ctx, d.op.ID))
	op, err := d.db.ClaimOperation(d.ctx, "test", 1)
	d.ok(err)
	if op == nil {
		return
	}
	op.State = deploy.Cancelled
	d.ok(d.db.SaveOperation(d.ctx, op))
}

// folder is where the installer's answers are, as its kernel is told.
func (d *desk) folder() string {
	d.t.Helper()
	s, started, err := d.server.System(d.ctx, &boot.Host{Operation: d.op.ID}, d.url)
	d.ok(err)
	if s == nil || started {
		d.t.Fatalf("the loader is told %+v, started %v", s, started)
	}
	_, at, _ := strings.Cut(s.Args, "url="+d.url)
	return strings.TrimSuffix(at, "/preseed.cfg")
}

func (d *desk) get(path string) int {
	code, _ := d.request("GET", path, "", "")
	return code
}

func TestAnInstallerGetsItsAnswersByAnAddressOfItsOwn(t *testing.T) {
	d := newDesk(t)
	d.installs("preseed")
	d.move(deploy.StepLoader)
	at := d.folder()
	d.expect("with another token", http.StatusUnauthorized, d.get(at[:len(at)-1]+otherDigit(at[len(at)-1])+"/preseed.cfg"))
	d.expect("with no token", http.StatusUnauthorized, d.get("/boot/a/x/preseed.cfg"))
	d.expect("another file", http.StatusNotFound, d.get(at+"/ks.cfg"))
	d.expect("a part", http.StatusOK, d.get(at+"/part/kernel"))
	d.expect("no such part", http.StatusNotFound, d.get(at+"/part/squashfs"))
	code, text := d.request("GET", at+"/preseed.cfg", "", "")
	d.expect("its answers", http.StatusOK, code)
	if !strings.Contains(text, "/dev/disk/by-id/virtio-D1") || !strings.Contains(text, at+"/done") {
		t.Errorf("answers:\n%s", text)
	}
	seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if seen[store.SawAnswers].At.IsZero() {
		t.Error("that it fetched its answers is no evidence")
	}
	if s, started, err := d.server.System(d.ctx, &boot.Host{Operation: d.op.ID}, d.url); err != nil || !started || s != nil {
		t.Errorf("a machine that restarts is told %+v, started %v, %v", s, started, err)
	}
	d.move(deploy.StepInstall)
	d.expect("the last steps, later", http.StatusOK, d.get(at+"/late.sh"))
	d.expect("done", http.StatusOK, d.get(at+"/done"))
	d.expect("done, said again", http.StatusOK, d.get(at+"/done"))
	d.move(deploy.StepPhone)
	d.expect("answers of an installed system", http.StatusConflict, d.get(at+"/preseed.cfg"))
	d.end()
	d.expect("done, of what is cancelled", http.StatusConflict, d.get(at+"/done"))
}

func TestAnInstallerThatGivesUpIsHeard(t *testing.T) {
	d := newDesk(t)
	d.installs("preseed")
	d.move(deploy.StepLoader)
	at := d.folder()
	d.expect("failed", http.StatusOK, d.get(at+"/failed?why="+url.QueryEscape("no\ndisk\x1b[2J "+strings.Repeat("x", 500))))
	seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if why := string(seen[store.SawTrouble].Detail); !strings.Contains(why, `no disk[2J`) || len(why) > 300 {
		t.Errorf("evidence %s", why)
	}
}

func TestARehearsalLeavesNoTrouble(t *testing.T) {
	d := newDesk(t)
	d.installsWith("quiet && reboot", "preseed")
	d.move(deploy.StepLoader)
	for _, c := range []struct {
		ctx  context.Context
		kept bool
	}{{boot.Rehearsing(d.ctx), false}, {d.ctx, true}} {
		if _, _, err := d.server.System(c.ctx, &boot.Host{Operation: d.op.ID}, d.url); err == nil {
			t.Error("arguments that would end the loader's command")
		}
		seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
		d.ok(err)
		if kept := !seen[store.SawTrouble].At.IsZero(); kept != c.kept {
			t.Errorf("evidence kept: %t, want %t", kept, c.kept)
		}
	}
}

func TestNoInstallerIsLetOntoForeignData(t *testing.T) {
	d := newDesk(t)
	d.installs("preseed", "LVM2 physical volume")
	d.move(deploy.StepLoader)
	code, text := d.request("GET", d.folder()+"/preseed.cfg", "", "")
	d.expect("answers", http.StatusConflict, code)
	seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if strings.Contains(text, "partman") || seen[store.SawTrouble].At.IsZero() || !seen[store.SawAnswers].At.IsZero() {
		t.Errorf("%s; evidence %v", text, seen)
	}
}

func TestASystemInMemoryIsLoadedWhenItsLastFileWent(t *testing.T) {
	d := newDesk(t)
	d.installs("none")
	d.move(deploy.StepLoaded)
	s, started, err := d.server.System(d.ctx, &boot.Host{Operation: d.op.ID}, d.url)
	d.ok(err)
	if started || s == nil || s.Kernel != "kernel" || len(s.Initrds) != 1 {
		t.Fatalf("%+v, started %v", s, started)
	}
	f, err := d.server.Part(d.ctx, d.op.ID, "initrd")
	d.ok(err)
	d.ok(f.Close())
	loaded := func() bool {
		seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
		d.ok(err)
		return !seen[store.SawLoaded].At.IsZero()
	}
	d.ok(d.server.Sent(d.ctx, d.op.ID, "kernel"))
	if loaded() {
		t.Error("the kernel alone is no system")
	}
	d.ok(d.server.Sent(d.ctx, d.op.ID, "initrd"))
	if !loaded() {
		t.Error("all of it went and nobody knows")
	}
}

func TestAMachineThatTheAgentWritesLoadsTheAgent(t *testing.T) {
	d := newDesk(t)
	if s, started, err := d.server.System(d.ctx, &boot.Host{Operation: d.op.ID}, d.url); s != nil || started || err != nil {
		t.Errorf("%+v, %v, %v", s, started, err)
	}
}
