package netns

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/boot/boottest"
	"rackwright/boot/current"
	"rackwright/journal"
)

// steps is one ladder, whose machine nobody powers, and what is said of it.
type steps struct {
	mu   sync.Mutex
	view *boot.View
	told chan journal.Event
}

func (s *steps) look() *boot.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

func (s *steps) SetRung(_ context.Context, model string, _, now boot.Rung, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view = s.view.With(&boot.Delta{Revision: s.view.Revision + 1, Models: &boot.Models{Rungs: map[string]boot.Rung{model: now}}})
	return nil
}

func (s *steps) Powered(context.Context, string, time.Time, time.Time) (bool, error) {
	return false, nil
}

func (s *steps) Record(e journal.Event) {
	if e.Kind == journal.LoaderRung {
		s.told <- e
	}
}

// What DHCP, TFTP and HTTP record of firmware that fetches its loader and comes back moves the
// ladder, and of a loader that gets its script has it remembered.
func TestFirmwareThatComesBackMovesItsModelsLadderAndAScriptHasItRemembered(t *testing.T) {
	s := newSite(t)
	tftp, curl := need(t, "tftp", "tftp-hpa"), need(t, "curl", "curl")
	m := plug(t, "br0", deployMAC)
	blade := *s.view.Host(parse(deployMAC))
	blade.Model = "blade"
	ladder := &steps{view: boot.NewView(1, s.view.Networks(), []*boot.Host{&blade}), told: make(chan journal.Event, 10)}
	shelf := boottest.Shelf(t, "shim/shimx64.efi")
	later := func() time.Time { return time.Now().Add(time.Hour) } // when it is known that nobody cut the power
	climber := current.NewClimber(current.Climber{View: ladder.look, Loaders: shelf, Rungs: ladder, Journal: ladder, Log: slog.New(slog.DiscardHandler), Now: later})
	sent := make(chan struct{}, 10)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wg.Go(func() { _ = climber.Run(ctx) })
	wg.Go(func() {
		for {
			select {
			case e := <-s.events:
				if climber.Record(e); e.Kind == journal.TFTPSent {
					sent <- struct{}{}
				}
			case <-ctx.Done():
				return
			}
		}
	})
	asks := func() {
		request(t, m, deployMAC, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003001")), dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64)))
	}
	fetches := func() {
		if out, err := m.run(tftp, "-m", "binary", "10.77.0.1", "-c", "get", "/ipxe.efi", filepath.Join(t.TempDir(), "loader")); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		select {
		case <-sent: // firmware takes longer to start a loader than the server to note that it was sent
		case <-time.After(10 * time.Second):
			t.Fatal("no transfer was noted")
		}
	}
	says := func(want boot.Rung) {
		t.Helper()
		select {
		case e := <-ladder.told:
			if got := ladder.look().RungOf("blade"); got != want || e.Detail["model"] != "blade" || e.Name != blade.Name {
				t.Errorf("%+v, want %+v; told %+v", got, want, e)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the ladder did not move")
		}
	}
	asks()
	m.address("10.77.0.12/24")
	for range 2 {
		fetches()
		asks()
	}
	says(boot.Rung{Kind: boot.Shim})
	fetches()
	if out, err := m.run(curl, "-sS", "--fail", "http://10.77.0.1:8080/boot/script?mac="+deployMAC+"&platform=efi"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	says(boot.Rung{Worked: true})
}
