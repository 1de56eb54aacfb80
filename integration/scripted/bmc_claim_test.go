package scripted

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
)

// siteOfModels is the head of a plan with one model, whose factory password is known.
const siteOfModels = "models: [{name: sim, bmc: {username: admin, password: " + factory + "}}]\n"

const sticker = "Misread-from-it-2"

func TestAWholeRackOfNewBMCsIsClaimed(t *testing.T) {
	h := newHall(t,
		box{name: "plain", model: "sim"},
		box{name: "expired", model: "sim", bmc: ", expired: true"},
		box{name: "misread", model: "sim", bmc: ", lockout: 5", plan: ", username: admin, password: " + sticker},
		box{name: "dell", model: "sim", mockup: "dell-idrac9"},
		box{name: "open", model: "sim", mockup: "openbmc", bmc: ", expired: true"})
	h.head = siteOfModels
	h.open("[log]\nlevel = 'debug'")
	h.command("bmc", "claim", "--rack", "r1", "--disable-ipmi", "--watch", "--timeout", patience.String())

	secrets := []string{factory, sticker}
	for name, want := range map[string]int{"plain": 0, "expired": 0, "misread": 1} {
		if failed := h.failedLogins(name); failed != want {
			t.Errorf("%s: a wrong password was sent %d times, want %d", name, failed, want)
		}
	}
	for _, b := range h.boxes {
		h.ours(b.name)
		secrets = append(secrets, h.password(b.name))
	}
	list := h.command("bmc", "list", "--rack", "r1")
	if strings.Count(list, " claimed") != len(h.boxes) {
		t.Errorf("not all are claimed:\n%s", list)
	}
	refused(t, h.cmd("bmc", "claim", "--rack", "r1"), 4, "no BMC that is not claimed")
	if export := h.command("export") + h.command("events", "--limit", "1000", "-o", "json") + h.command("operation", "list", "-o", "json"); contains(export, secrets...) {
		t.Error("a password is shown")
	}
	h.planned() // the plan as it was takes nothing back
	h.ours("plain")
	if found := h.secretIn(secrets...); len(found) != 0 {
		t.Errorf("in clear: %v", found)
	}
	h.boardIsSwapped("plain")
	if found := h.secretIn(append(secrets, h.password("plain"))...); len(found) != 0 {
		t.Errorf("in clear: %v", found)
	}
}

// ours checks that the BMC takes only a password that is not the factory's, and that the
// server knows it.
func (h *hall) ours(name string) {
	h.t.Helper()
	for password, want := range map[string]int{factory: 401, h.password(name): 200} {
		if got, _ := h.direct(name, password, "GET", "/redfish/v1/Systems", ""); got != want {
			h.t.Errorf("%s: %d with a password that is to give %d", name, got, want)
		}
	}
	h.command("bmc", "boot", name)
}

// failedLogins counts log-ins that a simulated BMC refused and logged.
func (h *hall) failedLogins(name string) (n int) {
	h.t.Helper()
	for _, e := range h.bmcLog(name) {
		if strings.HasSuffix(e.Code, "LogInFailed") {
			n++
		}
	}
	return n
}

func contains(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// boardIsSwapped puts another board behind the BMC's address: another certificate, another
// serial number and the factory's password again.
func (h *hall) boardIsSwapped(name string) {
	h.t.Helper()
	h.rack.end(syscall.SIGTERM)
	for _, b := range h.boxes {
		if b.name != name {
			continue
		}
		for _, file := range []string{"bmc.crt", "bmc.key"} {
			ok(h.t, os.Remove(filepath.Join(h.dir, "rack", name, file)))
		}
	}
	planned := h.boxes[0].serial
	h.boxes[0].serial = "SN-another"
	h.raise()
	refused(h.t, h.cmd("bmc", "claim", name, "--watch", "--timeout", patience.String()), 1, "needs hands", "certificate-changed", "--confirm")
	op := h.parked(name)
	if op.Reason != "certificate-changed" || !strings.Contains(op.Hint, "--confirm") {
		h.t.Errorf("%s: %s (%s)", op.Reason, op.Message, op.Hint)
	}
	status, _ := h.direct(name, factory, "GET", "/redfish/v1/Systems", "")
	if status != 200 {
		h.t.Errorf("the new board answers %d to its factory password", status)
	}
	h.command("operation", "cancel", op.ID)
	h.wait(op.ID, "cancelled", func(o deploy.Operation) bool { return o.State == deploy.Cancelled })
	h.command("bmc", "claim", name, "--confirm", "--watch", "--timeout", patience.String())
	h.ours(name)
	h.boxes[0].serial = planned
}

func TestAClaimThatWasCutShortIsFinishedByTheNextServer(t *testing.T) {
	var boxes []box
	for i := range 6 {
		boxes = append(boxes, box{name: fmt.Sprintf("k%d", i), bmc: fmt.Sprintf(", lockout: 3, latency: %dms", 5+8*i)})
	}
	h := newHall(t, boxes...)
	h.open("[log]\nlevel = 'debug'")
	h.command("bmc", "claim", "--all")
	changed := func() (n int) {
		for _, b := range h.boxes {
			if h.password(b.name) != factory {
				n++
			}
		}
		return n
	}
	until(t, h.ctx, "a new password", func() bool { return changed() > 0 }, h.servers[0].output)
	h.servers[0].end(syscall.SIGKILL)
	t.Logf("killed with %d of %d passwords changed", changed(), len(boxes))
	h.serve("a", h.api, filepath.Join(h.dir, "a.toml"))
	for _, b := range h.boxes {
		until(t, h.ctx, b.name+" claimed", func() bool {
			list, err := h.client.BMCs(h.ctx)
			return err == nil && slices.ContainsFunc(list, func(k wire.KnownBMC) bool { return k.Machine == b.name && !k.Claimed.IsZero() })
		}, func() string { return h.command("machine", "timeline", b.name) + lab.Tail(h.servers[1].log, 20) })
		h.ours(b.name)
	}
	if found := h.secretIn(append([]string{factory}, h.passwords()...)...); len(found) != 0 {
		t.Errorf("in clear: %v", found)
	}
}

func (h *hall) passwords() (all []string) {
	for _, b := range h.boxes {
		all = append(all, h.password(b.name))
	}
	return all
}
