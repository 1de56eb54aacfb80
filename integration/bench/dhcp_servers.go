package main

import (
	"context"
	"encoding/json"
	"fmt"
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
// plan of the machines. Everything is on: the journal writes down every packet.
func startOurs(ctx context.Context, b *bench, dir string, clients []load.Client) (*process, error) {
	dir, err := fresh(dir)
	if err != nil {
		return nil, err
	}
	config, socket, bin := filepath.Join(dir, "rackwright.toml"), filepath.Join(dir, "api.sock"), filepath.Join(b.bin, "rackwright")
	text := fmt.Sprintf("state_dir = %q\n[api]\nlisten = %q\n", filepath.Join(dir, "state"), "unix:"+socket)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	if _, err := os.Stat(bin); err != nil {
		return nil, fault.NotFoundf("%s is missing", bin).WithHint("'make build' builds it")
	}
	p, err := startProcess(ctx, dir, nil, bin, "serve", "--config", config)
	if err != nil {
		return nil, err
	}
	if err := applyPlan(ctx, p, "unix://"+socket, filepath.Join(dir, "state", "admin.token"), clients); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// applyPlan applies the plan once the API answers.
func applyPlan(ctx context.Context, p *process, server, tokenFile string, clients []load.Client) error {
	var c *client.Client
	if err := lab.Until(ctx, 30*time.Second, "the server's API", func() (bool, error) {
		token, err := os.ReadFile(tokenFile)
		if err != nil {
			return false, p.alive()
		}
		if c, err = client.New(server, strings.TrimSpace(string(token))); err != nil {
			return false, err
		}
		_, err = c.Health(ctx)
		return err == nil, p.alive()
	}); err != nil {
		return err
	}
	_, err := c.ApplyPlan(ctx, planOf(clients), "")
	return err
}

// planOf puts the machines into racks of a hundred units.
func planOf(clients []load.Client) plan.Plan {
	p := plan.Plan{Site: "bench", Networks: []plan.Network{{Name: "bench", CIDR: "10.88.0.0/16", DHCP: inventory.DHCPReservations}}}
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
	program, err := exec.LookPath("kea-dhcp4")
	if err != nil {
		return nil, fault.NotFoundf("kea-dhcp4 is not installed").WithHint("apt-get install kea-dhcp4-server; as Debian sets it up it listens nowhere")
	}
	if dir, err = fresh(dir); err != nil {
		return nil, err
	}
	text, err := json.Marshal(keaConfig(dir, clients))
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "kea.json")
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return nil, err
	}
	return startProcess(ctx, dir, []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=" + dir}, program, "-c", config)
}

// keaConfig follows the Kea administrator's manual, sections "Host Reservation" and
// "Memfile".
func keaConfig(dir string, clients []load.Client) any {
	type m = map[string]any
	var reserved []m
	for _, c := range clients {
		reserved = append(reserved, m{"hw-address": mac(c), "ip-address": c.Address.String()})
	}
	return m{"Dhcp4": m{
		"interfaces-config":            m{"interfaces": []string{cableName}, "dhcp-socket-type": "udp"},
		"lease-database":               m{"type": "memfile", "persist": true, "name": filepath.Join(dir, "leases.csv"), "lfc-interval": 3600},
		"host-reservation-identifiers": []string{"hw-address"},
		"reservations-in-subnet":       true,
		"reservations-out-of-pool":     true,
		"valid-lifetime":               3600,
		"subnet4":                      []m{{"id": 1, "subnet": "10.88.0.0/16", "reservations": reserved}},
		"loggers":                      []m{{"name": "kea-dhcp4", "severity": "WARN", "output_options": []m{{"output": "stdout"}}}},
	}}
}
