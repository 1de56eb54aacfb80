package redfish

import (
	"io"
	"log"
	"log/slog"
	"net"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/inventory"
)

// quick is a Timing for mocks that answer at once.
func quick() Timing {
	return Timing{Request: 10 * time.Second, Settle: 10 * time.Second, Boot: 10 * time.Second, Proof: 10 * time.Second,
		Patience: time.Minute, PollMin: time.Millisecond, PollMax: 4 * time.Millisecond}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func (m *mock) access() bmc.Access {
	return bmc.Access{Address: m.URL, Username: mockUser, Password: mockPassword}
}

// nobody is an address that refuses connections.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "https://" + l.Addr().String()
}

func TestEveryVendorsShapePassesTheSuite(t *testing.T) {
	all := []bmc.Target{bmc.BootPXE, bmc.BootHTTP, bmc.BootDisk}
	for name, hooks := range map[string]bmctest.Hooks{
		"dell":           {Targets: all, Mode: inventory.UEFI, Grace: time.Second},
		"dell10":         {Targets: all},
		"hpe":            {Targets: all, Mode: inventory.BIOS},
		"supermicro":     {Mode: inventory.BIOS},
		"supermicro-x12": {Targets: all},
		"openbmc":        {Mode: inventory.UEFI},
		"nvidia":         {Targets: all, Mode: inventory.UEFI},
		"lenovo":         {Grace: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, name)
			hooks.Power, hooks.Starts, hooks.Sessions, hooks.Unreachable = m.Power, m.Starts, m.Sessions, nobody(t)
			hooks.Lit = m.Lit
			bmctest.Run(t, &Dialer{Timing: quick(), Log: slog.New(slog.DiscardHandler)}, m.access(), hooks)
			if n := m.Sessions(); n != 0 {
				t.Errorf("%d sessions are left open", n)
			}
		})
	}
}
