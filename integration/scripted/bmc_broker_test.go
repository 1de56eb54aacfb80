package scripted

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rackwright/api/client"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// sessions lists how many sessions a BMC has that came from us, by its own table.
func (h *hall) sessions(name string) int {
	_, body := h.direct(name, h.password(name), "GET", "/redfish/v1/SessionService/Sessions", "")
	members, _ := body["Members"].([]any)
	return len(members)
}

func TestTwoServersShareTheBMCsAndNeverOpenTwoSessions(t *testing.T) {
	var boxes []box
	for i := range 8 {
		boxes = append(boxes, box{name: fmt.Sprintf("b%d", i+1), bmc: ", latency: 20ms"})
	}
	h := newHall(t, boxes...)
	pg, db := postgres(t, h.world)
	top := fmt.Sprintf("database = %q\nseal_key_file = %q", pg.DSN("rackwright"), filepath.Join(h.dir, "seal.key"))
	a := h.serve("a", h.api, h.config("a", "127.0.0.1:8480", top))
	b := h.serve("b", "http://127.0.0.1:8481", h.config("b", "127.0.0.1:8481", top, quiet))
	h.raise()

	watching, stop := context.WithCancel(h.ctx)
	most := map[string]int{}
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for watching.Err() == nil {
			for _, m := range h.boxes {
				most[m.name] = max(most[m.name], h.sessions(m.name))
			}
		}
	})
	h.planned()
	h.seen(boxes)
	second, err := client.New("http://127.0.0.1:8481", h.token())
	ok(t, err)
	holders := func() map[string]int {
		out := map[string]int{}
		rows, err := db.QueryContext(h.ctx, "SELECT owner, count(*) FROM bmc_hold WHERE owner <> '' AND until > now() GROUP BY owner")
		ok(t, err)
		defer rows.Close()
		for rows.Next() {
			var owner string
			var n int
			ok(t, rows.Scan(&owner, &n))
			out[owner[strings.LastIndexByte(owner, '/')+1:]] = n
		}
		return out
	}
	ofA := fmt.Sprint(a.Process.Pid)
	until(t, h.ctx, "a holds BMCs", func() bool { return holders()[ofA] > 0 }, func() string { return fmt.Sprint(holders()) })
	var all sync.WaitGroup
	for i, m := range h.boxes { // through both at once
		c := []*client.Client{h.client, second}[i%2]
		all.Go(func() {
			if _, err := c.Clock(h.ctx, m.name); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		})
		all.Go(func() {
			if _, err := second.Power(h.ctx, m.name, "on"); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		})
	}
	all.Wait()
	h.powered(boxes, inventory.PowerOn)

	stop() // a server that is killed leaves its sessions behind
	watcher.Wait()
	for _, m := range h.boxes {
		if most[m.name] != 1 {
			t.Errorf("%s had %d sessions at once", m.name, most[m.name])
		}
	}

	held := ""
	until(t, h.ctx, "a BMC of a's", func() bool { // b may have all; who is asked takes what it needs
		if _, err := h.client.Clock(h.ctx, h.boxes[0].name); err != nil {
			t.Error(err)
		}
		return db.QueryRowContext(h.ctx, `SELECT m.name FROM machine m JOIN bmc_hold o ON o.machine_id = m.id
			WHERE o.owner LIKE '%/' || $1 AND o.until > now() + interval '15 s' LIMIT 1`, ofA).Scan(&held) == nil
	}, func() string { return fmt.Sprint(holders()) })
	a.end(syscall.SIGKILL)
	_, err = db.ExecContext(h.ctx, `UPDATE bmc_hold SET until = now() + interval '2 s' WHERE owner LIKE '%/' || $1`, ofA) // most of its time has passed
	ok(t, err)
	began := time.Now()
	if _, err := second.Power(h.ctx, held, "force-off"); err != nil {
		t.Error(err)
	}
	until(t, h.ctx, "b works a BMC that a held", func() bool {
		m, err := second.Machine(h.ctx, held)
		return err == nil && m.Power == inventory.PowerOff
	}, b.output)
	t.Logf("a command on a BMC of the server that was killed: %s", since(began))
}

// seen waits until machines are discovered.
func (h *hall) seen(boxes []box) {
	h.t.Helper()
	until(h.t, h.ctx, "all seen", func() bool {
		machines, err := h.client.Machines(h.ctx, client.MachineQuery{})
		return err == nil && len(boxes) == len(slices.DeleteFunc(machines, func(m inventory.Machine) bool {
			return m.Phase != inventory.Discovered && m.Phase != inventory.Verified
		}))
	}, func() string { return h.command("machine", "list") + lab.Tail(h.servers[0].log, 20) })
}

// powered waits until BMCs say so themselves.
func (h *hall) powered(boxes []box, want inventory.Power) {
	h.t.Helper()
	for _, b := range boxes {
		var body map[string]any
		until(h.t, h.ctx, b.name+" "+string(want), func() bool {
			_, body = h.direct(b.name, h.password(b.name), "GET", "/redfish/v1/Systems/1", "")
			return strings.EqualFold(fmt.Sprint(body["PowerState"]), string(want))
		}, func() string { return fmt.Sprint(body["PowerState"]) })
	}
}

func TestAWrongPasswordIsSentOnceAndBMCsThatHangHoldUpNobody(t *testing.T) {
	hangs := ", faults: [{kind: hang, path: /redfish/v1/Systems}]"
	h := newHall(t, box{name: "healthy"}, box{name: "wrong", bmc: ", lockout: 3", plan: ", username: admin, password: " + sticker},
		box{name: "h1", bmc: hangs}, box{name: "h2", bmc: hangs}, box{name: "h3", mockup: "dell-idrac9", bmc: hangs}, box{name: "h4", bmc: hangs})
	h.open()
	until(t, h.ctx, "the refusal is noticed", func() bool { return h.hasCondition("wrong", inventory.BMCUnusable) }, func() string { return h.command("machine", "show", "wrong") })
	for _, args := range [][]string{{"bmc", "sensors", "wrong"}, {"bmc", "log", "wrong"}, {"bmc", "boot", "wrong"}} {
		refused(t, h.cmd(args...), 5, "refuses user", "not asked again")
	}
	for range 3 {
		h.command("bmc", "sensors", "healthy")
		h.command("power", "healthy", "cycle")
	}
	h.boxes[1].plan = ""
	h.planned()
	until(t, h.ctx, "the corrected plan is believed", func() bool { return !h.hasCondition("wrong", inventory.BMCUnusable) }, func() string { return h.command("machine", "show", "wrong") })
	h.command("power", "wrong", "on")
	if n := h.failedLogins("wrong"); n != 1 {
		t.Errorf("the wrong password was sent %d times", n)
	}
	h.boxes[1].plan = ", username: admin, password: " + sticker + "-again"
	h.planned()
	refused(t, h.cmd("bmc", "sensors", "wrong"), 5, "refuses user")
	h.boxes[1].plan = ""
	h.planned()
	if n := h.failedLogins("wrong"); n != 2 {
		t.Errorf("after another wrong password there were %d refusals", n)
	}
}
