package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/access"
	"rackwright/config"
)

func TestAServiceShowsItsClientCertificate(t *testing.T) {
	ca, caPEM := authorityOf(t, "services")
	stranger, _ := authorityOf(t, "others")
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		replaced(t, path, text)
		return path
	}
	authorities, good, bad := file("ca.pem", []byte(caPEM)), file("good.pem", serviceOf(t, ca, "cache-1.example")), file("bad.pem", serviceOf(t, stranger, "cache-1.example"))
	text, _ := os.ReadFile(good)
	cert, key, _ := strings.Cut(string(text), "-----BEGIN PRIVATE KEY")
	half, rest := file("cert.pem", []byte(cert)), file("key.pem", []byte("-----BEGIN PRIVATE KEY"+key))
	url, _, srv := reachable(t, func(cfg *config.Config) { cfg.API.ClientCA = authorities })
	if _, err := srv.db.AddToken(t.Context(), access.Grant{Name: "cache-1", Role: access.Service, Certificate: "cache-1.example"}, "rw_unused", "tester"); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.db.AddToken(t.Context(), access.Grant{Name: "mia", Role: access.Viewer}, "rw_mia", "tester"); err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(srv.cfg.StateDir, "api-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trusted := file("server.pem", own)
	w, _ := person(t)
	home, env := w.getenv("HOME"), map[string]string{}
	w.getenv = func(k string) string {
		if k == "HOME" {
			return home
		}
		return env[k]
	}
	asks := func(want int, says string, args ...string) {
		t.Helper()
		w.clientCert, w.clientKey = "", ""
		w.err.(*pen).text.Reset()
		if text := does(t, w, want, args...); !strings.Contains(text, says) {
			t.Errorf("%v: it says %q, not %q", args, text, says)
		}
	}
	asks(5, "takes no such client certificate", "login", url, "--ca", trusted, "--client-cert", bad)
	asks(2, "name PEM files that belong together", "login", url, "--ca", trusted, "--client-cert", half)
	asks(2, "no client certificate", "login", url, "--ca", trusted, "--client-key", rest)
	asks(2, "without TLS", "whoami", "--server", "http://127.0.0.1:1", "--client-cert", good)
	asks(0, "as cache-1 (service)", "login", url, "--ca", trusted, "--client-cert", half, "--client-key", rest)
	asks(0, "cache-1", "whoami")
	asks(0, half, "context", "show")
	env["RACKWRIGHT_TOKEN"] = "rw_mia" // named, and the certificate is only that of the context
	asks(0, "mia", "whoami")
	env["RACKWRIGHT_TOKEN"], env["RACKWRIGHT_CLIENT_CERT"] = "", bad
	asks(5, "takes no such client certificate", "whoami")
	asks(0, "cache-1", "whoami", "--client-cert", good)
	env["RACKWRIGHT_CLIENT_CERT"], env["RACKWRIGHT_CLIENT_KEY"] = half, rest
	asks(0, "cache-1", "whoami")
	env["RACKWRIGHT_CLIENT_CERT"], env["RACKWRIGHT_CLIENT_KEY"] = "", ""
	asks(0, "logged out", "logout")
	asks(5, "no bearer token", "whoami")
}

func TestATokenGoesInTheClearOnlyWhereSomebodySaidSo(t *testing.T) {
	for _, c := range []struct {
		p       place
		refused bool
	}{
		{place{Server: "http://192.0.2.1:8480"}, true}, {place{Server: "HTTP://boot.example"}, true},
		{place{Server: "http://192.0.2.1:8480", Clear: true}, false}, {place{Server: "http://127.0.0.1:8480"}, false},
		{place{Server: "http://localhost:8480"}, false}, {place{Server: "https://192.0.2.1:8480"}, false}, {place{Server: "unix:///run/api.sock"}, false},
	} {
		if _, err := c.p.client("rw_x"); (err != nil) != c.refused {
			t.Errorf("%s, in the clear: %v: %v", c.p.Server, c.p.Clear, err)
		}
		if _, err := c.p.client(""); err != nil {
			t.Errorf("%s without a token: %v", c.p.Server, err)
		}
	}
}
