package main

import (
	"context"
	"crypto/ed25519"
	"net/netip"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/store"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"rackwright": main}) }

type storeKey struct{}

// TestScripts runs each script against an interface of its own: the two machines and two
// images of apitest.Rack, as an admin.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			s := apitest.Rack(t)
			e.Values[storeKey{}] = s
			hands, m1 := apitest.BMCs(s)
			m1.Feel(bmc.Readings{Health: bmc.Warning, Sensors: []bmc.Sensor{{Name: "Inlet", Kind: "temperature", Value: 24.5, Unit: "Cel"}}})
			m1.Happen(bmc.Entry{ID: "1", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Message: "fan 2 failed", Severity: bmc.Critical})
			server, b := apitest.Serve(t, api.Options{Store: s, BMC: hands, Lines: hands, Tickets: signer{proofKey()}, CertificateKey: proofKey().Public().(ed25519.PublicKey),
				Consoles: sayings("\x1b[1mDebian GNU/Linux 12\x1b[0m m1 ttyS0\r\n")}), &breaker{}
			e.Values[breakerKey{}] = b
			e.Setenv("RACKWRIGHT_SERVER", server)
			e.Setenv("BREAKING", b.serve(t, server))
			e.Setenv("TWOPERSONS", apitest.Serve(t, api.Options{Store: s, BMC: hands, Lines: hands, TwoPersonsOver: 1, Explain: explains(), Traces: packets(), Name: "host/1"}))
			e.Setenv("RACKWRIGHT_TOKEN", apitest.AdminSecret)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("VIEWER", apitest.ViewerSecret)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"worker": workerDoes, "netbox": netboxIs, "condition": conditionIs, "phase": phaseIs, "strangebmc": strangeBMC, "version": versionIs, "burned": burnedIs,
			"erased": erasedIs, "cached": cachedIs, "mockup": mockupIs, "kernel": kernelIs, "broken": brokenIs, "lent": lentIs},
	})
}

// lentIs lends an address of network prov to a stranger: "lent ADDRESS".
func lentIs(ts *testscript.TestScript, _ bool, args []string) {
	ts.Value(storeKey{}).(*apitest.Store).Lend(inventory.Lease{Network: "prov", Address: netip.MustParseAddr(args[0]), MAC: inventory.MAC{2, 1}, Until: time.Now().Add(time.Hour)})
}

// workerDoes plays the worker: "worker MACHINE succeeds|parks|fails|writes|opens" moves the
// machine's open operation, once there is one.
func workerDoes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: worker MACHINE succeeds|parks|fails|writes|opens")
	}
	s := ts.Value(storeKey{}).(*apitest.Store)
	id := openOperation(ts, s, args[0])
	s.Move(id, args[1], func(o *deploy.Operation) {
		switch args[1] {
		case "succeeds":
			o.State, o.Current, o.Finished = deploy.Succeeded, len(o.Steps), o.Created.Add(83*time.Second)
		case "parks":
			o.State, o.Reason, o.Message, o.Hint = deploy.Parked, "no-dhcp", "no DHCPDISCOVER came", "check its cable"
		case "fails":
			o.State, o.Reason, o.Message = deploy.Failed, "no-matching-disk", "no disk matches"
		case "writes":
			o.State = deploy.Running
			for o.Steps[o.Current].Name != deploy.StepWrite {
				o.Current++
			}
			o.Steps[o.Current].Done, o.Steps[o.Current].Total = 435, 1000
		case "opens":
			o.State, o.Current = deploy.Running, len(o.Steps)-1
			for o.Steps[o.Current].Name != deploy.StepRescue {
				o.Current--
			}
			o.Steps[o.Current].Started, o.Steps[o.Current].Door = o.Created.Add(time.Minute), &deploy.Door{Address: "10.0.0.11:22", HostKey: "ssh-ed25519 AAAA"}
		}
	})
}

func openOperation(ts *testscript.TestScript, s *apitest.Store, machine string) string {
	deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		ops, err := s.Operations(context.Background(), store.OperationFilter{Machine: machine, Open: true})
		ts.Check(err)
		if len(ops) > 0 {
			return ops[0].ID
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s never had an open operation", machine)
		}
	}
}

// conditionIs puts a condition on a machine: "condition MACHINE TYPE".
func conditionIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: condition MACHINE TYPE")
	}
	ts.Value(storeKey{}).(*apitest.Store).Change(args[0], func(m *inventory.Machine) {
		m.Conditions = append(m.Conditions, inventory.Condition{Type: args[1], Reason: "timeout", Evidence: "no answer", Hint: "check its power"})
	})
}

// phaseIs moves a machine: "phase MACHINE PHASE".
func phaseIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: phase MACHINE PHASE")
	}
	ts.Value(storeKey{}).(*apitest.Store).Change(args[0], func(m *inventory.Machine) { m.Phase = inventory.Phase(args[1]) })
}

// strangeBMC has a BMC seen that is in no plan: "strangebmc MAC NETWORK VENDOR".
func strangeBMC(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: strangebmc MAC NETWORK VENDOR")
	}
	mac, err := inventory.ParseMAC(args[0])
	ts.Check(err)
	ts.Value(storeKey{}).(*apitest.Store).Meet(inventory.StrangeBMC{MAC: mac, Network: args[1], Vendor: args[2]})
}
