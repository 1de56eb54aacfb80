package redfish

import (
	"io"
	"log"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/inventory"
)

// quick is a Timing for mocks that answer at once.
func quick() Timing {
	return Timing{Request: 10 * time.Second, Settle: 10 * time.Second, Boot: 10 * time.Second, Proof: 10 * time.Second, Media: 10 * time.Second, Restart: 10 * time.Second,
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
	disks := []bmc.Target{bmc.BootPXE, bmc.BootDisk, bmc.BootCD, bmc.BootSetup}
	plain := []bmctest.Group{bmctest.Order, bmctest.SecureBoots, bmctest.KeyResets, bmctest.Setups}
	without := func(more ...bmctest.Group) []bmctest.Group { return slices.Concat(plain, more) }
	for name, hooks := range map[string]bmctest.Hooks{
		"dell":           {Targets: append(slices.Clone(all), bmc.BootCD), Mode: inventory.UEFI, Grace: time.Second, Setting: bmctest.Setting{Name: "LogicalProc", Value: "Disabled"}},
		"dell10":         {Targets: all, Without: []bmctest.Group{bmctest.SecureBoots, bmctest.KeyResets, bmctest.SelfRestart}, Setting: bmctest.Setting{Name: "LogicalProc", Value: "Disabled"}},
		"hpe":            {Targets: all, Mode: inventory.BIOS, Without: []bmctest.Group{bmctest.Lasting}, Setting: bmctest.Setting{Name: "NumaGroupSizeOpt", Value: "Clustered"}},
		"supermicro":     {Mode: inventory.BIOS, Without: without(bmctest.Drives, bmctest.SelfRestart)},
		"supermicro-x12": {Targets: append(slices.Clone(all), bmc.BootCD, bmc.BootSetup), Without: plain},
		"openbmc":        {Mode: inventory.UEFI, Without: plain},
		"nvidia":         {Targets: all, Mode: inventory.UEFI, Without: plain},
		"lenovo": {Targets: disks, Grace: time.Second, Without: []bmctest.Group{bmctest.Lasting, bmctest.Order, bmctest.SecureBoots, bmctest.KeyResets},
			Setting: bmctest.Setting{Name: "BootModes_InfiniteBootRetry", Value: "Enabled"}},
		"ami": {Targets: disks, Mode: inventory.UEFI, Setting: bmctest.Setting{Name: "CORES", Value: "4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, name)
			hooks.Power, hooks.Starts, hooks.Sessions, hooks.Unreachable = m.Power, m.Starts, m.Sessions, nobody(t)
			hooks.Lit, hooks.Medium = m.Lit, m.Medium
			hooks.Images = []string{"http://192.0.2.1/a.iso", "https://192.0.2.1/once/b.iso"}
			bmctest.Run(t, &Dialer{Timing: quick(), Log: slog.New(slog.DiscardHandler)}, m.access(), hooks)
			if n := m.Sessions(); n != 0 {
				t.Errorf("%d sessions are left open", n)
			}
		})
	}
}
