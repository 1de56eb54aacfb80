package scripted

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/journal"

	"rackwright/api/client"
	"rackwright/integration/lab"
)

// hall is a world whose BMCs matter and whose machines boot nothing: some scripted, some
// a vendor's mockup.
type hall struct {
	*world
	boxes []box
	head  string // of the plan: models, labels of racks
	owned bool   // BMCs keep the password they have, whatever the factory's was
}

// box is one machine: what it really is, and what its plan says of its BMC.
type box struct {
	name   string
	rack   int    // 0 is the first
	serial string // made from the name when empty
	mockup string // a vendor's tree; empty: scripted
	bmc    string // more of its bmc in the rack file, like ", lockout: 5"
	more   string // more of the machine in the rack file
	plan   string // of its bmc in the plan; empty: the factory's password
	model  string // in the plan
}

// factory is the password that all BMCs of a hall begin with.
const factory = "Left-the-factory-1"

// newHall writes nothing yet; its plan and rack are written by raise and planned.
func newHall(t *testing.T, boxes ...box) *hall {
	t.Helper()
	h := &hall{world: newWorld(t, nil), boxes: boxes}
	for i := range h.boxes {
		b := &h.boxes[i]
		b.rack = max(b.rack, 1)
		if b.serial == "" {
			b.serial = "SN-" + b.name
		}
		h.nodes = append(h.nodes, node{name: b.name})
	}
	return h
}

// open starts a server on SQLite and the rack, and applies the plan.
func (h *hall) open(toml ...string) *hall {
	h.t.Helper()
	h.serve("a", h.api, h.config("a", "127.0.0.1:8480", "", toml...))
	h.raise()
	h.planned()
	return h
}

// raise starts the rack, the one before ended.
func (h *hall) raise() {
	h.t.Helper()
	if h.rack != nil {
		h.rack.end(15)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rack: r1\nsite: lab\nrelay: {listen: %s, server: %s, interface: lo}\nmachines:\n", rackAddress, lab.Server)
	for i, m := range h.boxes {
		kind, password := "kind: scripted, disks: [{size: 2GiB}]", ", password: "+factory
		if m.mockup != "" {
			kind = "kind: mockup"
			m.bmc += ", mockup: " + m.mockup
		}
		if h.owned {
			password = ""
		}
		fmt.Fprintf(&b, "  - {name: %s, rack: r%d, u: %d, %s, serial: %s, nics: [{mac: %q}], bmc: {address: \"%s:%d\", username: admin%s%s}%s}\n",
			m.name, m.rack, i+1, kind, m.serial, mac(i), rackAddress, 9001+i, password, m.bmc, m.more)
	}
	h.rack = startRack(h.t, h.ctx, h.dir, write(h.t, filepath.Join(h.dir, "rack.yaml"), b.String()))
}

func mac(i int) string { return fmt.Sprintf("52:54:00:7a:00:%02x", i+1) }

// planned writes the plan of all boxes and applies it.
func (h *hall) planned() string {
	h.t.Helper()
	var b strings.Builder
	b.WriteString("site: lab\n" + h.head + "racks:\n")
	for rack := 1; slices.ContainsFunc(h.boxes, func(m box) bool { return m.rack == rack }); rack++ {
		fmt.Fprintf(&b, "  - name: r%d\n    labels: {feed: %s}\n    machines:\n", rack, []string{"b", "a"}[rack%2])
		for i, m := range h.boxes {
			if m.rack != rack {
				continue
			}
			if m.plan == "" {
				m.plan = ", username: admin, password: " + factory
			}
			if m.model != "" {
				m.model = ", model: " + m.model
			}
			fmt.Fprintf(&b, "      - {name: %s, u: %d, serial: %s%s, nics: [{mac: %q}], bmc: {address: \"https://%s:%d\"%s}}\n",
				m.name, i+1, m.serial, m.model, mac(i), rackAddress, 9001+i, m.plan)
		}
	}
	write(h.t, filepath.Join(h.dir, "plan/rack.yaml"), b.String())
	return h.command("apply", "-f", filepath.Join(h.dir, "plan"), "--yes")
}

// password is what racksim says the BMC's first account has now.
func (h *hall) password(name string) string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "rack", name, "bmc.password"))
	ok(h.t, err)
	return strings.TrimSpace(string(text))
}

// direct asks a BMC past the server and returns status and body. It leaves no session.
func (h *hall) direct(name, password, method, path, body string) (int, map[string]any) {
	h.t.Helper()
	i := slices.IndexFunc(h.boxes, func(b box) bool { return b.name == name })
	r, err := http.NewRequestWithContext(h.ctx, method, fmt.Sprintf("https://%s:%d%s", rackAddress, 9001+i, path), bytes.NewReader([]byte(body)))
	ok(h.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.SetBasicAuth("admin", password)
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := web.Do(r)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ok(h.t, err)
	answer := map[string]any{}
	_ = json.Unmarshal(text, &answer) // not all answers have a body
	return resp.StatusCode, answer
}

// bmcLog is what a BMC's own logs say, through the server.
func (h *hall) bmcLog(name string) []bmc.Entry {
	h.t.Helper()
	list, err := h.client.BMCLog(h.ctx, name, 500)
	ok(h.t, err)
	return list
}

// told lists what BMCs told, by the journal.
func (h *hall) told(name string) (all []string) {
	h.t.Helper()
	events, err := h.client.Timeline(h.ctx, name, 1000)
	ok(h.t, err)
	for _, e := range events {
		if e.Kind == journal.BMCEvent {
			all = append(all, e.Summary)
		}
	}
	return all
}

// parked waits until the open operation of a machine needs hands.
func (h *hall) parked(name string) deploy.Operation {
	h.t.Helper()
	ops, err := h.client.Operations(h.ctx, client.OperationQuery{Open: true, Machine: name})
	ok(h.t, err)
	if len(ops) != 1 {
		h.t.Fatalf("%s has %d open operations: %+v", name, len(ops), ops)
	}
	return h.wait(ops[0].ID, name+" parked", func(o deploy.Operation) bool {
		if o.State.Ended() {
			h.t.Fatalf("%s ended as %s: %s", name, o.State, o.Message)
		}
		return o.State == deploy.Parked
	})
}

// secretIn names the files of the server, log and database, in which a text stands.
func (h *hall) secretIn(texts ...string) (found []string) {
	h.t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "*.log"))
	ok(h.t, err)
	ok(h.t, filepath.Walk(filepath.Join(h.dir, "a"), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	for _, f := range files {
		bytesOf, err := os.ReadFile(f)
		ok(h.t, err)
		for i, text := range texts {
			if strings.Contains(string(bytesOf), text) {
				found = append(found, fmt.Sprintf("%s: secret %d", filepath.Base(f), i))
			}
		}
	}
	return found
}
