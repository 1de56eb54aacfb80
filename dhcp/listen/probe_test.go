package listen

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"

	"rackwright/inventory"
)

// noSuchLink is an interface nobody has: who looks there fails, and says so.
const noSuchLink = 1 << 30

// newProber is one whose clock is the test's, and what it says.
func newProber(now *time.Time) (*prober, *bytes.Buffer) {
	said := &bytes.Buffer{}
	return &prober{log: slog.New(slog.NewTextHandler(said, nil)), now: func() time.Time { return *now }, wait: probeWait}, said
}

func TestAnAddressThatWasFreeIsNotLookedAtAgainForAWhile(t *testing.T) {
	a, now := netip.MustParseAddr("10.0.1.7"), time.Unix(1_700_000_000, 0)
	for name, c := range map[string]struct {
		later time.Duration
		about netip.Addr
		looks bool
	}{
		"at once":         {0, a, false},
		"before its end":  {probeKept - 1, a, false},
		"after a minute":  {probeKept, a, true},
		"another address": {0, a.Next(), true},
	} {
		at := now
		p, said := newProber(&at)
		p.remember(a)
		at = at.Add(c.later)
		if who := p.used(t.Context(), noSuchLink, true, c.about, inventory.MAC{2}); who != "" {
			t.Errorf("%s: used by %s", name, who)
		}
		if looked := said.Len() > 0; looked != c.looks {
			t.Errorf("%s: looked: %v: %s", name, looked, said)
		}
	}
}

func TestThatNobodyCouldLookIsSaidOnceAndNotRemembered(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p, said := newProber(&now)
	for range 3 {
		p.used(t.Context(), noSuchLink, true, netip.MustParseAddr("10.0.1.7"), inventory.MAC{2})
	}
	if n := strings.Count(said.String(), "CAP_NET_RAW"); n != 1 || len(p.free) != 0 {
		t.Errorf("said %d times, %d remembered", n, len(p.free))
	}
}

func TestWhatWasFreeIsRememberedOfSoManyAddresses(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p, _ := newProber(&now)
	a := netip.MustParseAddr("10.0.0.0")
	for range 3 * maxProbed {
		p.remember(a)
		if a = a.Next(); len(p.free) > maxProbed {
			t.Fatalf("%d addresses", len(p.free))
		}
	}
	if !p.lately(a.Prev()) {
		t.Error("the newest is forgotten")
	}
}

// All of 127.0.0.0/8 answers on the loopback interface.
func TestAnAddressThatAnswersAnEchoIsUsedEachTime(t *testing.T) {
	needRaw(t)
	now := time.Unix(1_700_000_000, 0)
	p, said := newProber(&now)
	for range 2 {
		if who := p.used(t.Context(), noSuchLink, false, netip.MustParseAddr("127.0.7.7"), inventory.MAC{2}); who != "127.0.7.7" {
			t.Errorf("used by %q: %s", who, said)
		}
	}
	if len(p.free) != 0 {
		t.Errorf("free: %v", p.free)
	}
}

// A raw socket may not send to the broadcast address.
func TestAnAddressThatNothingCanBeSentToIsFree(t *testing.T) {
	needRaw(t)
	now := time.Unix(1_700_000_000, 0)
	p, said := newProber(&now)
	a := netip.MustParseAddr("127.255.255.255")
	if who := p.used(t.Context(), noSuchLink, false, a, inventory.MAC{2}); who != "" || !p.lately(a) || said.Len() > 0 {
		t.Errorf("used by %q: %s", who, said)
	}
}

func needRaw(t *testing.T) {
	t.Helper()
	c, err := icmp.ListenPacket("ip4:icmp", "127.0.0.1")
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("needs CAP_NET_RAW: run as root")
	} else if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
