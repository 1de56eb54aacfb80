package apitest

import (
	"context"
	"net/http/httptest"
	"testing"

	"rackwright/api"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// Plan is a small rack: m1 boots by UEFI and has a BMC, m2 boots by BIOS and has none.
func Plan() plan.Plan {
	return plan.Plan{Site: "lab",
		Networks: []plan.Network{{Name: "prov", CIDR: "10.0.0.0/24", DHCP: inventory.DHCPReservations}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{
			{Name: "m1", U: 1, NICs: []plan.NIC{{MAC: "52:54:00:00:00:01", Network: "prov", Address: "10.0.0.11"}},
				BMC: &plan.BMC{Address: "https://192.0.2.1", Username: "root", Password: "bmc-secret"}},
			{Name: "m2", U: 2, Firmware: inventory.BIOS, NICs: []plan.NIC{{MAC: "52:54:00:00:00:02", Network: "prov", Address: "10.0.0.12"}}},
		}}}}
}

// Rack returns a store with Plan applied and two images: debian boots on both machines,
// efi-only on m1.
func Rack(t testing.TB) *Store {
	t.Helper()
	s, ctx := New(), context.Background()
	if _, err := s.ApplyPlan(ctx, Plan(), "", "test"); err != nil {
		t.Fatal(err)
	}
	for _, i := range []images.Image{
		{Name: "debian", Digest: "sha256:d", Source: "sha256:d", Format: "raw", Arch: "amd64", Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}, Bytes: 2 << 30, Stored: 1 << 29},
		{Name: "efi-only", Digest: "sha256:e", Source: "sha256:e", Format: "qcow2", Arch: "amd64", Firmware: []inventory.Firmware{inventory.UEFI}, Bytes: 3 << 30, Stored: 1 << 30},
	} {
		if err := s.AddImage(ctx, &i, "test"); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Serve runs the interface over a store until the test ends and returns its URL.
func Serve(t testing.TB, o api.Options) string {
	t.Helper()
	if o.Importer == nil {
		o.Importer = Importer{}
	}
	if s, ok := o.Store.(*Store); ok && o.Uploads == nil {
		o.Uploads = s
	}
	if o.Depot == nil {
		o.Depot = Depot{}
	}
	if o.FirmwareBytes == nil {
		o.FirmwareBytes = &Shelf{}
	}
	if o.Version == "" {
		o.Version = "test"
	}
	server := httptest.NewServer(api.New(o))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
