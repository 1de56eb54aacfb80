package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// commandOf is by which command line each operation of the API is reached. Before a | stands
// why it is not run here: the command is only looked up then.
func commandOf() map[string]string {
	return map[string]string{
		"list-approvals": "approval list", "get-approval": "approval show x", "approve-request": "approval approve x --yes", "refuse-request": "approval refuse x",
		"list-audit": "audit list", "export-audit": "audit export", "audit-head": "audit head",
		"list-bmcs": "bmc list", "get-bmc-authority": "bmc authority", "list-strange-bmcs": "bmc list --strangers",
		"explain-boot": "boot explain --mac 52:54:00:00:00:01", "explain-dhcp": "dhcp explain --mac 52:54:00:00:00:01",
		"list-caches": "cache list", "list-ladders": "loader list", "set-ladder": "loader set x shim", "reset-ladder": "loader reset x --yes", "warm-caches": "cache warm x", "forget-cache": "cache forget x --yes", "beat-cache": "it runs until it is ended|cache run",
		"list-campaigns": "firmware campaign list", "start-campaign": "firmware campaign start x --rack r1", "get-campaign": "firmware campaign show x",
		"cancel-campaign": "firmware campaign cancel x", "pause-campaign": "firmware campaign pause x", "resume-campaign": "firmware campaign resume x",
		"list-certificates": "certificate list", "certificate-key": "certificate key", "get-certificate": "certificate show x",
		"list-devices": "device list", "list-events": "events", "stream-events": "events --follow",
		"list-firmware": "firmware list", "add-firmware": "firmware add FILE --name x --component bios --version 1 --model m", "firmware-compliance": "firmware compliance",
		"remove-firmware": "firmware remove x --yes", "get-firmware": "firmware show x", "firmware-machine": "firmware update m1",
		"health": "version", "list-images": "image list", "add-image": "image add x -", "check-images": "image verify", "collect-images": "image gc",
		"list-image-imports": "image import list", "import-image": "image add x --url http://127.0.0.1/x", "remove-image-import": "image import remove x --yes", "list-jobs": "job list", "get-job": "job show x", "cancel-job": "job cancel x", "retry-job": "job retry x",
		"get-image-import": "image import show x", "begin-image-upload": "image add x FILE", "continue-image-upload": "image add x FILE",
		"image-upload-offset": "it is asked for when a connection broke|image add",
		"remove-image":        "image remove x --yes", "get-image": "image show x", "list-leases": "network leases", "list-machines": "machine list",
		"bmc-machine": "bmc insert m1 http://127.0.0.1/x --wait=false", "burn-in-machine": "burn-in m1", "claim-machine": "bmc claim m1", "deploy-machine": "deploy m1 --image x --yes",
		"erase-machine": "erase m1 --yes", "inspect-machine": "inspect m1", "locate-machine": "machine locate m1", "power-machine": "power m1 on --wait=false",
		"rescue-machine": "rescue m1 --serial --wait=false", "burn-in-machines": "burn-in m1 m2", "deploy-machines": "deploy m1 m2 --image x --yes", "erase-machines": "erase m1 m2 --yes",
		"inspect-machines": "inspect m1 m2", "power-machines": "power m1 m2 on --wait=false", "rescue-machines": "rescue m1 m2 --serial --wait=false",
		"bmc-machines": "bmc boot m1,m2 pxe --wait=false", "claim-machines": "bmc claim m1 m2", "firmware-machines": "firmware update m1 m2", "locate-machines": "machine locate m1 m2",
		"hold-machines": "machine hold m1 m2 --reason x", "release-machines": "machine release m1 m2", "retire-machines": "machine retire m1 m2 --reason x --yes",
		"replace-machines": "machine replace m1 m2 --part machine --reason x --yes", "waive-machines": "machine waive m1,m2 x --reason y", "unwaive-machines": "machine waive m1,m2 x --end", "stream-machines": "it looks again until it is ended|machine list", "get-machine": "machine show m1",
		"get-bmc": "bmc show m1", "get-bmc-accounts": "bmc accounts m1", "get-bmc-boot": "bmc boot m1", "get-bmc-clock": "bmc clock m1", "get-bmc-console": "bmc console m1",
		"get-bmc-firmware": "bmc firmware m1", "get-bmc-log": "bmc log m1", "get-bmc-media": "bmc media m1", "get-bmc-protocols": "bmc protocols m1", "get-bmc-sensors": "bmc sensors m1",
		"get-bmc-settings": "bmc settings m1", "get-bmc-subscriptions": "bmc subscriptions m1", "get-burn-in": "burn-in show m1", "get-console": "machine console m1 -o json",
		"forget-console-key": "machine console m1 --new-key -o json", "machine-gates": "machine gates m1", "machine-history": "machine history m1", "release-machine": "machine release m1",
		"hold-machine": "machine hold m1 --reason x -o json", "machine-identifiers": "machine identifiers m1", "machine-label-pdf": "machine label m1 --out OUT",
		"machine-label-svg": "machine label m1 --format svg --out OUT", "machine-parts": "machine parts m1", "preview-machine": "preview m1 --image x",
		"replace-machine": "machine replace m1 --part machine --reason x --yes", "retire-machine": "machine retire m1 --reason x --yes", "machine-timeline": "machine timeline m1", "machine-boots": "machine boots m1", "machine-trace": "machine trace m1", "machine-trace-pcap": "machine trace m1 --out OUT", "trace-strangers": "dhcp trace",
		"machine-verification": "machine verify m1", "unwaive-condition": "machine waive m1 x --end", "waive-condition": "machine waive m1 x --reason y", "machine-why": "machine why m1", "get-hold": "machine hold show m1", "list-waivers": "machine waive show m1",
		"list-sites": "site list", "get-site": "site show lab", "get-network": "network show prov", "get-model": "model show x", "get-project": "project show x", "get-device": "device show x",
		"get-lease": "network lease prov 10.0.0.9", "end-lease": "network release prov 10.0.0.9 --yes", "get-cache": "cache show x", "list-models": "model list", "list-networks": "network list", "list-operations": "operation list", "stream-operations": "watch m1", "get-operation": "operation show x",
		"cancel-operation": "operation cancel x", "operation-log": "operation log x", "retry-operation": "operation retry x", "find-parts": "part find x",
		"export-plan": "export", "diff-plan": "plan -f PLAN", "apply-plan": "apply -f PLAN --yes", "list-projects": "project list", "list-racks": "rack list", "get-rack": "rack show r1",
		"rack-cabling": "rack cabling r1", "draw-rack": "rack draw r1", "rack-labels-pdf": "rack labels r1 --out OUT", "rack-labels-svg": "rack labels r1 --format svg --out OUT",
		"rack-tasks": "rack tasks r1", "mark-rack-step": "rack done r1 m1 mount", "sign-off-rack": "rack signoff r1", "list-signoffs": "rack signoffs r1", "get-signoff": "rack signoffs r1 x",
		"list-slots": "rack slots r1", "get-slot": "rack slot r1 10", "scan": "scan x", "list-rollouts": "rollout list", "start-rollout": "rollout start x --image y --all-ready",
		"get-rollout": "rollout show x", "cancel-rollout": "rollout cancel x", "pause-rollout": "rollout pause x", "resume-rollout": "rollout resume x",
		"plan-schema": "the command has the same schema in it|schema", "list-templates": "the command has the same templates in it|template list",
		"list-tokens": "token list", "add-token": "token add x --role viewer", "revoke-token": "token revoke x --yes", "get-token": "token show x", "rotate-token": "token rotate x --yes",
		"whoami": "whoami", "list-webhooks": "webhook list", "add-webhook": "webhook add x http://127.0.0.1/", "remove-webhook": "webhook remove x --yes", "get-webhook": "webhook show x",
		"change-webhook": "webhook pause x", "list-deliveries": "webhook deliveries x", "replay-webhook": "webhook replay x --dead", "rotate-webhook": "webhook rotate x",
		"test-webhook": "webhook test x", "login-terms": "login", "open-session": "it takes a person at a browser|login", "open-rack-session": "login --rack-code AAAA-BBBB-CCCC-DDDD --as mia",
		"end-session": "it takes a session|logout", "add-rack-code": "rack code r1", "end-rack-codes": "rack code r1 --end",
		"docs": "a page for people; the document itself is|openapi",
	}
}

// Every operation of the API is asked for by the command line that the table names.
func TestEveryOperationOfTheInterfaceHasACommand(t *testing.T) {
	text, err := os.ReadFile("../../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	a := &answering{mux: http.NewServeMux(), ids: map[string]bool{}}
	table, files := commandOf(), writeFiles(t)
	had := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			had[o.ID] = true
			a.serve(strings.ToUpper(method), path, o.ID)
			if _, ok := table[o.ID]; !ok {
				t.Errorf("no command line is said to reach %s: %s %s", o.ID, method, path)
			}
		}
	}
	srv := httptest.NewServer(a.mux)
	defer srv.Close()
	home := t.TempDir()
	for id, line := range table {
		if !had[id] {
			t.Errorf("%s is no operation", id)
			continue
		}
		why, look, only := strings.Cut(line, "|")
		args := strings.Fields(files.Replace(line))
		if only {
			args = strings.Fields(look)
		}
		w := &world{in: strings.NewReader("x"), out: io.Discard, err: io.Discard, now: time.Now, getenv: func(k string) string {
			return map[string]string{"RACKWRIGHT_SERVER": srv.URL, "RACKWRIGHT_TOKEN": "x", "HOME": home}[k]
		}}
		c, rest, err := rootCommand(w).Find(args)
		if err != nil || !c.Runnable() && !only || len(rest) > 0 && c.HasSubCommands() && !c.Runnable() {
			t.Errorf("%s: there is no command %q", id, line)
			continue
		}
		if only {
			t.Logf("%s is not run: %s", id, why)
			continue
		}
		a.take()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		run(ctx, w, args)
		cancel()
		if got := a.take(); !got[id] {
			t.Errorf("%q does not reach %s but %v", line, id, got)
		}
	}
}

// answering notes what is asked for, and answers with little.
type answering struct {
	mux *http.ServeMux
	mu  sync.Mutex
	ids map[string]bool
}

func (a *answering) serve(method, path, id string) {
	a.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.ids[id] = true
		a.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.HasPrefix(id, "stream-") {
			http.NotFound(w, r)
			return
		}
		if id == "begin-image-upload" {
			w.Header().Set("Location", "/api/v1/images/uploads/x")
		}
		w.Header().Set("Content-Type", "application/json")
		answer := `{"id":"x","state":"done","reason":"x","items":[{"id":"x","operation":{"id":"x"}}]}`
		if strings.HasSuffix(id, "-events") { // their ids are numbers
			answer = `{"items":[]}`
		}
		_, _ = io.WriteString(w, answer)
	})
}

func (a *answering) take() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.ids
	a.ids = map[string]bool{}
	return got
}

// writeFiles makes the files that command lines name.
func writeFiles(t *testing.T) *strings.Replacer {
	plan := writeFile(t, "plan.yaml", "site: lab\nracks: [{name: r7}]\n")
	return strings.NewReplacer("PLAN", plan, "FILE", writeFile(t, "firmware.bin", "firmware"), "OUT", filepath.Join(t.TempDir(), "out"))
}
