package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/integration/bench/load"
	"rackwright/integration/lab"
	"rackwright/inventory/plan"
	"rackwright/journal"
	"rackwright/seal"
	"rackwright/store"
)

// What is asked of a server when a hall is switched on.
const (
	stormMachines = 10_000
	stormAtOnce   = 500
	stormPatience = time.Minute // of one machine
	stormLimit    = 15 * time.Minute
	stormPrefix   = "10.88.128.0/17" // that the machines' addresses are in; the way there leads through the relay agent's
)

// stormConfig is the configuration of a server with everything on.
const stormConfig = `state_dir = %q
database = %q
[api]
listen = %q
[boot]
ramdisk_dir = %q
[log]
level = "warn"
`

// measureStorm switches on ten thousand machines, on either database.
func measureStorm(ctx context.Context, b *bench) error {
	if err := stormOn(ctx, b, "sqlite", ""); err != nil {
		return err
	}
	c, err := startCluster(ctx)
	if err != nil {
		return err
	}
	defer c.end()
	dsn, err := c.create(ctx, "storm")
	if err != nil {
		return err
	}
	return stormOn(ctx, b, "postgres", dsn)
}

func stormOn(ctx context.Context, b *bench, kind, dsn string) error {
	ctx, cancel := context.WithTimeout(ctx, stormLimit)
	defer cancel()
	dir, err := fresh(filepath.Join(b.out, "bench", "storm-"+kind))
	if err != nil {
		return err
	}
	s := load.Storm{Server: netip.MustParsePrefix(cableServer).Addr(), Relay: netip.MustParsePrefix(cableRelay).Addr(), Prefix: netip.MustParsePrefix(stormPrefix),
		Machines: stormClients(), AtOnce: stormAtOnce, Patience: stormPatience}
	b.tell("storm: %s: planning %d machines", kind, len(s.Machines))
	if err := stormHall(ctx, dir, dsn, s.Machines); err != nil {
		return err
	}
	clients, remove, err := stormLink(ctx, b, dir)
	if err != nil {
		return err
	}
	defer remove()
	bin, err := filepath.Abs(filepath.Join(b.bin, "rackwright"))
	if err != nil {
		return err
	}
	server, err := startProcess(ctx, dir, nil, bin, "serve", "--config", filepath.Join(dir, "rackwright.toml"))
	if err != nil {
		return err
	}
	defer server.end()
	if err := stormReady(ctx, dir, server); err != nil {
		return err
	}
	if err := stormRun(ctx, b, kind, s, clients, server); err != nil {
		return err
	}
	server.end()
	return stormStory(ctx, b, kind, dir, dsn)
}

// stormRun lets the machines go and reports what came of them.
func stormRun(ctx context.Context, b *bench, kind string, s load.Storm, clients *part, server *process) error {
	before, err := cpuOf(server.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(clients.in).Encode(s); err != nil {
		return err
	}
	var got load.Stormed
	if err := json.NewDecoder(clients.out).Decode(&got); err != nil {
		return fault.Internalf("the machines: %w", err)
	}
	after, err := cpuOf(server.cmd.Process.Pid)
	if err != nil {
		return err
	}
	most, err := residentKiB(server.cmd.Process.Pid, "VmHWM")
	if err != nil {
		return err
	}
	b.tell("storm: %s: %d of %d booted in %s: half within %s, 99 of 100 within %s, the last within %s; %d repeats, %.0f s of the server's processor",
		kind, got.Booted, len(s.Machines), got.Took.Round(time.Millisecond), got.P50.Round(time.Millisecond), got.P99.Round(time.Millisecond), got.Last.Round(time.Millisecond), got.Repeats, after-before)
	for _, p := range got.Stages {
		b.tell("storm: %s: %s: half within %s, 99 of 100 within %s", kind, p.Name, p.P50.Round(time.Millisecond), p.P99.Round(time.Millisecond))
	}
	if got.Failed > 0 {
		return fault.Internalf("%d of %d machines did not boot: %q\n%s", got.Failed, len(s.Machines), got.Faults, lab.Tail(server.log, 5))
	}
	for name, v := range map[string]float64{"rate": float64(got.Booted) / got.Took.Seconds(), "p50": got.P50.Seconds(), "p99": got.P99.Seconds(),
		"cpu": (after - before) * 1000 / float64(got.Booted), "memory": float64(most) / 1024} {
		if err := b.report("storm."+name+"."+kind, reading{value: v}); err != nil {
			return err
		}
	}
	return nil
}

// stormStory tells how much of it the journal has, and what it says it has not.
func stormStory(ctx context.Context, b *bench, kind, dir, dsn string) error {
	db, err := stormStore(ctx, dir, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	kinds, last := map[journal.Kind]int{}, int64(0)
	for {
		events, err := db.Events(ctx, store.EventFilter{After: last, Limit: 5000})
		if err != nil {
			return err
		}
		for _, e := range events {
			if kinds[e.Kind]++; e.Kind == journal.ServerEvent {
				b.tell("storm: %s: the journal says: %s", kind, e.Summary)
			}
			last = e.ID
		}
		if len(events) == 0 {
			b.tell("storm: %s: in the journal: %v", kind, kinds)
			return nil
		}
	}
}

// stormClients are the machines, each with an address of its own.
func stormClients() []load.Client {
	out := make([]load.Client, stormMachines)
	first := netip.MustParsePrefix(stormPrefix).Addr().As4()
	for i := range out {
		out[i] = load.Client{MAC: [6]byte{2, 0, 0, 1, byte(i >> 8), byte(i)}, Address: netip.AddrFrom4([4]byte{first[0], first[1], first[2] + byte(i/250), byte(i%250 + 1)})}
	}
	return out
}

// stormHall makes the files and the database, with an inspection of every machine, which
// have no BMC: whoever switches them on is not ours.
func stormHall(ctx context.Context, dir, dsn string, clients []load.Client) error {
	state := filepath.Join(dir, "state")
	for _, sub := range []string{state, filepath.Join(dir, "ramdisk", "amd64")} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return err
		}
	}
	for _, name := range []string{"vmlinuz", "initrd"} {
		if err := randomFile(filepath.Join(dir, "ramdisk", "amd64", name), 8<<20); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(stormConfig, state, dsn, "unix:"+filepath.Join(dir, "api.sock"), filepath.Join(dir, "ramdisk"))
	if err := os.WriteFile(filepath.Join(dir, "rackwright.toml"), []byte(text), 0o600); err != nil {
		return err
	}
	db, err := stormStore(ctx, dir, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return stormOrders(ctx, db, clients)
}

// stormStore opens the database while no server does.
func stormStore(ctx context.Context, dir, dsn string) (*store.DB, error) {
	key, err := seal.Load(filepath.Join(dir, "state", "seal.key"))
	if err != nil {
		return nil, err
	}
	if dsn == "" {
		dsn = filepath.Join(dir, "state", "rackwright.db")
	}
	return store.Open(ctx, store.Options{DSN: dsn, Sealer: key})
}

func stormOrders(ctx context.Context, db *store.DB, clients []load.Client) error {
	if _, err := db.ApplyPlan(ctx, stormPlan(clients), "", "bench"); err != nil {
		return err
	}
	var work []store.Work
	for i := range clients {
		work = append(work, store.Work{Kind: deploy.Inspect, Machine: fmt.Sprintf("m%d", i)})
	}
	_, _, err := db.CreateOperations(ctx, work, "bench")
	return err
}

// stormPlan knows of each machine its serial number and UUID, which the agent tells too.
func stormPlan(clients []load.Client) plan.Plan {
	p := planOf(clients)
	i := 0
	for r := range p.Racks {
		for m := range p.Racks[r].Machines {
			node := &p.Racks[r].Machines[m]
			node.Serial, node.UUID, node.Firmware = load.Serial(clients[i]), load.UUID(clients[i]), load.Firmware(i)
			i++
		}
	}
	return p
}

// stormReady waits until the server's worker has taken up every operation and waits for the
// machines: a hall is ordered first and switched on then.
func stormReady(ctx context.Context, dir string, server *process) error {
	return lab.Until(ctx, 2*time.Minute, "the server waiting for the machines", func() (bool, error) {
		token, err := os.ReadFile(filepath.Join(dir, "state", "admin.token"))
		if err != nil {
			return false, server.alive()
		}
		c, err := client.New("unix://"+filepath.Join(dir, "api.sock"), strings.TrimSpace(string(token)))
		if err != nil {
			return false, err
		}
		left, err := c.Operations(ctx, client.OperationQuery{States: []string{string(deploy.Queued)}, Limit: 1})
		return err == nil && len(left) == 0, server.alive()
	})
}

// stormLink makes the process of the machines in a network of its own, and the link to it.
func stormLink(ctx context.Context, b *bench, dir string) (*part, func(), error) {
	p, err := startPartIn(ctx, b, "storm-clients", dir, "", syscall.CLONE_NEWNET)
	if err != nil {
		return nil, nil, err
	}
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: cableName}, PeerName: "eth0", PeerNamespace: netlink.NsPid(p.cmd.Process.Pid)}
	if err = netlink.LinkAdd(link); err == nil {
		err = raise(cableName, cableServer)
	}
	if err == nil {
		_, all, _ := net.ParseCIDR(stormPrefix)
		err = netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: all, Gw: netip.MustParsePrefix(cableRelay).Addr().AsSlice()})
	}
	remove := func() { p.end(); netlink.LinkDel(link) }
	if err != nil {
		remove()
		return nil, nil, fault.Internalf("a link for the machines: %w", err)
	}
	return p, remove, nil
}

// stormLoad is that process.
func stormLoad(ctx context.Context) error {
	var s load.Storm
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		return err
	}
	if err := moreFiles(4 * stormAtOnce); err != nil {
		return err
	}
	if err := raise("eth0", s.Relay.String()+"/16"); err != nil {
		return err
	}
	got, err := s.Run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}
