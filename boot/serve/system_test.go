package serve

import (
	"context"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/fault"
)

// stable is a fake Systems: one system of two files.
type stable struct {
	system  *boot.System
	started bool
	err     error
	file    string
	sent    []string

	rehearsed bool // the last question was one of a rehearsal
}

func (s *stable) System(ctx context.Context, _ *boot.Host, _ string) (*boot.System, bool, error) {
	s.rehearsed = boot.Rehearsed(ctx)
	return s.system, s.started, s.err
}

func (s *stable) Part(_ context.Context, operation, name string) (*os.File, error) {
	if operation != "op1" || name != "kernel" && name != "initrd" {
		return nil, fault.NotFoundf("no such part")
	}
	return os.Open(s.file)
}

func (s *stable) Sent(_ context.Context, _, name string) error {
	s.sent = append(s.sent, name)
	return nil
}

func withSystem(t *testing.T) (*world, *stable) {
	w := newWorld(t, nil)
	s := &stable{file: filepath.Join(t.TempDir(), "part"), system: &boot.System{Name: "installer", Kernel: "kernel", Initrds: []string{"initrd"}, Args: "auto=true"}}
	if err := os.WriteFile(s.file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.server.Systems = s
	return w, s
}

func TestAnInstallersFilesAreServedUnderTheBootsSecret(t *testing.T) {
	w, s := withSystem(t)
	code, script, _ := w.do("GET", "/boot/script?mac="+deployMAC)
	if code != 200 || !strings.Contains(script, "kernel --name kernel "+w.url+"/boot/k/"+goodNonce+"/part/kernel initrd=initrd auto=true") {
		t.Fatalf("%d:\n%s", code, script)
	}
	for path, want := range map[string]int{"/boot/k/" + goodNonce + "/part/kernel": 200, "/boot/k/guess/part/kernel": 403, "/boot/k/" + goodNonce + "/part/other": 404} {
		if code, _, _ := w.do("GET", path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if code, text, _ := w.do("GET", "/boot/k/"+goodNonce+"/part/initrd", "Range", "bytes=2-3"); code != 206 || text != "23" {
		t.Errorf("a range: %d %q", code, text)
	}
	if code, _, _ := w.do("HEAD", "/boot/k/"+goodNonce+"/part/initrd"); code != 200 {
		t.Errorf("HEAD: %d", code)
	}
	if !slices.Equal(s.sent, []string{"kernel"}) {
		t.Errorf("sent whole: %v", s.sent)
	}
	for _, e := range w.diary.events {
		if strings.Contains(e.Summary, goodNonce) {
			t.Errorf("the secret stands in %q", e.Summary)
		}
	}
}

func TestAMachineWhoseInstallerRanBootsItsOwnDisk(t *testing.T) {
	w, s := withSystem(t)
	s.system, s.started = nil, true
	if code, script, _ := w.do("GET", "/boot/script?mac="+deployMAC); code != 200 || !strings.Contains(script, "exit 1") || strings.Contains(script, "kernel") {
		t.Errorf("%d:\n%s", code, script)
	}
	s.started = false
	if _, script, _ := w.do("GET", "/boot/script?mac="+deployMAC); !strings.Contains(script, "loading the agent") {
		t.Errorf("without a system of its own:\n%s", script)
	}
	s.err = fault.Unreachablef("the database is away")
	if _, script, _ := w.do("GET", "/boot/script?mac="+deployMAC); !strings.Contains(script, "asking again") {
		t.Errorf("without a database:\n%s", script)
	}
}

func TestARehearsalSaysThatItIsOne(t *testing.T) {
	w, s := withSystem(t)
	w.server.Rehearse(t.Context(), url.Values{"mac": {deployMAC}}, netip.Addr{}, netip.MustParseAddrPort("10.0.0.1:8080"), w.lobby)
	if !s.rehearsed {
		t.Error("a rehearsal is taken for a boot")
	}
	if w.do("GET", "/boot/script?mac="+deployMAC); s.rehearsed {
		t.Error("a boot is taken for a rehearsal")
	}
}
