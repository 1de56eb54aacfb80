package scripted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/integration/bench/load"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

// stormWord makes this program, in a network of its own, the machines of a storm.
const stormWord = "storm"

// becomeStorm reads a storm and says what came of it.
func becomeStorm() error {
	var s load.Storm
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		return err
	}
	got, err := s.Run(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}

// Behind one relay agent, each from its own address: a row whose power comes back.
func TestTwoHundredMachinesThatAreSwitchedOnTogetherAllBoot(t *testing.T) {
	s := load.Storm{Server: netip.MustParseAddr(lab.Server), Relay: netip.MustParseAddr(rackAddress), Prefix: netip.MustParsePrefix("10.77.128.0/17"), AtOnce: 200, Patience: 2 * time.Minute}
	p := plan.Plan{Site: "lab", Networks: []plan.Network{{Name: "provision", CIDR: "10.77.0.0/16", DHCP: inventory.DHCPReservations}}}
	for i := range 200 {
		c := load.Client{MAC: [6]byte{2, 0, 0, 2, 0, byte(i)}, Address: netip.AddrFrom4([4]byte{10, 77, 128, byte(i + 1)})}
		s.Machines = append(s.Machines, c)
		if i%50 == 0 {
			p.Racks = append(p.Racks, plan.Rack{Name: fmt.Sprintf("r%d", i/50), Units: 50})
		}
		r := &p.Racks[i/50]
		r.Machines = append(r.Machines, plan.Machine{Name: fmt.Sprintf("m%d", i), U: i%50 + 1, Serial: load.Serial(c), UUID: load.UUID(c), Firmware: load.Firmware(i),
			NICs: []plan.NIC{{MAC: inventory.MAC(c.MAC).String(), Network: "provision", Address: c.Address.String()}}})
	}
	w := newWorld(t, nil)
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	_, err := w.client.ApplyPlan(w.ctx, p, "")
	ok(t, err)
	for i := range s.Machines {
		_, err := w.client.Inspect(w.ctx, fmt.Sprintf("m%d", i))
		ok(t, err)
	}
	until(t, w.ctx, "operations that wait for their machines", func() bool {
		left, err := w.client.Operations(w.ctx, client.OperationQuery{States: []string{string(deploy.Queued)}, Limit: 1})
		return err == nil && len(left) == 0
	}, w.servers[0].output)
	got := w.storm(s)
	if got.Failed != 0 || got.Booted != len(s.Machines) {
		t.Fatalf("%d booted, %d failed: %q\n%s", got.Booted, got.Failed, got.Faults, lab.Tail(w.servers[0].log, 20))
	}
	t.Logf("%d machines in %s, half within %s, 99 of 100 within %s, %d repeats", got.Booted, got.Took, got.P50, got.P99, got.Repeats)
	w.toldWhole("m0", "m77", "m199")
}

// storm runs the machines in a namespace of their own, and leads the server's way there.
func (w *world) storm(s load.Storm) (got load.Stormed) {
	w.t.Helper()
	cmd := exec.Command("/proc/self/exe", "/proc/self/exe", stormWord)
	cmd.Env = append(os.Environ(), rackStage+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	in, err := cmd.StdinPipe()
	ok(w.t, err)
	p := launch(w.t, filepath.Join(w.dir, "storm.log"), cmd)
	wires++
	ours, theirs := fmt.Sprintf("rack%d", wires), fmt.Sprintf("side%d", wires)
	ok(w.t, plug(ours, theirs, p.Process.Pid))
	bridge, err := netlink.LinkByName(lab.Bridge)
	ok(w.t, err)
	way := &netlink.Route{LinkIndex: bridge.Attrs().Index, Dst: &net.IPNet{IP: s.Prefix.Addr().AsSlice(), Mask: net.CIDRMask(s.Prefix.Bits(), 32)}, Gw: s.Relay.AsSlice()}
	ok(w.t, netlink.RouteAdd(way))
	w.t.Cleanup(func() { netlink.RouteDel(way) })
	text, err := json.Marshal(s)
	ok(w.t, err)
	_, err = io.WriteString(in, theirs+"\n"+string(text))
	ok(w.t, errors.Join(err, in.Close()))
	ok(w.t, lab.Until(w.ctx, s.Patience+time.Minute, "the storm's end", func() (bool, error) { return p.ended(), nil }))
	if err := json.Unmarshal([]byte(p.output()), &got); err != nil {
		w.t.Fatalf("%v\n%s", err, p.output())
	}
	return got
}

// toldWhole checks that the journal has every step of a machine's boot once it is written.
func (w *world) toldWhole(names ...string) {
	w.t.Helper()
	for _, name := range names {
		var seen map[journal.Kind]int
		var files []string
		if err := lab.Until(w.ctx, patience, "a whole story", func() (bool, error) {
			events, err := w.client.Timeline(w.ctx, name, 1000)
			seen, files = map[journal.Kind]int{}, nil
			for _, e := range events {
				seen[e.Kind]++
				if f, is := e.Detail["file"].(string); is {
					files = append(files, f)
				}
			}
			all := strings.Join(files, " ")
			return seen[journal.DHCPAnswered] >= 4 && seen[journal.AgentCheckIn] == 1 && strings.Contains(all, "script") && strings.Contains(all, "vmlinuz") && strings.Contains(all, "initrd"), err
		}); err != nil {
			w.t.Errorf("%s: %v, files %q", name, seen, files)
		}
	}
}
