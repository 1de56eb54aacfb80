package redfish

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/racksim"
)

// await waits until ok.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// image is a firmware file.
func image(t *testing.T, component, version string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := racksim.WriteFirmware(&b, racksim.Firmware{Component: component, Version: version}, 200<<10); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// serveFile serves one file over TLS to anybody.
func serveFile(t *testing.T, file []byte) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(file) }))
	t.Cleanup(s.Close)
	return s
}

// object reads a resource.
func (b *bench) object(t *testing.T, path string) map[string]any {
	t.Helper()
	got := b.call(t, "GET", path, "")
	var v map[string]any
	if err := json.Unmarshal([]byte(got.text), &v); err != nil || got.status != 200 {
		t.Fatalf("%s: %d %s", path, got.status, got.text)
	}
	return v
}

// version is what the firmware inventory says.
func (b *bench) version(t *testing.T, id string) string {
	t.Helper()
	v, _ := b.object(t, inventoryPath+"/"+id)["Version"].(string)
	return v
}

// task follows a task whose monitor is named by the answer to the end of its work.
func (b *bench) task(t *testing.T, a answer) (state, message string) {
	t.Helper()
	monitor := a.header.Get("Location")
	if a.status != http.StatusAccepted || monitor == "" {
		t.Fatalf("no task: %d %s", a.status, a.text)
	}
	path := tasksPath + monitor[strings.LastIndexByte(monitor, '/'):]
	var last map[string]any
	await(t, "the task's end", func() bool {
		last = b.object(t, path)
		return last["TaskState"] != taskRunning
	})
	if messages := last["Messages"].([]any); len(messages) > 0 {
		message = messages[len(messages)-1].(map[string]any)["Message"].(string)
	}
	return last["TaskState"].(string), message
}

func TestGofishUpdatesTheBIOSAndTheNextStartHasIt(t *testing.T) {
	dir := t.TempDir()
	b := newBenchIn(t, racksim.UEFI, dir, nil)
	server := serveFile(t, image(t, "bios", "2.1"))
	service, err := b.gofish(t, true).Service.UpdateService()
	if err != nil {
		t.Fatal(err)
	}
	info, err := service.SimpleUpdate(&schemas.UpdateServiceSimpleUpdateParameters{ImageURI: server.URL + "/once/secret", TransferProtocol: schemas.HTTPSTransferProtocolType})
	if err != nil || info == nil || info.TaskMonitor == "" {
		t.Fatalf("%+v, %v", info, err)
	}
	await(t, "the monitor's last answer", func() bool { return b.call(t, "GET", info.TaskMonitor, "").status == http.StatusOK })
	if got := b.version(t, "BIOS"); got != "OVMF" {
		t.Errorf("before the reset the BIOS has version %s", got)
	}
	reset(t, onlySystem(t, b.gofish(t, true)), schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	if got := b.machine.boots[0].BIOS; got != "2.1" {
		t.Errorf("the machine starts with version %q", got)
	}
	if s := onlySystem(t, b.gofish(t, true)); s.BiosVersion != "2.1" || b.version(t, "BIOS") != "2.1" {
		t.Errorf("the BMC tells %q and %q", s.BiosVersion, b.version(t, "BIOS"))
	}
	if again := newBenchIn(t, racksim.UEFI, dir, nil); again.version(t, "BIOS") != "2.1" {
		t.Error("the version is forgotten when racksim starts anew")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "firmware-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnUpdateOfTheBMCRestartsItAndItsSessionsEnd(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), nil)
	token := b.token(t)
	if got := b.call(t, "POST", pushPath, string(image(t, "bmc", "9.9"))); got.status != http.StatusAccepted {
		t.Fatalf("push: %d %s", got.status, got.text)
	}
	await(t, "the new version", func() bool {
		r, _ := http.NewRequest("GET", b.url+managerPath, nil)
		r.SetBasicAuth("admin", testPassword)
		resp, err := b.client.Do(r)
		if err != nil {
			return false // it is away
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return strings.Contains(string(text), `"FirmwareVersion":"9.9"`)
	})
	if got := b.call(t, "GET", systemPath, "", "X-Auth-Token", token); got.status != http.StatusUnauthorized {
		t.Errorf("a session of before: %d", got.status)
	}
	if got := b.call(t, "GET", tasksPath+"/1", ""); got.status != http.StatusNotFound {
		t.Errorf("a task of before: %d", got.status)
	}
}

func TestABMCFileOnResetRestartsTheBMCWithTheMachine(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	waiting := b.push(t, "UpdateParameters", `{"@Redfish.OperationApplyTime": "OnReset"}`, "UpdateFile", string(image(t, "bmc", "3.0")))
	if state, _ := b.task(t, waiting); state != taskPending || b.version(t, "BMC") != firmwareVersion {
		t.Fatalf("%s, version %s", state, b.version(t, "BMC"))
	}
	b.call(t, "POST", resetPath, `{"ResetType": "On"}`)
	await(t, "the new version", func() bool { return b.service.bmcVersion() == "3.0" })
}

// multipartBody is a push in parts, in the order given.
func multipartBody(t *testing.T, parts ...string) (text, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		var to io.Writer
		var err error
		if parts[i] == "UpdateFile" {
			to, err = w.CreateFormFile(parts[i], "x.bin")
		} else {
			to, err = w.CreateFormField(parts[i])
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(to, parts[i+1])
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

func (b *bench) push(t *testing.T, parts ...string) answer {
	t.Helper()
	text, kind := multipartBody(t, parts...)
	r, err := http.NewRequest("POST", b.url+multipartPath, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", testPassword)
	r.Header.Set("Content-Type", kind)
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(all)}
}

func TestAPushOnResetWaitsForIt(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), func(m *racksim.Machine) { m.Versions = map[string]string{"NIC.1": "22.5"} })
	file := string(image(t, "NIC.1", "23.0"))
	onReset := `{"Targets": ["` + inventoryPath + `/NIC.1"], "@Redfish.OperationApplyTime": "OnReset"}`
	first := b.push(t, "UpdateParameters", onReset, "UpdateFile", file)
	if state, message := b.task(t, first); state != taskPending || !strings.Contains(message, "waits for a reset") {
		t.Fatalf("%s, %s", state, message)
	}
	if got := b.call(t, "GET", first.header.Get("Location"), ""); got.status != http.StatusAccepted {
		t.Errorf("monitor of a task that waits: %d", got.status)
	}
	b.call(t, "POST", resetPath, `{"ResetType": "On"}`)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	if state, _ := b.task(t, first); state != taskDone || b.version(t, "NIC.1") != "23.0" {
		t.Errorf("after the reset: %s, version %s", state, b.version(t, "NIC.1"))
	}
	now := b.push(t, "UpdateParameters", `{}`, "UpdateFile", string(image(t, "NIC.1", "24.0")))
	if state, _ := b.task(t, now); state != taskDone || b.version(t, "NIC.1") != "24.0" {
		t.Errorf("at once: %s, version %s", state, b.version(t, "NIC.1"))
	}
}

func TestAnUpdateThatCannotWorkFailsAndSaysWhy(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	good := string(image(t, "bios", "2.1"))
	var foreign bytes.Buffer
	if err := racksim.WriteFirmware(&foreign, racksim.Firmware{Component: "bios", Version: "3", Model: "other model"}, 10); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ file, parameters, says string }{
		"not firmware":     {strings.Repeat("z", 100), `{}`, "not a firmware file"},
		"damaged":          {good[:len(good)-1] + "\x00", `{}`, "damaged"},
		"other component":  {string(image(t, "raid", "1")), `{}`, "no component raid"},
		"other model":      {foreign.String(), `{}`, "other model"},
		"not a target":     {good, `{"Targets": ["` + inventoryPath + `/BMC"]}`, "not among the targets"},
		"target it has":    {good, `{"Targets": ["` + inventoryPath + `/BIOS"]}`, "waits for a reset"},
		"forced, by value": {good, `{"ForceUpdate": true}`, "waits for a reset"},
	} {
		var state, message string
		await(t, "the one before to end", func() bool {
			a := b.push(t, "UpdateParameters", c.parameters, "UpdateFile", c.file)
			if a.status == http.StatusServiceUnavailable {
				return false
			}
			state, message = b.task(t, a)
			return true
		})
		failed := c.says != "waits for a reset"
		if !strings.Contains(message, c.says) || (state == taskFailed) != failed {
			t.Errorf("%s: %s, %q", what, state, message)
		}
	}
	unreachable := b.call(t, "POST", simpleUpdate, `{"ImageURI": "https://127.0.0.1:1/once/hush-hush"}`)
	if state, message := b.task(t, unreachable); state != taskFailed || strings.Contains(message, "hush") {
		t.Errorf("%s: %s", state, message)
	}
	if got := b.call(t, "GET", unreachable.header.Get("Location"), ""); got.status != http.StatusBadRequest {
		t.Errorf("monitor of a failed task: %d", got.status)
	}
	if left, _ := os.ReadDir(b.service.MediaDir); len(left) > 1 { // the BMC's memory
		t.Errorf("left behind: %v", left)
	}
}

func TestPushesThatAreWrongAreRefused(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	file := string(image(t, "bios", "2.1"))
	for what, parts := range map[string][]string{
		"file first":       {"UpdateFile", file, "UpdateParameters", "{}"},
		"no file":          {"UpdateParameters", "{}"},
		"no parameters":    {"UpdateFile", file},
		"three parts":      {"UpdateParameters", "{}", "UpdateFile", file, "UpdateFile", file},
		"no JSON":          {"UpdateParameters", "{", "UpdateFile", file},
		"unknown":          {"UpdateParameters", `{"Colour": 1}`, "UpdateFile", file},
		"unknown target":   {"UpdateParameters", `{"Targets": ["/redfish/v1/Systems/1"]}`, "UpdateFile", file},
		"empty file":       {"UpdateParameters", `{}`, "UpdateFile", ""},
		"unknown time":     {"UpdateParameters", `{"@Redfish.OperationApplyTime": "Tomorrow"}`, "UpdateFile", file},
		"large parameters": {"UpdateParameters", `{"Colour": "` + strings.Repeat("x", maxBody) + `"}`, "UpdateFile", file},
	} {
		if got := b.push(t, parts...); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, got.status, got.text)
		}
	}
	if got := b.call(t, "POST", multipartPath, file); got.status != http.StatusBadRequest {
		t.Errorf("no parts: %d", got.status)
	}
	if left, _ := os.ReadDir(b.service.MediaDir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFileServerIsJudgedWhenTheBMCIsToldTo(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), func(m *racksim.Machine) { m.Versions = map[string]string{"NIC.1": "1"} })
	server := serveFile(t, image(t, "NIC.1", "2"))
	order := `{"ImageURI": "` + server.URL + `/x"}`
	if got := b.call(t, "PATCH", updatePath, `{"VerifyRemoteServerCertificate": true}`); got.status != 200 {
		t.Fatal(got.text)
	}
	if state, message := b.task(t, b.call(t, "POST", simpleUpdate, order)); state != taskFailed || !strings.Contains(message, "certificate") {
		t.Errorf("unknown certificate: %s, %s", state, message)
	}
	anchor, err := json.Marshal(map[string]string{"CertificateType": "PEM", "CertificateString": string(pemOf(server.Certificate()))})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.call(t, "POST", anchorsPath, string(anchor)); got.status != 201 {
		t.Fatal(got.text)
	}
	if state, message := b.task(t, b.call(t, "POST", simpleUpdate, order)); state != taskDone {
		t.Errorf("known certificate: %s, %s", state, message)
	}
}

func FuzzReadParts(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=\"UpdateParameters\"\r\n\r\n{\"Targets\": []}\r\n--b\r\nContent-Disposition: form-data; name=\"UpdateFile\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n")
	f.Add("--b\r\n\r\n--b--")
	b := unserved(f)
	b.MediaDir = f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		var o updateOrder
		p := b.readParts(multipart.NewReader(strings.NewReader(text), "b"), &o)
		if p == nil && o.file == "" {
			t.Error("taken without a file")
		}
		if p == nil {
			discard(o)
		}
		if left, _ := filepath.Glob(filepath.Join(b.MediaDir, "firmware-*")); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

func FuzzReadSubscription(f *testing.F) {
	f.Add(`{"Destination": "https://h/x", "HttpHeaders": [{"A": "b"}], "EventTypes": ["Alert"], "Protocol": "Redfish"}`)
	f.Add(`{"Destination": "https://h/x", "HttpHeaders": {"A": "b\r\nC: d"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.NewRequest("POST", subscriptionsPath, strings.NewReader(text))
		if err != nil {
			t.Skip()
		}
		n, p := readSubscription(r)
		if p == nil && (n.destination == "" || strings.ContainsAny(strings.Join(slices.Collect(maps.Values(n.headers)), ""), "\r\n")) {
			t.Errorf("%+v was taken", n)
		}
	})
}
