package scripted

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rackwright/inventory"
)

// Every question and every change of the command, at a simulated BMC and at those of
// three vendors.
func TestBMCsAreAskedAndChangedByCommand(t *testing.T) {
	h := newHall(t, box{name: "sim", more: `, firmware: uefi`, bmc: ", restart: 300ms"}, box{name: "dell", mockup: "dell-idrac9", bmc: ", restart: 300ms"},
		box{name: "hpe", mockup: "hpe-ilo6", bmc: ", restart: 300ms"}, box{name: "lenovo", mockup: "lenovo-xcc", bmc: ", restart: 300ms"})
	h.open()
	h.seen(h.boxes)
	iso := h.isoServer()
	var all sync.WaitGroup
	for _, m := range h.boxes {
		all.Go(func() {
			for _, c := range tours(iso) {
				h.tour(m.name, c)
			}
		})
	}
	all.Wait()
	if strings.Contains(h.servers[0].output(), "level=ERROR") {
		t.Errorf("%s", h.servers[0].output())
	}
}

// tour is a change, and a question whose answer shows it. M stands for the machine.
type tour struct {
	not  string // those that cannot
	does string
	asks string
	says string
}

func tours(iso string) []tour {
	return []tour{
		{"", "bmc insert M " + iso, "bmc media M", "rescue.iso"},
		{"", "bmc boot M cd", "bmc boot M", "cd"},
		{"", "power M cycle", "machine show M", "on"},
		{"", "bmc eject M", "bmc media M", ""},
		{"lenovo", "bmc boot M pxe --lasting", "bmc boot M", "pxe"},
		{"", "bmc boot M none", "bmc boot M", ""},
		{"", "bmc secure-boot M on", "bmc boot M", "ecure"},
		{"", "bmc clock M --set", "bmc clock M", ""},
		{"dell hpe", "bmc place M", "bmc console M", ""},
		{"", "bmc protocols M ipmi off", "bmc protocols M", "ipmi"},
		{"", "bmc log M --clear --yes", "bmc log M", ""},
		{"", "bmc sensors M", "bmc accounts M", "admin"},
		{"", "bmc firmware M", "bmc subscriptions M", ""},
		{"", "bmc settings M --all", "bmc settings M", ""},
		{"", "bmc reset M", "bmc clock M", ""},
	}
}

// tour makes a change at a machine's BMC and asks.
func (h *hall) tour(name string, c tour) {
	at := func(words string) *exec.Cmd {
		return h.cmd(strings.Fields(strings.ReplaceAll(words, " M", " "+name))...)
	}
	out, err := at(c.does).CombinedOutput()
	if strings.Contains(c.not, name) {
		if err == nil || !strings.Contains(string(out), "hint: ") {
			h.t.Errorf("%s at %s: %v\n%s", c.does, name, err, out)
		}
		return
	}
	if err != nil {
		h.t.Errorf("%s at %s: %v\n%s", c.does, name, err, out)
		return
	}
	if out, err = at(c.asks).CombinedOutput(); err != nil || !strings.Contains(string(out), c.says) {
		h.t.Errorf("%s at %s: %v, without %q:\n%s", c.asks, name, err, c.says, out)
	}
}

// isoServer lends a small image to the BMCs and returns its URL.
func (h *hall) isoServer() string {
	h.t.Helper()
	l, err := net.Listen("tcp", "10.77.0.1:0")
	ok(h.t, err)
	image := make([]byte, 64<<10)
	copy(image[0x8001:], "CD001")
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(image) })}
	go srv.Serve(l)
	h.t.Cleanup(func() { srv.Close() })
	return "http://" + l.Addr().String() + "/rescue.iso"
}

func TestASimulatedBMCIsProbedAndRecordedAndTheRecordingServed(t *testing.T) {
	h := newHall(t, box{name: "sim", more: `, power: "on"`}, box{name: "dell", mockup: "dell-idrac9"})
	h.raise()
	h.serve("a", h.api, h.config("a", "127.0.0.1:8480", "")) // for the last part
	tool := func(args ...string) *exec.Cmd {
		c := h.cmd(args...)
		c.Env = append(c.Env, "RACKWRIGHT_BMC_PASSWORD="+factory, "RACKWRIGHT_BMC_USERNAME=admin")
		return c
	}
	folder := filepath.Join(h.dir, "recorded")
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"bmc", "probe", "10.77.0.2:9001"}, []string{"Vendor:", "power", "virtual media", "yes"}},
		{[]string{"bmc", "probe", "10.77.0.2:9002"}, []string{"Dell", "PowerEdge R650"}},
		{[]string{"bmc", "record", "10.77.0.2:9001", folder}, []string{"resources"}},
	} {
		out, err := tool(c.args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", c.args, err, out)
		}
		saying(t, string(out), c.says...)
	}
	if out, err := exec.Command("grep", "-rlF", "-e", factory, "-e", "SN-sim", folder).CombinedOutput(); err == nil {
		t.Errorf("what is to be left out stands in %s", out)
	}
	refused(t, tool("bmc", "record", "10.77.0.2:9001", folder), 4, "not empty", "--force")
	wrong := h.cmd("bmc", "probe", "10.77.0.2:9001")
	wrong.Env = append(wrong.Env, "RACKWRIGHT_BMC_PASSWORD=wrong", "RACKWRIGHT_BMC_USERNAME=admin")
	refused(t, wrong, 5, "refuses user")

	h.boxes = []box{{name: "replay", rack: 1, mockup: folder, serial: "SN-replay"}}
	h.raise()
	h.planned()
	h.seen(h.boxes)
	h.command("power", "replay", "force-off")
	h.command("power", "replay", "on")
	if m := h.machine("replay"); m.Power != inventory.PowerOn {
		t.Errorf("it is %s", m.Power)
	}
	saying(t, h.command("bmc", "sensors", "replay"), "ok")
}
