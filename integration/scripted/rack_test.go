package scripted

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackwright/api/client"
	"rackwright/inventory"
)

func TestTwentyMachinesAreDeployedAtOnceOnTheEmbeddedDatabase(t *testing.T) {
	w := newWorld(t, nodes(20)).start()
	began := time.Now()
	ids := map[string]string{}
	for _, n := range w.nodes {
		ids[n.name] = w.deploy(n.name).ID
	}
	for _, n := range w.nodes {
		w.whole(n, w.succeeded(ids[n.name]))
	}
	t.Logf("20 machines active after %s", since(began))
}

// More machines than addresses of their own: all connections come from the rack host's
// address. How many is for whoever wants to know how far it goes.
func TestAsManyMachinesAsAskedFor(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("RACKWRIGHT_MANY"))
	if err != nil || n < 60 || n > 4000 {
		t.Skip("set RACKWRIGHT_MANY to 60 or more, e.g. 1000")
	}
	w := newWorld(t, nodes(n))
	file := filepath.Join(w.dir, "plan/networks.yaml")
	text, err := os.ReadFile(file)
	ok(t, err)
	write(t, file, strings.Replace(string(text), "10.77.0.0/24", "10.77.0.0/16", 1))
	began := time.Now()
	w.serve("a", w.api, w.config("a", "127.0.0.1:8480", ""))
	w.startRack()
	t.Logf("BMCs answer after %s; racksim has %s", since(began), memory(w.rack))
	w.image()
	began = time.Now()
	w.apply(nil)
	w.phasesWithin(inventory.Discovered, 10*time.Minute)
	t.Logf("discovered after %s", since(began))
	began = time.Now()
	for _, n := range w.nodes {
		w.deploy(n.name)
	}
	t.Logf("asked for after %s", since(began))
	w.phasesWithin(inventory.Active, 20*time.Minute)
	t.Logf("%d machines active after %s; racksim has %s, the server %s", n, since(began), memory(w.rack), memory(w.servers[0]))
	ops, err := w.client.Operations(w.ctx, client.OperationQuery{Open: true})
	if err != nil || len(ops) != 0 {
		t.Errorf("still open: %v, %v", ops, err)
	}
}

// memory is what a program has and had at most.
func memory(p *process) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.Process.Pid) + "/status")
	if err != nil {
		return err.Error()
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") {
			found = append(found, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(found, ", ")
}
