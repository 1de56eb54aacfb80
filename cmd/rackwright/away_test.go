package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/config"
	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/integration/porttest"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store/storetest"
)

// site is a server on a PostgreSQL that is stopped and started.
type site struct {
	t    *testing.T
	pg   *storetest.Server
	cfg  config.Config
	said pen
}

func newSite(t *testing.T) *site {
	pg, err := storetest.Postgres(t.Context())
	if err == storetest.ErrNoPostgres {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	dir, err := os.MkdirTemp("", "rw-site-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &site{t: t, pg: pg, cfg: config.Default()}
	s.cfg.StateDir, s.cfg.SealKeyFile, s.cfg.Images.Dir = dir, filepath.Join(dir, "seal.key"), filepath.Join(dir, "images")
	s.cfg.Database = config.Database(pg.DSN("postgres"))
	s.cfg.API.Listen, s.cfg.HTTP.Listen = "unix:"+filepath.Join(dir, "api"), porttest.FreeAddress(t)
	s.cfg.DHCP.Enabled, s.cfg.TFTP.Enabled, s.cfg.Agent.Enabled = false, false, false
	return s
}

// start runs a server until the returned function is called.
func (s *site) start() (*server, func()) {
	s.t.Helper()
	srv, err := assemble(s.t.Context(), s.cfg, slog.New(slog.NewTextHandler(&s.said, nil)))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() {
		if err := srv.run(ctx); err != nil {
			s.t.Errorf("the server ended: %v", err)
		}
		close(ended)
	}()
	return srv, func() {
		cancel()
		<-ended
		srv.close()
	}
}

// api asks the API over its socket with the token in the state directory.
func (s *site) api(path string) (*http.Response, string) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(s.cfg.API.Listen, "unix:"))
	}}}
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://api/api/v1"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(s.cfg.StateDir, "admin.token"))
	if os.IsNotExist(err) {
		token = []byte("a token that was never given")
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return request(s.t, c, r)
}

func request(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	answer, err := c.Do(r)
	if err != nil {
		return &http.Response{Status: err.Error()}, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer, string(text)
}

// script is the boot script for a MAC.
func (s *site) script(mac inventory.MAC) string {
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", fmt.Sprintf("http://%s/boot/script?mac=%s", s.cfg.HTTP.Listen, mac), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	_, text := request(s.t, http.DefaultClient, r)
	return text
}

// until waits for a condition.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !true() {
		select {
		case <-ctx.Done():
			t.Fatal(what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func rackPlan(machines int) plan.Plan {
	p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1"}},
		Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", Purpose: "provision", DHCP: inventory.DHCPReservations}}}
	for i := 1; i <= machines; i++ {
		p.Racks[0].Machines = append(p.Racks[0].Machines, plan.Machine{Name: fmt.Sprintf("n%d", i), U: i,
			NICs: []plan.NIC{{MAC: rackMAC(i).String(), Network: "provision", Address: fmt.Sprintf("10.0.0.%d", 10+i)}}})
	}
	return p
}

func rackMAC(i int) inventory.MAC { return inventory.MAC{0x52, 0x54, 0, 0, 0, byte(i)} }

// offered is the address that DHCP offers a MAC by the server's view.
func offered(t *testing.T, s *server, mac inventory.MAC) string {
	t.Helper()
	m, err := dhcpv4.NewDiscovery(mac[:])
	if err != nil {
		t.Fatal(err)
	}
	at := []netip.Addr{netip.MustParseAddr("10.0.0.2")}
	ans := dhcp.Decide(s.view.View(), dhcp.Inbound{Message: m, Addresses: at, Own: at, To: at[0], At: time.Now()}, dhcp.Settings{HTTPPort: 8080})
	if ans.Reply == nil {
		return string(ans.Rule)
	}
	return ans.Reply.YourIPAddr.String()
}

func TestAServerThatStartsWithoutItsDatabaseAnswersKnownMachinesAndGoesOnWhenItComes(t *testing.T) {
	s := newSite(t)
	first, stop := s.start()
	if _, err := first.db.ApplyPlan(t.Context(), rackPlan(2), "", "tester"); err != nil {
		t.Fatal(err)
	}
	until(t, "the view did not follow", func() bool { return first.view.View().Host(rackMAC(2)) != nil })
	stop() // the view is saved at the end

	s.pg.Halt()
	other := s.cfg
	other.StateDir = t.TempDir()
	if _, err := assemble(t.Context(), other, slog.New(slog.DiscardHandler)); !fault.Is(err, fault.Unreachable) || fault.HintOf(err) == "" {
		t.Errorf("without a saved view: %v", err)
	}
	if err := os.Remove(filepath.Join(s.cfg.StateDir, "admin.token")); err != nil {
		t.Fatal(err)
	}
	second, stop := s.start()
	defer stop()
	if got := offered(t, second, rackMAC(1)); got != "10.0.0.11" {
		t.Errorf("DHCP offers %s", got)
	}
	until(t, "no boot script", func() bool { return strings.Contains(s.script(rackMAC(1)), "n1") })
	for _, path := range []string{"/health", "/machines"} {
		until(t, path+" does not say that the database is away", func() bool {
			answer, text := s.api(path)
			return answer.StatusCode == 503 && answer.Header.Get("Retry-After") != "" && strings.Contains(text, "database")
		})
	}

	if err := s.pg.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the API does not answer again", func() bool {
		answer, text := s.api("/machines")
		return answer.StatusCode == 200 && strings.Contains(text, "n2")
	})
	if _, err := second.db.ApplyPlan(t.Context(), rackPlan(3), "", "tester"); err != nil {
		t.Fatal(err)
	}
	until(t, "the view does not follow again", func() bool { return offered(t, second, rackMAC(3)) == "10.0.0.13" })
}

func TestWhenTheDatabaseComesItIsBelievedAndItsTablesAreMade(t *testing.T) {
	s := newSite(t)
	first, stop := s.start()
	if _, err := first.db.ApplyPlan(t.Context(), rackPlan(1), "", "tester"); err != nil {
		t.Fatal(err)
	}
	until(t, "the view did not follow", func() bool { return first.view.View().Host(rackMAC(1)) != nil })
	stop()
	db, err := sql.Open("pgx", s.pg.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	s.pg.Halt()
	second, stop := s.start()
	defer stop()
	if got := offered(t, second, rackMAC(1)); got != "10.0.0.11" {
		t.Errorf("DHCP offers %s", got)
	}
	if err := s.pg.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the API does not answer", func() bool { answer, _ := s.api("/machines"); return answer.StatusCode == 200 })
	until(t, "the saved view is still believed", func() bool { return second.view.View().Hosts() == 0 })
}

func TestADamagedSavedViewIsRefusedAloud(t *testing.T) {
	s := newSite(t)
	s.pg.Halt()
	if err := os.WriteFile(filepath.Join(s.cfg.StateDir, "boot-view"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := assemble(t.Context(), s.cfg, slog.New(slog.NewTextHandler(&s.said, nil)))
	if text := s.said.text.String(); !fault.Is(err, fault.Unreachable) || !strings.Contains(text, "boot-view") || !strings.Contains(text, "level=WARN") {
		t.Errorf("%v, and said: %s", err, text)
	}
}
