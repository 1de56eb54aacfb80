package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rackwright/access/oidc/oidctest"
	"rackwright/config"
	"rackwright/integration/porttest"
)

// secured is a server with a certificate of its own, for people of a provider.
func secured(t *testing.T, p *oidctest.Provider) (address string, said *pen) {
	t.Helper()
	address, said, _ = reachable(t, func(cfg *config.Config) {
		cfg.OIDC.Issuer, cfg.OIDC.ClientID, cfg.OIDC.Groups = p.URL, oidctest.ClientID, []config.Group{{Group: "ops", Role: "operator"}}
	})
	return address, said
}

// reachable is a server that listens beyond this host, and so has TLS.
func reachable(t *testing.T, with func(*config.Config)) (address string, said *pen, srv *server) {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.StateDir, cfg.SealKeyFile, cfg.Images.Dir = dir, filepath.Join(dir, "seal.key"), filepath.Join(dir, "images")
	_, port, _ := net.SplitHostPort(porttest.FreeAddress(t))
	cfg.API.Listen = "0.0.0.0:" + port
	cfg.DHCP.Enabled, cfg.TFTP.Enabled, cfg.HTTP.Enabled, cfg.Agent.Enabled, cfg.Worker.Enabled = false, false, false, false, false
	with(&cfg)
	said = &pen{}
	srv, err := assemble(t.Context(), cfg, slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended; srv.close() })
	address = "127.0.0.1:" + port
	until(t, "the api does not answer", func() bool {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return "https://" + address, said, srv
}

// person is somebody at a terminal with a browser.
func person(t *testing.T) (*world, *bytes.Buffer) {
	out := &bytes.Buffer{}
	home := t.TempDir()
	w := &world{in: strings.NewReader(""), out: out, now: time.Now, getenv: func(k string) string { return map[string]string{"HOME": home}[k] }}
	open := regexp.MustCompile(`http://\S+/auth\S+|http://\S+/authorize\S+`)
	done := false
	w.err = &pen{saw: func(all string) {
		if url := open.FindString(all); url != "" && !done {
			done = true
			go func() {
				if answer, err := http.Get(url); err == nil {
					answer.Body.Close()
				}
			}()
		}
	}}
	return w, out
}

func does(t *testing.T, w *world, want int, args ...string) string {
	t.Helper()
	out, said := w.out.(*bytes.Buffer), w.err.(*pen)
	out.Reset()
	w.server, w.context = "", ""
	if code := run(t.Context(), w, args); code != want {
		t.Fatalf("%v: status %d, want %d: %s %s", args, code, want, out, said.text.String())
	}
	return out.String() + said.text.String()
}

func TestAPersonLogsInThroughABrowserToAServerWithItsOwnCertificate(t *testing.T) {
	p := oidctest.New(t, "ops")
	address, said := secured(t, p)
	w, _ := person(t)
	print := regexp.MustCompile(`fingerprint=(sha256:[0-9a-f]{64})`).FindStringSubmatch(said.text.String())
	if print == nil {
		t.Fatalf("the server tells no fingerprint: %s", said.text.String())
	}
	if text := does(t, w, 5, "login", address); !strings.Contains(text, "not trusted yet") || !strings.Contains(text, print[1]) {
		t.Errorf("at first sight: %s", text)
	}
	does(t, w, 5, "login", address, "--fingerprint", "sha256:"+strings.Repeat("0", 64))
	if text := does(t, w, 0, "login", address, "--fingerprint", print[1]); !strings.Contains(text, "as login:test-user@127.0.0.1 (operator)") {
		t.Errorf("%s", text)
	}
	if text := does(t, w, 0, "whoami"); !strings.Contains(text, "login:test-user") {
		t.Errorf("%s", text)
	}
	does(t, w, 0, "machine", "list", "--server", address)
	home := w.getenv("HOME")
	file := filepath.Join(home, ".config", "rackwright", "contexts.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	kept, _ := os.ReadFile(file)
	does(t, w, 0, "logout")
	if after, _ := os.ReadFile(file); bytes.Contains(after, []byte("rw_")) {
		t.Error("the token is still kept")
	}
	if err := os.WriteFile(file, kept, 0o600); err != nil { // somebody had copied it
		t.Fatal(err)
	}
	if text := does(t, w, 5, "whoami"); !strings.Contains(text, "is over") {
		t.Errorf("%s", text)
	}
	other, _ := secured(t, p)
	changed := bytes.ReplaceAll(kept, []byte(address), []byte(other))
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if text := does(t, w, 5, "whoami"); !strings.Contains(text, "is not trusted") {
		t.Errorf("another certificate: %s", text)
	}
	if text := does(t, w, 5, "login"); !strings.Contains(text, "another certificate than before") {
		t.Errorf("another certificate: %s", text)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	does(t, w, 5, "context", "list")
}

func TestACertificateIsReadAgainWhenItChangesAndABrokenOneIsNot(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.StateDir, cfg.API.Listen = dir, "192.0.2.1:8480"
	own, err := newCertificates(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := own.current.Load()
	if err := first.Leaf.VerifyHostname("192.0.2.1"); err != nil || len(first.Certificate) != 2 {
		t.Errorf("%v, %d certificates", err, len(first.Certificate))
	}
	for _, name := range []string{"api.pem", "api-ca.pem"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	own.now = func() time.Time { return time.Now().AddDate(0, 0, leafDays-renewDays+1) }
	if err := own.look(); err != nil || own.current.Load().Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 || !bytes.Equal(own.current.Load().Certificate[1], first.Certificate[1]) {
		t.Errorf("it is not renewed by the same authority: %v", err)
	}
	path := filepath.Join(dir, "given.pem")
	put := func(text []byte, age time.Duration) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	pem, _ := os.ReadFile(filepath.Join(dir, "api.pem"))
	put(pem, 3*time.Hour)
	cfg.API.TLSCert, cfg.API.TLSKey = path, path
	given, err := newCertificates(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	was := given.current.Load()
	put([]byte("half a cer"), 2*time.Hour)
	if err := given.look(); err == nil || given.current.Load() != was {
		t.Errorf("a broken one is served, or nothing is said: %v", err)
	}
	ca, _ := apiOwn().authority(dir, time.Now())
	next, err := apiOwn().certificate(ca, []string{"other.example"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	put(next, time.Hour)
	if err := given.look(); err != nil || given.current.Load().Leaf.VerifyHostname("other.example") != nil {
		t.Errorf("the new one is not served: %v", err)
	}
}

func TestAPersonLogsInByACodeTypedInElsewhere(t *testing.T) {
	p := oidctest.New(t, "ops")
	address, said := secured(t, p)
	print := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(said.text.String())
	w, _ := person(t)
	code, typed := regexp.MustCompile(`type in: (\S+)\n`), false
	w.err = &pen{saw: func(all string) {
		if m := code.FindStringSubmatch(all); m != nil && !typed {
			typed = true
			p.Approve(m[1])
		}
	}}
	if text := does(t, w, 0, "login", address, "--device", "--fingerprint", print); !strings.Contains(text, "(operator)") {
		t.Error(text)
	}
	p.Down(true)
	if text := does(t, w, 0, "whoami"); !strings.Contains(text, "login:test-user") { // the session goes on
		t.Error(text)
	}
	does(t, w, 6, "login")
}
