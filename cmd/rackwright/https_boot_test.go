package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/config"
	"rackwright/integration/porttest"
)

func TestFirmwareThatHoldsTheAuthorityLoadsByHTTPS(t *testing.T) {
	var dir string
	listen, plain := porttest.FreeAddress(t), porttest.FreeAddress(t)
	_, _, s := reachable(t, func(cfg *config.Config) {
		dir, cfg.HTTP.Enabled, cfg.HTTP.Listen, cfg.Boot.HTTPSListen = cfg.StateDir, true, plain, listen
	})
	if _, err := s.db.ApplyPlan(t.Context(), rackPlan(1), "", "tester"); err != nil { // nobody is served before
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "boot-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ours, nobodys := x509.NewCertPool(), x509.NewCertPool()
	if !ours.AppendCertsFromPEM(text) {
		t.Fatal("no certificate in boot-ca.pem")
	}
	fetch := func(path string, with *tls.Config) (int, int, error) {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: with, DisableKeepAlives: true}, Timeout: 20 * time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+listen+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Do(q)
		if err != nil {
			return 0, 0, err
		}
		defer a.Body.Close()
		n, err := io.Copy(io.Discard, a.Body)
		return a.StatusCode, int(n), err
	}
	until(t, "https boot does not listen", func() bool {
		c, err := net.Dial("tcp", listen)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	whole := len(boot.NewLoaders().Get("ipxe.efi").Bytes())
	// Firmware whose TLS has no elliptic curves, as EDK II's often.
	old := &tls.Config{RootCAs: ours, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}
	for name, with := range map[string]*tls.Config{"TLS 1.3": {RootCAs: ours}, "RSA alone": old} {
		if status, n, err := fetch("/boot/ipxe.efi", with); err != nil || status != 200 || n != whole {
			t.Errorf("%s: %d, %d bytes of %d, %v", name, status, n, whole, err)
		}
	}
	if status, _, err := fetch("/boot/script?mac=02:00:00:00:00:01", &tls.Config{RootCAs: ours}); err != nil || status != 404 {
		t.Errorf("more than loaders is served: %d %v", status, err)
	}
	if _, _, err := fetch("/boot/ipxe.efi", &tls.Config{RootCAs: nobodys}); err == nil {
		t.Error("who does not hold the authority trusts it")
	}
}
