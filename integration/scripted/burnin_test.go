package scripted

import (
	"strings"
	"sync"
	"testing"

	"rackwright/api/client"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/racksim"
)

// Five machines are burned in at once in a rack that can feed three at full draw. One has
// a slow disk, one bad memory, one restarts: each is named for what it has, and the others
// pass.
func TestARackIsBurnedInWithinItsPowerAndWhatIsBadIsNamed(t *testing.T) {
	s := newSite(t, 5)
	s.head = strings.Replace(siteHead, "    watts: 300\n", "", 1) // their draw is what a supply gives
	s.bay("r1-u02").fault, s.bay("r1-u03").fault, s.bay("r1-u04").fault = racksim.FaultSlowDisk, racksim.FaultBadMemory, racksim.FaultRestarts
	s.open()
	refused(t, s.cmd("burn-in", "show", "r1-u01"), 3, "r1-u01 was never burned in")
	saying(t, s.command("burn-in", "r1-u01", "--for", "20m", "--dry-run"), "burn-in for 20m0s")

	most := s.crowd()
	s.command("burn-in", "r1-u01", "r1-u02", "r1-u03", "r1-u04", "r1-u05", "--for", "12s")
	ops := map[string]deploy.Operation{}
	for _, b := range s.bays {
		b := b.name
		s.one(b, "burned in", func(m inventory.Machine) bool {
			list, err := s.client.Operations(s.ctx, client.OperationQuery{Machine: m.ID, Kinds: []string{"burn-in"}})
			if err != nil || len(list) == 0 || list[0].State != deploy.Succeeded && list[0].State != deploy.Parked {
				return false
			}
			ops[b] = list[0]
			return true
		})
	}
	if n := most(); n != 3 {
		t.Errorf("%d machines drew full power at once in a rack that feeds three", n)
	}
	if !strings.Contains(s.command("events", "--limit", "1000"), "waits for power in rack r1: ") {
		t.Error("nobody waited for power")
	}
	for name, want := range map[string]string{"r1-u01": "", "r1-u02": "", "r1-u05": "", "r1-u03": "memory module A1: corrected errors (ECC): 7", "r1-u04": "the machine restarted by itself once"} {
		op := ops[name]
		if want == "" && op.State != deploy.Succeeded || op.Message != want || want != "" && op.Reason != "burn-in-failed" {
			t.Errorf("%s: %s (%s): %q", name, op.State, op.Reason, op.Message)
		}
		if r, err := s.client.BurnReport(s.ctx, name); err != nil || r.Seconds < 11 || r.Seconds > 13 || (r.State == deploy.BurnPassed) != (want == "") || len(r.Figures) < 5 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	s.slowDisk()
	saying(t, s.command("machine", "why", "r1-u03"), "needs hands", "memory module A1", "burn-in show r1-u03")
}

// slowDisk looks at what is said of the machine with it, and of no other.
func (s *site) slowDisk() {
	s.t.Helper()
	for _, b := range s.bays {
		m, err := s.client.Machine(s.ctx, b.name)
		ok(s.t, err)
		var slow []inventory.Condition
		for _, c := range m.Conditions {
			if c.Type == inventory.WorseThanSiblings {
				slow = append(slow, c)
			}
		}
		if b.name == "r1-u02" {
			if len(slow) != 1 || slow[0].Subject != "disk DISK-SN-1002 read linear" || !strings.Contains(slow[0].Evidence, "the median of 4 others (example-r1) is 50") || !strings.Contains(slow[0].Evidence, "60 % less") {
				s.t.Errorf("%+v", slow)
			}
		} else if len(slow) > 0 {
			s.t.Errorf("%s: %+v", b.name, slow)
		}
	}
	saying(s.t, s.command("burn-in", "show", "r1-u02"), "State:", "passed", "DISK-SN-1002", "60 % worse")
}

// crowd counts, until it is called, how many machines of the rack work at once at most.
func (s *site) crowd() func() int {
	stop, most := make(chan struct{}), 0
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			first, second, n := s.working(), s.working(), 0
			for name := range first {
				if second[name] {
					n++ // as were the others between the two looks
				}
			}
			most = max(most, n)
		}
	})
	return func() int { close(stop); done.Wait(); return most }
}

// working are the machines that draw full power now.
func (s *site) working() map[string]bool {
	all := map[string]bool{}
	for _, b := range s.bays {
		if r, err := s.client.BurnReport(s.ctx, b.name); err == nil && r.State == deploy.BurnRunning {
			all[b.name] = true
		}
	}
	return all
}
