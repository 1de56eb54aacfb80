package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/integration/bench/load"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// fresh makes an empty folder and returns its absolute path.
func fresh(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	return dir, err
}

// startOurs starts the server as a user would, on its embedded database, and applies a
// plan of the machines. Everything is on.
func startOurs(ctx context.Context, b *bench, dir string, clients []load.Client) (*process, error) {
	dir, err := fresh(dir)
	if err != nil {
		return nil, err
	}
	p, err := serveOurs(ctx, b, dir)
	if err != nil {
		return nil, err
	}
	c, err := apiOf(dir)
	if err == nil {
		_, err = c.ApplyPlan(ctx, planOf(clients), "")
	}
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// serveOurs starts the server with its state in a folder and waits for its API.
func serveOurs(ctx context.Context, b *bench, dir string) (*process, error) {
	p, err := execOurs(ctx, b, dir, "")
	if err != nil {
		return nil, err
	}
	if err := lab.Until(ctx, 30*time.Second, "the server's API", func() (bool, error) {
		c, err := apiOf(dir)
		if err == nil {
			_, err = c.Health(ctx)
		}
		return err == nil, p.alive()
	}); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// execOurs starts the server; dsn is empty for the embedded database.
func execOurs(ctx context.Context, b *bench, dir, dsn string) (*process, error) {
	config, bin := filepath.Join(dir, "rackwright.toml"), filepath.Join(b.bin, "rackwright")
	text := fmt.Sprintf("state_dir = %q\n[api]\nlisten = %q\n[dhcp]\nprobe_ms = 0\n", filepath.Join(dir, "state"), "unix:"+filepath.Join(dir, "api.sock"))
	if dsn != "" {
		text = fmt.Sprintf("database = %q\n", dsn) + text
	}
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(bin); err != nil {
		return nil, fault.NotFoundf("%s is missing", bin).WithHint("'make build' builds it")
	}
	return startProcess(ctx, dir, nil, bin, "serve", "--config", config)
}

// apiOf is a client of the server with its state in a folder.
func apiOf(dir string) (*client.Client, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(dir, "state", "admin.token"))
	if err != nil {
		return nil, err
	}
	return client.New("unix://"+filepath.Join(dir, "api.sock"), strings.TrimSpace(string(token)))
}

// planOf puts the machines into racks of a hundred units.
func planOf(clients []load.Client) plan.Plan {
	p := plan.Plan{Site: "bench", Networks: []plan.Network{{Name: "bench", CIDR: "10.64.0.0/10", DHCP: inventory.DHCPReservations}}}
	for i, c := range clients {
		if i%100 == 0 {
			p.Racks = append(p.Racks, plan.Rack{Name: fmt.Sprintf("r%d", i/100), Units: 100})
		}
		r := &p.Racks[len(p.Racks)-1]
		r.Machines = append(r.Machines, plan.Machine{Name: fmt.Sprintf("m%d", i), U: i%100 + 1,
			NICs: []plan.NIC{{MAC: mac(c), Network: "bench", Address: c.Address.String()}}})
	}
	return p
}

// startKea starts Kea with the machines as reservations of its configuration and its
// leases in a file, as the package sets it up.
func startKea(ctx context.Context, _ *bench, dir string, clients []load.Client) (*process, error) {
	return startKeaWith(ctx, dir, func(dir string) any { return keaConfig(dir, clients, nil) })
}

// startKeaWith starts Kea with a configuration that names the folder of its leases.
func startKeaWith(ctx context.Context, dir string, config func(dir string) any) (*process, error) {
	program, err := exec.LookPath("kea-dhcp4")
	if err != nil {
		return nil, fault.NotFoundf("kea-dhcp4 is not installed").WithHint("apt-get install kea-dhcp4-server; as Debian sets it up it listens nowhere")
	}
	if dir, err = fresh(dir); err != nil {
		return nil, err
	}
	text, err := json.Marshal(config(dir))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "kea.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return nil, err
	}
	return startProcess(ctx, dir, []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=" + dir}, program, "-c", file)
}

// keaConfig follows the Kea administrator's manual, sections "Host Reservation" and
// "Memfile". more is said of the subnet.
func keaConfig(dir string, clients []load.Client, more map[string]any) any {
	type m = map[string]any
	reserved := []m{}
	for _, c := range clients {
		reserved = append(reserved, m{"hw-address": mac(c), "ip-address": c.Address.String()})
	}
	subnet := m{"id": 1, "subnet": "10.64.0.0/10", "reservations": reserved}
	maps.Copy(subnet, more)
	return m{"Dhcp4": m{
		"interfaces-config":            m{"interfaces": []string{cableName}, "dhcp-socket-type": "udp"},
		"lease-database":               m{"type": "memfile", "persist": true, "name": filepath.Join(dir, "leases.csv"), "lfc-interval": 3600},
		"host-reservation-identifiers": []string{"hw-address"},
		"reservations-in-subnet":       true,
		"reservations-out-of-pool":     true,
		"valid-lifetime":               3600,
		"subnet4":                      []m{subnet},
		"loggers":                      []m{{"name": "kea-dhcp4", "severity": "WARN", "output_options": []m{{"output": "stdout"}}}},
	}}
}
