package scripted

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/api/client"
	apiwire "rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/images/imagetest"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// world is a server, or several, and a rack with its plan.
type world struct {
	t       *testing.T
	ctx     context.Context
	dir     string
	api     string // address of the first server's API
	client  *client.Client
	servers []*process
	rack    *process
	nodes   []node
	killed  bool // a server was killed: it may have cycled a machine's power and not have written it down
}

// node is a scripted machine; empty fields are like everyone's.
type node struct {
	name, firmware, fault string
}

// console is the port on which the console of a machine that will be silent is shown.
func (n node) console(i int) int {
	if n.fault != "no-phone-home" {
		return 0
	}
	return 22001 + i
}

// nodes makes n machines, BIOS and UEFI in turn.
func nodes(n int) (all []node) {
	for i := range n {
		all = append(all, node{name: fmt.Sprintf("s%02d", i+1), firmware: []string{"bios", "uefi"}[i%2]})
	}
	return all
}

// newWorld makes the folders, the ramdisk's files and an image; nothing runs yet.
func newWorld(t *testing.T, nodes []node) *world {
	t.Helper()
	w := &world{t: t, ctx: needLab(t), dir: tempDir(t), api: "http://127.0.0.1:8480", nodes: nodes}
	for name, size := range map[string]int{"vmlinuz": 256 << 10, "initrd": 1 << 20} {
		write(t, filepath.Join(w.dir, "ramdisk/amd64", name), strings.Repeat("kernel or ramdisk; not run\n", size/27))
	}
	write(t, filepath.Join(w.dir, "plan/networks.yaml"), strings.ReplaceAll(lab.Networks, "10.77.0.200, last: 10.77.0.250", "10.77.0.130, last: 10.77.0.140"))
	return w
}

// config writes a server's configuration: its own state directory, and more TOML.
func (w *world) config(name, api, top string, more ...string) string {
	text := fmt.Sprintf("state_dir = %q\n%s\n[api]\nlisten = %q\n[boot]\nramdisk_dir = %q\n[images]\ndir = %q\n%s\n", filepath.Join(w.dir, name), top, api,
		filepath.Join(w.dir, "ramdisk"), filepath.Join(w.dir, "images"), strings.Join(more, "\n"))
	return write(w.t, filepath.Join(w.dir, name+".toml"), text)
}

// serve starts a server and waits until its API answers.
func (w *world) serve(name, api, config string) *process {
	w.t.Helper()
	p := launch(w.t, filepath.Join(w.dir, name+".log"), exec.Command(bin("rackwright"), "serve", "--config", config))
	w.servers = append(w.servers, p)
	var c *client.Client
	until(w.t, w.ctx, "the API of "+name, func() bool {
		if p.ended() {
			return true
		}
		token, err := os.ReadFile(w.tokenFile())
		if err != nil {
			return false
		}
		if c, err = client.New(api, strings.TrimSpace(string(token))); err != nil {
			return false
		}
		_, err = c.Health(w.ctx)
		return err == nil
	}, p.output)
	if p.ended() {
		w.t.Fatalf("%s ended:\n%s", name, p.output())
	}
	if w.client == nil {
		w.client = c
	}
	return p
}

func (w *world) tokenFile() string { return filepath.Join(w.dir, "a", "admin.token") }

// start is one server on SQLite, the rack, an image and the plan, all discovered.
func (w *world) start() *world {
	w.t.Helper()
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	w.startRack()
	w.image()
	w.apply(nil)
	w.discovered()
	return w
}

// startRack writes the rack file and starts it; the plan is beside the networks then.
func (w *world) startRack() {
	w.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "rack: r1\nsite: lab\nrelay: {listen: %s, server: %s, interface: lo}\nmachines:\n", rackAddress, lab.Server)
	for i, n := range w.nodes {
		fmt.Fprintf(&b, "  - {name: %s, rack: r%d, u: %d, kind: scripted, firmware: %s, fault: %q, nics: [{mac: \"52:54:00:78:%02x:%02x\", network: provision, address: %s}], "+
			"disks: [{size: 2GiB, serial: RWDISK%02d}, {size: 8GiB, serial: RWDATA%02d}], bmc: {address: \"%s:%d\", console_port: %d}}\n",
			n.name, 1+i/40, 1+i%40, n.firmware, n.fault, (i+1)>>8, (i+1)&255, w.address(i), i+1, i+1, rackAddress, 9001+i, n.console(i))
	}
	file := write(w.t, filepath.Join(w.dir, "rack.yaml"), b.String())
	w.rack = startRack(w.t, w.ctx, w.dir, file)
	out, err := exec.Command(bin("racksim"), "plan", "-f", file, "--state", filepath.Join(w.dir, "rack")).Output()
	ok(w.t, err)
	write(w.t, filepath.Join(w.dir, "plan/rack.yaml"), string(out))
}

// address is a machine's: one of the rack namespace's own, as far as they go.
func (w *world) address(i int) string {
	if len(w.nodes) < 60 {
		return fmt.Sprintf("10.77.0.%d", 65+i)
	}
	return fmt.Sprintf("10.77.%d.%d", 4+i/250, 1+i%250)
}

// image adds a small bootable image, "small".
func (w *world) image() {
	w.t.Helper()
	w.command("image", "add", "small", imagetest.Write(w.t, imagetest.Bootable()))
}

// apply applies the plan, changed by edit first: nil leaves it.
func (w *world) apply(edit func(string) string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, "plan")
	if edit != nil {
		text, err := os.ReadFile(filepath.Join(dir, "rack.yaml"))
		ok(w.t, err)
		changed := edit(string(text))
		if changed == string(text) {
			w.t.Fatalf("the edit changes nothing in\n%s", text)
		}
		dir = filepath.Dir(write(w.t, filepath.Join(w.dir, "edited/rack.yaml"), changed))
		text, err = os.ReadFile(filepath.Join(w.dir, "plan/networks.yaml"))
		ok(w.t, err)
		write(w.t, filepath.Join(w.dir, "edited/networks.yaml"), string(text))
	}
	w.command("apply", "-f", dir, "--yes")
}

// cmd is a command of the operator.
func (w *world) cmd(args ...string) *exec.Cmd {
	c := exec.CommandContext(w.ctx, bin("rackwright"), args...)
	c.Env = append(os.Environ(), "RACKWRIGHT_SERVER="+w.api, "RACKWRIGHT_TOKEN_FILE="+w.tokenFile())
	return c
}

func (w *world) command(args ...string) string {
	w.t.Helper()
	out, err := w.cmd(args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("rackwright %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// phasesWithin waits until all machines are in a phase. What is discovered may be verified
// a moment later.
func (w *world) phasesWithin(want inventory.Phase, limit time.Duration) {
	w.t.Helper()
	err := lab.Until(w.ctx, limit, "all "+string(want), func() (bool, error) {
		machines, err := w.client.Machines(w.ctx, client.MachineQuery{})
		n := 0
		for _, m := range machines {
			if m.Phase == want || want == inventory.Discovered && m.Phase == inventory.Verified {
				n++
			}
		}
		return err == nil && n == len(w.nodes), nil
	})
	if err != nil {
		w.t.Fatalf("%v\n%s%s", err, w.command("machine", "list"), lab.Tail(w.servers[0].log, 20))
	}
}

func (w *world) discovered() { w.t.Helper(); w.phasesWithin(inventory.Discovered, patience) }

// deploy starts a deployment of a machine.
func (w *world) deploy(name string) deploy.Operation {
	w.t.Helper()
	op, err := w.client.Deploy(w.ctx, name, apiwire.Deploy{Image: "small"})
	ok(w.t, err)
	return op
}

// wait waits for an operation to be as asked.
func (w *world) wait(id, what string, is func(deploy.Operation) bool) (op deploy.Operation) {
	w.t.Helper()
	until(w.t, w.ctx, what, func() bool {
		var err error
		op, err = w.client.Operation(w.ctx, id)
		return err == nil && is(op)
	}, func() string {
		return fmt.Sprintf("%+v\n%s\n--- console\n%s\n--- server\n%s", op, w.command("machine", "timeline", op.Name), w.console(op.Name), lab.Tail(w.servers[0].log, 20))
	})
	return op
}

func (w *world) succeeded(id string) deploy.Operation {
	w.t.Helper()
	return w.wait(id, "success", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
}

func (w *world) machine(name string) inventory.Machine {
	w.t.Helper()
	m, err := w.client.Machine(w.ctx, name)
	ok(w.t, err)
	return m
}

func (w *world) why(name string) string {
	w.t.Helper()
	why, err := w.client.Why(w.ctx, name)
	ok(w.t, err)
	return why.Why
}

func (w *world) console(name string) string {
	b, err := os.ReadFile(filepath.Join(w.dir, "rack", name, "console.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// whole checks that the timeline of a deployment is complete and that nothing of it
// happened twice. The journal of what was seen on the wire may be a moment behind.
func (w *world) whole(n node, op deploy.Operation) {
	w.t.Helper()
	var odd []string
	if err := lab.Until(w.ctx, patience, "a whole timeline", func() (bool, error) {
		events, err := w.client.Timeline(w.ctx, n.name, 1000)
		odd = oddities(n, op, events)
		if w.killed {
			odd = slices.DeleteFunc(odd, func(s string) bool { return s == "power cycle 0 times" })
		}
		return len(odd) == 0, err
	}); err != nil {
		w.t.Errorf("%s: %s\n%s", n.name, strings.Join(odd, ", "), w.command("machine", "timeline", n.name))
	}
	if op.Turn != 0 {
		w.t.Errorf("%s started over %d times", n.name, op.Turn)
	}
	m := w.machine(n.name)
	if m.Phase != inventory.Active || m.Image != "small" || m.Power != inventory.PowerOn || len(m.Conditions) != 0 {
		w.t.Errorf("%s: %s, image %q, power %s, conditions %+v", n.name, m.Phase, m.Image, m.Power, m.Conditions)
	}
	v, err := w.client.Verification(w.ctx, n.name)
	ok(w.t, err)
	byAgent := func(f inventory.Facts) bool { return f.Source == "agent" && len(f.Disks) == 2 }
	if m.Facts == nil || len(m.Facts.Disks) != 2 || !slices.ContainsFunc(v.Observed, byAgent) {
		w.t.Errorf("%s: facts %+v, observed %+v", n.name, m.Facts, v.Observed)
	}
}

// oddities lists what an operation's events have not exactly once.
func oddities(n node, op deploy.Operation, events []journal.Event) (odd []string) {
	seen := map[string]int{}
	for _, e := range events {
		if e.At.Before(op.Created) {
			continue
		}
		seen[string(e.Kind)]++
		if f, isFile := e.Detail["file"].(string); isFile && (e.Kind == journal.TFTPSent || e.Kind == journal.HTTPSent) {
			seen[f]++
		}
		if strings.Contains(e.Summary, "power cycled") {
			seen["power cycle"]++
		}
	}
	loader := map[string]string{"bios": "undionly.kpxe", "uefi": "ipxe.efi"}[n.firmware]
	for _, what := range []string{string(journal.AgentCheckIn), string(journal.PhoneHome), "power cycle", loader, "script", "vmlinuz", "initrd"} {
		if seen[what] != 1 {
			odd = append(odd, fmt.Sprintf("%s %d times", what, seen[what]))
		}
	}
	if seen[string(journal.DHCPAnswered)] < 6 {
		odd = append(odd, fmt.Sprintf("%d DHCP answers", seen[string(journal.DHCPAnswered)]))
	}
	return odd
}

// since is for a line of the test's log.
func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }

func (w *world) token() string {
	w.t.Helper()
	text, err := os.ReadFile(w.tokenFile())
	ok(w.t, err)
	return strings.TrimSpace(string(text))
}

// reset presses a button of a machine's BMC, past the server.
func (w *world) reset(name, verb string) {
	w.t.Helper()
	for i, n := range w.nodes {
		if n.name != name {
			continue
		}
		password, err := os.ReadFile(filepath.Join(w.dir, "rack", name, "bmc.password"))
		ok(w.t, err)
		r, err := http.NewRequestWithContext(w.ctx, "POST", fmt.Sprintf("https://%s:%d/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", rackAddress, 9001+i),
			strings.NewReader(fmt.Sprintf(`{"ResetType": %q}`, verb)))
		ok(w.t, err)
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("admin", strings.TrimSpace(string(password)))
		web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		resp, err := web.Do(r)
		ok(w.t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			w.t.Fatalf("%s of %s: %s", verb, name, resp.Status)
		}
	}
}

func (w *world) openOperations() ([]deploy.Operation, error) {
	return w.client.Operations(w.ctx, client.OperationQuery{Open: true})
}

// pin is a line of the plan.
var pin = regexp.MustCompile(`certificate_sha256: [0-9a-f]{64}`)

// bmcs returns what the plan says of each machine's BMC, from its address on.
func (w *world) bmcs() map[string]string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "plan/rack.yaml"))
	ok(w.t, err)
	all := map[string]string{}
	for i, n := range w.nodes {
		found := regexp.MustCompile(fmt.Sprintf(`(?s)address: https://%s:%d\n.*?certificate_sha256: [0-9a-f]{64}`, rackAddress, 9001+i)).FindString(string(text))
		if found == "" {
			w.t.Fatalf("no BMC of %s in\n%s", n.name, text)
		}
		all[n.name] = found
	}
	return all
}
