package qemu

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/journal"
)

// tenant is the network that bonded machines have beside the one they netboot from, with a tag.
const tenant = `site: lab
networks:
  - {name: tenant, cidr: 10.79.0.0/24, cidr6: "fd79::/64", vlan: 30, mtu: 1400, purpose: production}
`

// onTenant puts a host of the lab on that network: frames with the tag of the machines'
// bonds are all it hears.
func onTenant(t *testing.T) {
	t.Helper()
	stop, err := lab.Tagged(lab.Bridge, "tenant", 30, "10.79.0.1/24", "fd79::1/64")
	check(t, err)
	t.Cleanup(stop)
}

// bonded plans the ports of machines as an active-backup bond, whose second port works
// while it can, and on it the network tenant: a machine's addresses there end as its first
// port's.
func bonded(t *testing.T, w *lab.World, names ...string) {
	t.Helper()
	planned(t, w, bond, names...)
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "tenant.yaml"), []byte(tenant), 0o644))
}

// planned changes the plan of machines.
func planned(t *testing.T, w *lab.World, change func(machine map[string]any), names ...string) {
	t.Helper()
	file := filepath.Join(w.PlanDir(), "rack.yaml")
	text, err := os.ReadFile(file)
	check(t, err)
	var plan map[string]any
	check(t, yaml.Unmarshal(text, &plan))
	for _, rack := range plan["racks"].([]any) {
		for _, m := range rack.(map[string]any)["machines"].([]any) {
			if m := m.(map[string]any); slices.Contains(names, m["name"].(string)) {
				change(m)
			}
		}
	}
	text, err = yaml.Marshal(plan)
	check(t, err)
	check(t, os.WriteFile(file, text, 0o644))
}

func bond(m map[string]any) {
	last := ""
	for _, n := range m["nics"].([]any) {
		n := n.(map[string]any)
		n["bond"] = "bond0"
		if a, ok := n["address"].(string); ok {
			last = a[strings.LastIndex(a, ".")+1:]
		}
	}
	m["bonds"] = []any{map[string]any{"name": "bond0", "mode": "active-backup", "primary": "nic2",
		"vlans": []any{map[string]any{"network": "tenant", "address": "10.79.0." + last, "address6": "fd79::" + last}}}}
}

// bondTold has a bonded machine deployed with its network told in one form: the bond and
// the VLAN on it work, in both families, seen from inside and from another host on the
// VLAN. It phones home through the bond. Its addresses end in last.
func bondTold(form, last string) func(t *testing.T, ctx context.Context, w *lab.World, machine string) {
	return func(t *testing.T, ctx context.Context, w *lab.World, machine string) {
		command(t, ctx, w, "image", "add", "debian-"+form, w.Image())
		op, err := w.Client.Deploy(ctx, machine, wire.Deploy{Image: "debian-" + form, Seed: form, SSHKeys: []string{sshKey}, UserData: says(
			"told $(hostname) by $(cat /run/cloud-init/cloud-id) $(grep -c technician /home/debian/.ssh/authorized_keys)" +
				" $(grep -c 'MII Status: up' /proc/net/bonding/bond0) $(sed -n 's/^Bonding Mode: //p;s/^Currently Active Slave: //p' /proc/net/bonding/bond0)" +
				" $(grep -o 'VID: 30' /proc/net/vlan/bond0.30) $(cat /sys/class/net/bond0.30/mtu) $(grep -c ^fd77 /proc/net/if_inet6)")})
		check(t, err)
		until(t, ctx, w, op.ID, machine+" active", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
		id := map[string]string{"nocloud": "nocloud", "config-drive": "configdrive"}[form]
		printed(t, ctx, w, machine, "told "+machine+" by "+id+" 1 3 fault-tolerance (active-backup) nic2 VID: 30 1400 1")
		for _, at := range []string{"10.79.0." + last, "fd79::" + last, "10.77.0." + last} {
			answersSSH(t, ctx, w, machine, at)
		}
		events, err := w.Client.Timeline(ctx, machine, 1000)
		check(t, err)
		home := false
		for _, e := range events {
			home = home || e.Kind == journal.PhoneHome
		}
		if !home {
			t.Errorf("%s did not phone home\n%s", machine, timeline(ctx, w, machine))
		}
	}
}

// answersSSH is a host of the lab that reaches the machine's own SSH server at an address.
func answersSSH(t *testing.T, ctx context.Context, w *lab.World, machine, address string) {
	t.Helper()
	err := lab.Until(ctx, 30*time.Second, "the SSH server of "+machine+" at "+address, func() (bool, error) {
		c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(address, "22"))
		if err != nil {
			return false, nil
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.HasPrefix(line, "SSH-2.0-OpenSSH"), nil
	})
	if err != nil {
		t.Errorf("%v\n%s", err, lab.Tail(w.ConsoleLog(machine), 20))
	}
}
