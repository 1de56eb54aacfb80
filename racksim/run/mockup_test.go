package run

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/integration/porttest"
	"rackwright/racksim"
	"rackwright/racksim/mockup"
)

// recorded is a folder in DMTF's layout, with one property of its own.
func recorded(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for uri, text := range map[string]string{
		"":                    `{"Systems": {"@odata.id": "/redfish/v1/Systems"}, "Managers": {"@odata.id": "/redfish/v1/Managers"}}`,
		"Systems":             `{"Members": [{"@odata.id": "/redfish/v1/Systems/blade"}]}`,
		"Systems/blade":       `{"@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "Model": "of a folder", "SerialNumber": "F1", "PowerState": "Off", "Actions": {"#ComputerSystem.Reset": {"target": "/redfish/v1/Systems/blade/reset"}}}`,
		"Managers":            `{"Members": [{"@odata.id": "/redfish/v1/Managers/bmc"}]}`,
		"Managers/bmc":        `{"@odata.type": "#Manager.v1_3_0.Manager", "Model": "homemade"}`,
		"Systems/blade/Notes": `{"Links": {"Lost": {"@odata.id": "/redfish/v1/Nowhere"}}}`,
	} {
		at := filepath.Join(dir, "redfish/v1", uri)
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "index.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shelved is a rack of mockups.
func shelved(t *testing.T, machines string) (*Rack, error) {
	t.Helper()
	rack, err := racksim.Parse([]byte("{rack: r1, machines: [" + machines + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Rack: rack, StateDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Now: time.Now})
}

func runUntilEnd(t *testing.T, r *Rack) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-r.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the rack is not ready")
	}
}

// ask reads a resource as the first account.
func ask(t *testing.T, b Bay, password, uri string) (int, map[string]any) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	r, err := http.NewRequest("GET", b.URL+uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(b.Username, password)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestARackServesMockupsOfAVendorAndOfAFolder(t *testing.T) {
	r, err := shelved(t, fmt.Sprintf(`
		{name: a, u: 1, serial: S-1, nics: [{mac: "52:54:00:00:00:01"}], bmc: {address: %q, password: open-sesame-1, mockup: dell-idrac9, latency: 1ms}},
		{name: b, u: 2, power: "on", bmc: {address: %q, password: open-sesame-1, mockup: %q}},
		{name: c, u: 3, bmc: {address: %q, password: open-sesame-1, mockup: dell-idrac9, faults: [{kind: error-500, path: /redfish/v1/Systems}]}}`,
		porttest.FreeAddress(t), porttest.FreeAddress(t), recorded(t), porttest.FreeAddress(t)))
	if err != nil {
		t.Fatal(err)
	}
	runUntilEnd(t, r)
	bays := r.Bays()
	const dell = "/redfish/v1/Systems/System.Embedded.1"
	if status, body := ask(t, bays[0], "open-sesame-1", dell); status != 200 || body["SerialNumber"] != "S-1" || body["Model"] != "PowerEdge R650" {
		t.Errorf("a: %d %v", status, body)
	}
	if _, body := ask(t, bays[0], "open-sesame-1", dell+"/EthernetInterfaces/NIC.Integrated.1-1-1"); body["MACAddress"] != "52:54:00:00:00:01" {
		t.Errorf("a's port: %v", body)
	}
	if status, body := ask(t, bays[1], "open-sesame-1", "/redfish/v1/Systems/blade"); status != 200 || body["Model"] != "of a folder" || body["PowerState"] != "On" {
		t.Errorf("b: %d %v", status, body)
	}
	if status, _ := ask(t, bays[2], "open-sesame-1", dell); status != 500 {
		t.Errorf("c, which has a fault: %d", status)
	}
	if status, _ := ask(t, bays[0], "wrong", dell); status != 401 {
		t.Errorf("a wrong password: %d", status)
	}
}

func TestThePlanOfAMockupIsOfTheMachineThatWasRecorded(t *testing.T) {
	r, err := shelved(t, `{name: a, u: 1, bmc: {address: "127.0.0.1:4431", mockup: hpe-ilo5}}, {name: b, u: 2, serial: S-2, bmc: {address: "127.0.0.1:4432", mockup: hpe-ilo5}}`)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Plan()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CZ2D0K01AB", "S-2", "ProLiant DL380 Gen10", "94:40:C9:00:02:01"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestAMockupThatIsNotThereIsNamed(t *testing.T) {
	_, err := shelved(t, `{name: a, u: 1, bmc: {address: "127.0.0.1:4431", mockup: /no/such/folder}}`)
	if !fault.Is(err, fault.NotFound) || !strings.Contains(fault.HintOf(err), mockup.Vendors()[0]) {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
}
