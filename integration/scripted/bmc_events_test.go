package scripted

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"

	"rackwright/integration/lab"
)

const managerReset = "/redfish/v1/Managers/1/Actions/Manager.Reset"

func TestWhatBMCsTellIsInTheJournalOnce(t *testing.T) {
	h := newHall(t, box{name: "pushes", bmc: ", restart: 300ms"}, box{name: "mute", mockup: "openbmc"})
	h.boxes[1].mockup = write(t, filepath.Join(h.dir, "mute.json"), `{"@extends": "openbmc", "/redfish/v1/EventService": null}`)
	h.open()
	subscribed := func() bool {
		list, err := h.client.Subscriptions(h.ctx, "pushes")
		return err == nil && len(list) == 1
	}
	h.seen(h.boxes)
	h.quarterHour()
	until(t, h.ctx, "a subscription", subscribed, h.rack.output)
	until(t, h.ctx, "logs that were read", func() bool { return h.logRead("mute") && h.logRead("pushes") }, h.rack.output)

	h.happens("pushes", "first")
	h.tells("pushes", "first")

	// The BMC restarts: what it was asked to push to is forgotten with it.
	if status, _ := h.direct("pushes", h.password("pushes"), "POST", managerReset, `{"ResetType": "GracefulRestart"}`); status/100 != 2 {
		t.Fatalf("the restart: %d", status)
	}
	until(t, h.ctx, "the BMC is back without subscriptions", func() bool {
		status, body := h.direct("pushes", h.password("pushes"), "GET", "/redfish/v1/EventService/Subscriptions", "")
		return status == 200 && fmt.Sprint(body["Members@odata.count"]) == "0"
	}, h.rack.output)
	h.happens("pushes", "unheard")
	if status, _ := h.direct("mute", h.password("mute"), "POST", "/redfish/v1/Systems/system/Actions/ComputerSystem.Reset", `{"ResetType": "ForceOff"}`); status/100 != 2 {
		t.Fatalf("power off: %d", status)
	}
	until(t, h.ctx, "the mute one's own log has it", func() bool { return strings.Contains(fmt.Sprint(h.bmcLog("mute")), "powered Off") }, h.rack.output)
	h.quarterHour()
	until(t, h.ctx, "a subscription again", subscribed, func() string { return lab.Tail(h.servers[len(h.servers)-1].log, 30) })
	h.tells("pushes", "unheard")
	h.tells("mute", "powered Off")
	h.happens("pushes", "second")
	h.tells("pushes", "second")
	for _, mark := range []string{"first", "unheard", "second"} {
		if n := strings.Count(strings.Join(h.told("pushes"), "\n"), mark); n != 1 {
			t.Errorf("%s is told %d times: %q", mark, n, h.told("pushes"))
		}
	}
	if found := h.secretIn(factory); len(found) != 0 {
		t.Errorf("in clear: %v", found)
	}
}

// happens makes a user at a BMC past the server.
func (h *hall) happens(name, mark string) {
	h.t.Helper()
	status, body := h.direct(name, h.password(name), "POST", "/redfish/v1/AccountService/Accounts", fmt.Sprintf(`{"UserName": %q, "Password": "Some-password-7", "RoleId": "ReadOnly"}`, mark))
	if status/100 != 2 {
		h.t.Fatalf("%s: %d %v", name, status, body)
	}
}

// tells waits until the journal has an event.
func (h *hall) tells(name, mark string) {
	h.t.Helper()
	until(h.t, h.ctx, name+" tells of "+mark, func() bool { return strings.Contains(strings.Join(h.told(name), "\n"), mark) },
		func() string {
			return strings.Join(h.told(name), "\n") + fmt.Sprintf("\n%+v\n", h.bmcLog(name)) + lab.Tail(h.servers[len(h.servers)-1].log, 20)
		})
}

// logRead reports whether a BMC's log was read to its end once.
func (h *hall) logRead(name string) bool {
	h.t.Helper()
	db := h.database()
	defer db.Close()
	var n int
	err := db.QueryRowContext(h.ctx, `SELECT count(*) FROM bmc_log l JOIN machine m ON m.id = l.machine_id WHERE m.name = $1 AND l.cursor <> ''`, name).Scan(&n)
	return err == nil && n == 1
}

// database is the server's own file.
func (h *hall) database() *sql.DB {
	h.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "a", "rackwright.db"))
	ok(h.t, err)
	return db
}

// quarterHour restarts the server as if a quarter of an hour had passed since it read logs.
func (h *hall) quarterHour() {
	h.t.Helper()
	h.servers[len(h.servers)-1].end(syscall.SIGTERM)
	db := h.database()
	_, err := db.ExecContext(h.ctx, `UPDATE bmc_log SET read_at = 0`)
	ok(h.t, err)
	ok(h.t, db.Close())
	h.serve("a", h.api, filepath.Join(h.dir, "a.toml"))
}
