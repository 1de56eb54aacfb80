package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/bmc/probe"
	"rackwright/racksim/mockup"
)

const replayedPassword = "of-the-replay-7"

// replayed serves a tree and returns its address, and a world that has its password.
func replayed(t *testing.T, tree *mockup.Tree) (string, *world) {
	t.Helper()
	m, err := mockup.New(mockup.Config{Tree: tree, Username: "root", Password: replayedPassword})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(m.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(m.Close)
	env := map[string]string{"RACKWRIGHT_BMC_PASSWORD": replayedPassword}
	return server.URL, &world{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}, getenv: func(k string) string { return env[k] }, now: time.Now}
}

func vendor(t *testing.T, name string) *mockup.Tree {
	t.Helper()
	tree, err := mockup.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestProbePrintsAReport(t *testing.T) {
	address, w := replayed(t, vendor(t, "dell-idrac9"))
	if code := run(t.Context(), w, []string{"bmc", "probe", strings.TrimPrefix(address, "https://"), "-u", "root"}); code != 0 {
		t.Fatalf("status %d: %s", code, w.err)
	}
	text := w.out.(*bytes.Buffer).String()
	for _, said := range []string{"Vendor:", "Dell", "Certificate:", "BMC firmware:", "virtual media", "quirk reserved-slot", "multipart push"} {
		if !strings.Contains(text, said) {
			t.Errorf("%q is missing in\n%s", said, text)
		}
	}
	if strings.Contains(text, replayedPassword) {
		t.Error("the password is printed")
	}
}

func TestProbePrintsJSON(t *testing.T) {
	address, w := replayed(t, vendor(t, "openbmc"))
	if code := run(t.Context(), w, []string{"bmc", "probe", address, "-u", "root", "--json"}); code != 0 {
		t.Fatalf("status %d: %s", code, w.err)
	}
	var r probe.Report
	if err := json.Unmarshal(w.out.(*bytes.Buffer).Bytes(), &r); err != nil || !r.Usable() || r.Address != address {
		t.Errorf("%v in %s", err, w.out)
	}
}

func TestProbeSaysWhyItCannotBegin(t *testing.T) {
	address, w := replayed(t, vendor(t, "openbmc"))
	none := &world{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}, getenv: func(string) string { return "" }, now: time.Now}
	wrong := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(wrong, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		w      *world
		args   []string
		status int
		says   string
	}{
		{none, []string{address, "-u", "root"}, 2, "--password-file"},
		{none, []string{address}, 2, "--username"},
		{w, []string{address, "-u", "root", "--password-file", wrong}, 5, "wrong user name or password"},
		{w, []string{"http://192.0.2.1", "-u", "root"}, 2, "only https"},
		{w, []string{address, "-u", "root", "--certificate-sha256", strings.Repeat("ab", 32)}, 5, "no password was sent"},
		{w, []string{"127.0.0.1:1", "-u", "root"}, 6, "does not answer"},
	} {
		c.w.err.(*bytes.Buffer).Reset()
		if code := run(t.Context(), c.w, append([]string{"bmc", "probe"}, c.args...)); code != c.status || !strings.Contains(c.w.err.(*bytes.Buffer).String(), c.says) {
			t.Errorf("%v: status %d, %s; want %d and %q", c.args, code, c.w.err, c.status, c.says)
		}
	}
}

func TestARecordingIsServedAgain(t *testing.T) {
	address, w := replayed(t, vendor(t, "hpe-ilo6"))
	dir := filepath.Join(t.TempDir(), "mockup")
	if code := run(t.Context(), w, []string{"bmc", "record", address, dir, "-u", "root"}); code != 0 {
		t.Fatalf("status %d: %s", code, w.err)
	}
	if !strings.Contains(w.out.(*bytes.Buffer).String(), "resources") {
		t.Errorf("printed %s", w.out)
	}
	tree, err := mockup.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	again, other := replayed(t, tree)
	if code := run(t.Context(), other, []string{"bmc", "probe", again, "-u", "root"}); code != 0 {
		t.Errorf("probe of the recording: status %d: %s", code, other.err)
	}
	if code := run(t.Context(), w, []string{"bmc", "record", address, dir, "-u", "root"}); code != 4 || !strings.Contains(w.err.(*bytes.Buffer).String(), "not empty") {
		t.Errorf("into a directory that is not empty: status %d, %s", code, w.err)
	}
	if code := run(t.Context(), w, []string{"bmc", "record", address, dir, "-u", "root", "--force", "-o", "json"}); code != 0 {
		t.Errorf("with --force: status %d, %s", code, w.err)
	}
}
