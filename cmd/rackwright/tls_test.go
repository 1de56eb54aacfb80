package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/config"
)

// authorityOf makes an authority and its certificate as PEM.
func authorityOf(t *testing.T, name string) (*tls.Certificate, string) {
	t.Helper()
	text, err := signed(&x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := tls.X509KeyPair(text, text)
	if err != nil {
		t.Fatal(err)
	}
	return &ca, string(text)
}

// serviceOf makes a client certificate with its key, PEM.
func serviceOf(t *testing.T, ca *tls.Certificate, name string) []byte {
	t.Helper()
	text, err := signed(&x509.Certificate{DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// replaced puts another file in the place of one, as certificate tools do.
func replaced(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := writeWhole(path, text); err != nil {
		t.Fatal(err)
	}
}

// hangUp sends this process, the server, SIGHUP.
func hangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// survivesHangUp keeps a SIGHUP from ending the test before the server takes it.
func survivesHangUp(t *testing.T) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hup) })
}

// caller is an HTTP client that counts its connections.
func caller(t *testing.T, shown ...tls.Certificate) (c *http.Client, connections *atomic.Int32) {
	connections = &atomic.Int32{}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connections.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
	if len(shown) > 0 { // whatever the server asks for
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown[0], nil }
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, connections
}

// answered is the status and the text of an answer, 0 and the error for none.
func answered(t *testing.T, c *http.Client, url string) (int, string, string) {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		return 0, err.Error(), ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Proto
}

func TestTheListenerSpeaksTLS12And13AndHTTP2(t *testing.T) {
	url, _, _ := reachable(t, func(*config.Config) {})
	address := strings.TrimPrefix(url, "https://")
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if err == nil {
			if state := c.ConnectionState(); state.Version != version || state.NegotiatedProtocol != "h2" {
				t.Errorf("%s: it is %s with %q", tls.VersionName(version), tls.VersionName(state.Version), state.NegotiatedProtocol)
			}
			c.Close()
		}
		if (err == nil) != good || !good && !strings.Contains(err.Error(), "remote error: tls: protocol version not supported") {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	c, _ := caller(t)
	if status, text, proto := answered(t, c, url+"/api/v1/health"); status != 200 || proto != "HTTP/2.0" {
		t.Errorf("%d %s %s", status, proto, text)
	}
}

func TestANewServerCertificateIsTakenOnSIGHUPAndOpenConnectionsGoOn(t *testing.T) {
	survivesHangUp(t)
	ca, _ := authorityOf(t, "lab")
	path := filepath.Join(t.TempDir(), "api.pem")
	leaf := func(name string) []byte {
		text, err := apiOwn().certificate(ca, []string{name}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	replaced(t, path, leaf("first.example"))
	url, _, _ := reachable(t, func(cfg *config.Config) { cfg.API.TLSCert, cfg.API.TLSKey = path, path })
	old, connections := caller(t)
	if status, text, _ := answered(t, old, url+"/api/v1/health"); status != 200 {
		t.Fatal(status, text)
	}
	replaced(t, path, leaf("second.example"))
	until(t, "the new certificate is not served", func() bool {
		hangUp(t)
		c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].VerifyHostname("second.example") == nil
	})
	if status, text, _ := answered(t, old, url+"/api/v1/health"); status != 200 || connections.Load() != 1 {
		t.Errorf("the open connection: %d %s, %d connections", status, text, connections.Load())
	}
}

func TestTheAuthoritiesOfClientCertificatesAreReadAgain(t *testing.T) {
	survivesHangUp(t)
	before, beforePEM := authorityOf(t, "before")
	after, afterPEM := authorityOf(t, "after")
	path := filepath.Join(t.TempDir(), "clients.pem")
	replaced(t, path, []byte(beforePEM))
	url, said, srv := reachable(t, func(cfg *config.Config) { cfg.API.ClientCA = path })
	if _, err := srv.db.AddToken(t.Context(), access.Grant{Name: "cache-1", Role: access.Service, Certificate: "cache-1.example"}, "rw_unused", "tester"); err != nil {
		t.Fatal(err)
	}
	who := url + "/api/v1/whoami"
	by := func(ca *tls.Certificate) *http.Client {
		text := serviceOf(t, ca, "cache-1.example")
		cert, err := tls.X509KeyPair(text, text)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := caller(t, cert)
		return c
	}
	open := by(before)
	if status, text, _ := answered(t, open, who); status != 200 || !strings.Contains(text, `"by":"certificate"`) {
		t.Fatal(status, text)
	}
	if status, text, _ := answered(t, by(after), who); status != 0 {
		t.Errorf("by an authority that is not there yet: %d %s", status, text)
	}
	replaced(t, path, []byte("half a cer"))
	until(t, "nothing is said of a broken file", func() bool { hangUp(t); return strings.Contains(said.String(), "those before still count") })
	if status, text, _ := answered(t, by(before), who); status != 200 {
		t.Errorf("after a broken file: %d %s", status, text)
	}
	replaced(t, path, []byte(afterPEM))
	until(t, "the new authority does not count", func() bool { hangUp(t); status, _, _ := answered(t, by(after), who); return status == 200 })
	if status, text, _ := answered(t, by(before), who); status != 0 {
		t.Errorf("by the authority that was removed: %d %s", status, text)
	}
	if status, text, _ := answered(t, open, who); status != 401 || !strings.Contains(text, "counts no more") {
		t.Errorf("by the authority that was removed, connected before: %d %s", status, text)
	}
}

// An address that the server got after its start is in its certificate at the next look, by
// the same authority.
func TestAnOwnCertificateIsMadeAnewForAnAddressThatCame(t *testing.T) {
	names := []string{"10.0.0.1"}
	c := &certificates{own: bootOwn(), dir: t.TempDir(), names: func() []string { return names }, log: slog.New(slog.DiscardHandler), now: time.Now}
	if err := c.look(); err != nil {
		t.Fatal(err)
	}
	first := c.current.Load()
	if err := c.look(); err != nil || c.current.Load() != first {
		t.Errorf("it is made anew without a reason, %v", err)
	}
	names = append(names, "10.0.1.1")
	if err := c.look(); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := c.current.Load().Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if string(c.current.Load().Certificate[1]) != string(first.Certificate[1]) {
		t.Error("it has another authority, which no firmware holds")
	}
}
