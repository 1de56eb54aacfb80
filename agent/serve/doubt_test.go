package serve_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"rackwright/agent/serve"
	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// lent says whom addresses are lent to.
type lent map[netip.Addr]inventory.MAC

func (l lent) Lessee(_ context.Context, _ *inventory.Network, a netip.Addr) (inventory.MAC, error) {
	return l[a], nil
}

// pages is a journal in memory.
type pages chan journal.Event

func (p pages) Record(e journal.Event) { p <- e }

// doubted is an HTTPS server whose connections are waited for to their end.
func doubted(t *testing.T, d *serve.Doubt) (address string, ended chan struct{}) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	ended = make(chan struct{}, 1)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if d.ConnState(c, state); state == http.StateClosed {
			ended <- struct{}{}
		}
	}
	s.Listener = d.Listener(s.Listener)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), ended
}

func TestAClientThatDoesNotTrustTheCertificateIsWrittenDown(t *testing.T) {
	net8 := &inventory.Network{Name: "prov", Prefix: netip.MustParsePrefix("127.0.0.0/8")}
	loan := inventory.MAC{2, 0, 0, 0, 0, 3}
	view := boot.NewView(1, []*inventory.Network{net8}, []*boot.Host{
		{Machine: "m1", Name: "own", MAC: inventory.MAC{2, 0, 0, 0, 0, 1}, Network: "prov", Address: netip.MustParseAddr("127.0.0.11"), Operation: "op1"},
		{Machine: "m2", Name: "bmc", MAC: inventory.MAC{2, 0, 0, 0, 0, 2}, Network: "prov", Address: netip.MustParseAddr("127.0.0.12"), BMC: true},
		{Machine: "m3", Name: "borrower", MAC: loan}})
	diary := make(pages, 1)
	address, ended := doubted(t, &serve.Doubt{View: func() *boot.View { return view }, Leases: lent{netip.MustParseAddr("127.0.0.13"): loan}, Journal: diary, Now: time.Now})
	pinned := func(tls.ConnectionState) error { return errors.New("another certificate") }
	for _, c := range []struct {
		name, from string
		with       *tls.Config // nil: it hangs up
		kind       journal.Kind
		machine    string
	}{
		{"the agent, by its pin", "127.0.0.11", &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: pinned}, journal.AgentRefused, "m1"},
		{"TLS 1.2, by its authorities", "127.0.0.11", &tls.Config{MaxVersion: tls.VersionTLS12, ServerName: "rack"}, journal.AgentRefused, "m1"},
		{"its BMC", "127.0.0.12", &tls.Config{ServerName: "rack"}, journal.BMCFailed, "m2"},
		{"at a lent address", "127.0.0.13", &tls.Config{ServerName: "rack"}, journal.AgentRefused, "m3"},
		{"somebody", "127.0.0.14", &tls.Config{ServerName: "rack"}, journal.AgentRefused, ""},
		{"it trusts", "127.0.0.11", &tls.Config{InsecureSkipVerify: true}, "", ""},
		{"it hangs up", "127.0.0.11", nil, "", ""},
		{"a version of long ago", "127.0.0.11", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, InsecureSkipVerify: true}, "", ""},
	} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from)}}
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if c.with != nil {
			_ = tls.Client(conn, c.with).HandshakeContext(t.Context()) // refused is what is wanted
		}
		conn.Close()
		<-ended
		var got journal.Event
		select {
		case got = <-diary:
		default:
		}
		if got.Kind != c.kind || got.Machine != c.machine || got.Kind != "" && (got.Detail["peer"] != c.from || got.Detail["alert"] == "") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestFirmwareThatHangsUpWhenItSeesTheCertificateIsWrittenDown(t *testing.T) {
	diary := make(pages, 1)
	for _, boots := range []bool{true, false} {
		address, ended := doubted(t, &serve.Doubt{View: func() *boot.View { return boot.NewView(1, nil, nil) }, Journal: diary, Now: time.Now, Boot: boots})
		for name, early := range map[string]bool{"at the certificate": false, "at once": true} {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			mute := func(tls.ConnectionState) error { conn.Close(); return errors.New("no alert can be sent") }
			if !early {
				_ = tls.Client(conn, &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: mute}).HandshakeContext(t.Context()) // hanging up is what is wanted
			}
			conn.Close()
			<-ended
			if want := boots && !early; len(diary) > 0 != want {
				t.Errorf("hanging up %s, HTTPS boot %t: %d events", name, boots, len(diary))
			}
			for len(diary) > 0 {
				if e := <-diary; e.Kind != journal.HTTPRefused || e.Detail["reason"] != "certificate" {
					t.Errorf("%+v", e)
				}
			}
		}
	}
}

func TestOneThatRefusesTheCertificateAgainAndAgainDoesNotFillTheJournal(t *testing.T) {
	now, diary := time.Unix(1_800_000_000, 0), make(pages, 1000)
	address, ended := doubted(t, &serve.Doubt{View: func() *boot.View { return boot.NewView(1, nil, nil) }, Journal: diary, Now: func() time.Time { return now }})
	refuse := func() {
		if _, err := tls.Dial("tcp", address, &tls.Config{ServerName: "rack"}); err == nil {
			t.Fatal("it trusts a certificate that nobody signed")
		}
		<-ended
	}
	for range 210 {
		refuse()
	}
	if len(diary) != 200 {
		t.Fatalf("%d events", len(diary))
	}
	now = now.Add(time.Second)
	refuse()
	var last journal.Event
	for range 201 {
		last = <-diary
	}
	if last.Detail["left_out"] != 10 {
		t.Errorf("%+v", last)
	}
}

func TestOpenSSLThatDoesNotTrustTheCertificateIsWrittenDown(t *testing.T) {
	bin, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("needs openssl: apt-get install openssl")
	}
	diary := make(pages, 1)
	address, ended := doubted(t, &serve.Doubt{View: func() *boot.View { return boot.NewView(1, nil, nil) }, Journal: diary, Now: time.Now})
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		out, err := exec.CommandContext(t.Context(), bin, "s_client", "-connect", address, "-verify_return_error", version).CombinedOutput()
		if err == nil {
			t.Fatalf("%s: it trusts: %s", version, out)
		}
		<-ended
		select {
		case e := <-diary:
			if e.Detail["alert"] != "unknown certificate authority" {
				t.Errorf("%s: %+v", version, e)
			}
		default:
			t.Errorf("%s: nothing is written down: %s", version, out)
		}
	}
}
