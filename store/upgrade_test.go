package store_test

import (
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/migrations"
	"rackwright/store"
	"rackwright/store/storetest"
)

func TestADatabaseOfTheFirstReleaseComesUpWhole(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	t.Run("SQLite", func(t *testing.T) {
		upgrade(t, storetest.SQLite{}, goose.DialectSQLite3, migrations.SQLite, at.UnixMicro())
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if missing != nil {
			t.Skip(missing)
		}
		upgrade(t, postgres, goose.DialectPostgres, migrations.Postgres, at)
	})
}

// first is data as the first release wrote it; $1 is a time.
var first = []string{
	`INSERT INTO site (id, name) VALUES ('01900000-0000-7000-8000-000000000001', 'lab')`,
	`INSERT INTO rack (id, site_id, name, units, version) VALUES ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000001', 'r1', 42, 3)`,
	`INSERT INTO network (id, name, cidr, gateway, dns, ntp, domain, mtu, purpose, dhcp, strangers, lease_seconds, router_adverts, version)
		VALUES ('01900000-0000-7000-8000-000000000003', 'prov', '10.0.0.0/24', '10.0.0.1', '["10.0.0.2"]', '[]', 'lab.example', 1500, 'provision', 'authoritative', 'ignore', 1800, '1', 2)`,
	`INSERT INTO machine (id, name, phase, rack_id, u, height, face, firmware, arch, vendor, model, serial, serial_key, uuid, root_disk, power, facts, image, version, created_at, updated_at)
		VALUES ('01900000-0000-7000-8000-000000000004', 'n1', 'active', '01900000-0000-7000-8000-000000000002', 3, 2, 'rear', 'uefi', 'amd64', 'Acme', 'R1', 'SN-1', 'acme/sn-1', '',
			'{}', 'on', '{"source":"agent","observed_at":"2026-01-02T03:04:05Z","system":{"serial":"SN-1"}}', 'debian-12', 7, $1, $1)`,
	`INSERT INTO slot_cell (rack_id, face, u, machine_id) VALUES ('01900000-0000-7000-8000-000000000002', 'rear', 3, '01900000-0000-7000-8000-000000000004')`,
	`INSERT INTO slot_cell (rack_id, face, u, machine_id) VALUES ('01900000-0000-7000-8000-000000000002', 'rear', 4, '01900000-0000-7000-8000-000000000004')`,
	`INSERT INTO nic (mac, machine_id, position, name, network_id, address, boot)
		VALUES ('52:54:00:00:00:01', '01900000-0000-7000-8000-000000000004', 0, 'nic1', '01900000-0000-7000-8000-000000000003', '10.0.0.11', '1')`,
	`INSERT INTO bmc (machine_id, address, username, password_sealed, certificate_sha256) VALUES ('01900000-0000-7000-8000-000000000004', 'https://10.0.1.11', 'admin', '', '')`,
	`INSERT INTO condition (machine_id, type, reason, evidence, hint, since) VALUES ('01900000-0000-7000-8000-000000000004', 'bmc-unusable', 'timeout', 'no answer', 'look', $1)`,
}

func upgrade(t *testing.T, kind storetest.Database, dialect goose.Dialect, files func() (fs.FS, error), at any) {
	dsn := kind.Empty(t)
	old, err := files()
	if err != nil {
		t.Fatal(err)
	}
	raw := kind.Raw(t, dsn)
	p, err := goose.NewProvider(dialect, raw, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, statement := range first {
		var args []any
		if strings.Contains(statement, "$1") {
			args = append(args, at)
		}
		if _, err := raw.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Sealer: storetest.NewSealer("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var without int
	if err := raw.QueryRowContext(t.Context(), `SELECT count(*) FROM network WHERE span_first IS NULL OR span_last <> span_first + 255`).Scan(&without); err != nil || without != 0 {
		t.Errorf("%d networks without their span: %v", without, err)
	}
	whole(t, db)
}

// whole looks for everything that was there, and for what the new release made of it.
func whole(t *testing.T, db *store.DB) {
	found, err := db.Machines(t.Context(), store.MachineFilter{Text: "sn-1 r1", Limit: 5})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d machines by their words: %v", len(found), err)
	}
	m := found[0]
	if m.Name != "n1" || m.Version != 7 || m.Phase != inventory.Active || *m.Slot != (inventory.Slot{Rack: "r1", U: 3, Height: 2, Face: inventory.Rear}) ||
		len(m.NICs) != 1 || m.NICs[0].MAC.String() != "52:54:00:00:00:01" || m.NICs[0].Network != "prov" || m.NICs[0].Address != netip.MustParseAddr("10.0.0.11") ||
		m.BMC == nil || len(m.Conditions) != 1 || m.Conditions[0].Evidence != "no answer" || m.Facts == nil || m.Facts.System.Serial != "SN-1" {
		t.Errorf("the machine is now %+v", m)
	}
	r, err := db.Rack(t.Context(), "r1")
	if err != nil || r.Units != 42 || r.Version != 3 {
		t.Errorf("the rack is now %+v (%v)", r, err)
	}
	// its cells, its addresses and its network are still its own
	for what, p := range map[string]plan.Plan{
		"slot":    {Site: "lab", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{{Name: "n2", U: 4, Face: inventory.Rear}}}}},
		"network": {Site: "lab", Networks: []plan.Network{{Name: "other", CIDR: "10.0.0.0/25"}}},
	} {
		if _, err := db.ApplyPlan(t.Context(), p, "", "tester"); err == nil {
			t.Errorf("another took the %s", what)
		}
	}
	same := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "prov", CIDR: "10.0.0.0/24", Gateway: "10.0.0.1", DNS: []string{"10.0.0.2"}, Domain: "lab.example",
		MTU: 1500, DHCP: inventory.DHCPAuthoritative, LeaseSeconds: 1800, RouterAdverts: true}}}
	if d, err := db.DiffPlan(t.Context(), same); err != nil || len(d.Changes) != 0 {
		t.Errorf("its own plan would change %+v (%v)", d, err)
	}
}
