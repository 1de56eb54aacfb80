package scripted

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rackwright/images/imagetest"
)

// refused runs a command that must fail with a status and say so in one line, with a
// hint in another.
func refused(t *testing.T, cmd *exec.Cmd, status int, parts ...string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	e, isExit := errors.AsType[*exec.ExitError](err)
	if !isExit || e.ExitCode() != status {
		t.Errorf("%v: %v, want exit status %d\n%s", cmd.Args, err, status, out)
	}
	said(t, string(out), parts...)
}

// said checks the error and hint in a program's output.
func said(t *testing.T, out string, parts ...string) {
	t.Helper()
	var errs, hints []string
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, "rackwright: ") {
			errs = append(errs, line)
		}
		if strings.HasPrefix(line, "hint: ") {
			hints = append(hints, line)
		}
	}
	if len(errs) != 1 || len(hints) != 1 {
		t.Errorf("%d error lines and %d hints, want one of each:\n%s", len(errs), len(hints), out)
		return
	}
	for _, p := range parts {
		if !strings.Contains(errs[0]+"\n"+hints[0], p) {
			t.Errorf("no %q in:\n%s\n%s", p, errs[0], hints[0])
		}
	}
}

// server is the command that starts a server.
func (w *world) server(config string) *exec.Cmd {
	return exec.CommandContext(w.ctx, bin("rackwright"), "serve", "--config", config)
}

func TestAServerThatCannotStartSaysWhatAndWhyAndTheWayOut(t *testing.T) {
	w := newWorld(t, nil)
	refused(t, w.server(w.config("typo", "127.0.0.1:8480", "stat_dir = 'x'")), 2, "stat_dir", "state_dir")
	if _, err := os.Stat(filepath.Join(w.dir, "typo")); err == nil {
		t.Error("a server that does not start made its state directory")
	}

	config := w.config("a", "127.0.0.1:8480", "")
	a := w.serve("a", w.api, config)
	w.applyText(`{"site": "lab", "networks": [{"name": "provision", "cidr": "10.77.0.0/24", "dhcp": "authoritative"}]}`)
	refused(t, w.server(config), 4, "rackwright.db")
	other := w.config("b", "127.0.0.1:8480", "", quiet)
	refused(t, w.server(other), 4, "127.0.0.1:8480 is in use", "listen")
	a.end(syscall.SIGTERM)

	for port, off := range map[int]string{67: "[tftp]\nenabled = false", 69: "[dhcp]\nenabled = false"} {
		held, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", port))
		ok(t, err)
		refused(t, w.server(w.config("a", "127.0.0.1:8480", "", off)), 4, fmt.Sprintf("port %d is in use", port), "ss -ulpn")
		held.Close()
	}

	const nobody = 65534
	for port, off := range map[int]string{67: "[tftp]\nenabled = false", 69: "[dhcp]\nenabled = false"} {
		cmd := w.server(w.config("a", "127.0.0.1:8480", "", off))
		give(t, w.dir, nobody)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		refused(t, cmd, 5, fmt.Sprintf("port %d", port), "setcap")
	}
}

// give makes a user the owner of everything in a folder.
func give(t *testing.T, dir string, uid int) {
	t.Helper()
	ok(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, uid))
	}))
}

// applyText applies a plan given as text.
func (w *world) applyText(plan string) {
	w.t.Helper()
	c := w.cmd("apply", "-f", "-", "--yes")
	c.Stdin = strings.NewReader(plan)
	if out, err := c.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
}

func TestABadImageIsRefusedAndLeavesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	good := imagetest.Write(t, imagetest.Bootable())
	text := write(t, filepath.Join(w.dir, "notes.txt"), strings.Repeat("these are no bits of a disk\n", 100))
	empty := write(t, filepath.Join(w.dir, "empty"), "")
	bytes, err := os.ReadFile(good)
	ok(t, err)
	half := write(t, filepath.Join(w.dir, "half.raw"), string(bytes[:len(bytes)/2]))
	for _, c := range []struct {
		status int
		args   []string
		parts  []string
	}{
		{2, []string{filepath.Join(w.dir, "gone.raw")}, []string{"gone.raw", "no such file"}},
		{2, []string{empty}, []string{"empty"}},
		{2, []string{text}, []string{"image"}},
		{2, []string{half}, nil},
		{2, []string{good, "--sha256", strings.Repeat("00", 32)}, []string{"sha256:0000", "expected"}},
		{2, []string{good, "--sha256", "abc"}, []string{"sha256"}},
	} {
		refused(t, w.cmd(append([]string{"image", "add", "bad"}, c.args...)...), c.status, c.parts...)
	}
	if images, err := w.client.Images(w.ctx); err != nil || len(images) != 0 {
		t.Errorf("images %v, %v", images, err)
	}
	var left []string
	ok(t, filepath.WalkDir(filepath.Join(w.dir, "images"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" && d.Name() != ".lock" {
			left = append(left, path)
		}
		return err
	}))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestABadPlanIsRefusedWholeAndNamesTheLine(t *testing.T) {
	w := newWorld(t, nil)
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	plan := func(machines string) string {
		return write(t, filepath.Join(w.dir, "bad.yaml"), "site: lab\nracks:\n  - name: r1\n    machines:\n"+machines)
	}
	refused(t, w.cmd("apply", "--yes", "-f", plan("      - {name: m1, u: 4}\n      - {name: m2, u: 4}\n")), 2, "slot r1/u4", "m1", "m2", "bad.yaml:6")
	refused(t, w.cmd("apply", "--yes", "-f", plan("      - {name: m1, u: 4, nics: [{mac: '52:54:00:00:00:01'}]}\n      - {name: m2, u: 5, nics: [{mac: '52-54-00-00-00-01'}]}\n")), 2,
		"mac 52:54:00:00:00:01", "m1", "m2", "bad.yaml:6")
	refused(t, w.cmd("apply", "--yes", "-f", plan("      - {name: m1, u: 4, hight: 2}\n")), 2, "hight", "bad.yaml:5")
	refused(t, w.cmd("apply", "--yes", "-f", plan("      - {name: m1, u: 4, nics: [{mac: '52:54:00:00:00:01', network: nowhere, address: 10.0.0.1}]}\n")), 4, "nowhere")
	if racks, err := w.client.Racks(w.ctx); err != nil || len(racks) != 0 {
		t.Errorf("racks %v, %v", racks, err)
	}
	for _, body := range []string{`{"site": "lab", "racks": [{"name": "r1", "machines": [{"name": "m1", "u": 4}, {"name": "m2", "u": 4}]}]}`, `{"sight": "lab"}`, `{`} {
		status, kind, answer := send(t, w.ctx, w.api+"/api/v1/plan/apply", w.token(), body)
		if status < 400 || status > 422 || kind != "application/problem+json" || !strings.Contains(answer, `"type":"urn:rackwright:problem:`) {
			t.Errorf("%s: %d %s %s", body, status, kind, answer)
		}
	}
}
