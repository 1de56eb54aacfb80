package mockup

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"rackwright/racksim"
)

// file is firmware for a part of the inventory.
func file(t *testing.T, component, version string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := racksim.WriteFirmware(&out, racksim.Firmware{Component: component, Version: version}, 100<<10); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// parcel is a multipart update.
func parcel(t *testing.T, parameters string, data []byte, swap bool) (text []byte, kind string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	parts := []struct{ name, kind, text string }{
		{"UpdateParameters", "application/json", parameters}, {"UpdateFile", "application/octet-stream", string(data)}}
	if swap {
		parts[0], parts[1] = parts[1], parts[0]
	}
	for _, p := range parts {
		head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + p.name + `"; filename="x"`}, "Content-Type": {p.kind}}
		part, err := w.CreatePart(head)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), w.FormDataContentType()
}

func (c *client) push(uri, kind string, text []byte) answer {
	c.t.Helper()
	r := httptest.NewRequest("POST", uri, bytes.NewReader(text))
	r.Header.Set("Content-Type", kind)
	return c.send(r)
}

// tasks are the states of all tasks, oldest first.
func (c *client) tasks() (states []string) {
	c.t.Helper()
	for _, uri := range members(c.get(c.bmc.services.tasks).body, "Members") {
		a := c.get(uri)
		if a.status == http.StatusNotFound {
			a = c.get(uri) // Dell's is not there at first
		}
		states = append(states, textAt(a.body, "TaskState"))
	}
	return states
}

func TestAFileThatIsPushedBecomesTheVersion(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		service := c.get(c.bmc.services.update).body
		uri := textAt(service, "MultipartHttpPushUri")
		if uri == "" {
			t.Skip("it takes no multipart")
		}
		other := "" // neither BIOS nor BMC
		for _, item := range members(c.get(c.bmc.services.firmware).body, "Members") {
			if c.get(item).body["RelatedItem"] == nil {
				other = item
			}
		}
		if other == "" {
			other = c.bmc.itemOf(c.bmc.host)
		}
		_, id, _ := cutLast(other)
		text, kind := parcel(t, `{"Targets": ["`+other+`"]}`, file(t, id, "99.1"), false)
		a := c.push(uri, kind, text)
		if a.status != 202 && a.status != 200 {
			t.Fatalf("the push: %d %s", a.status, a.text)
		}
		if strings.HasPrefix(c.bmc.cfg.Name, "supermicro") == (typeOf(a.body) == "Task") {
			t.Errorf("the answer is %s", a.text)
		}
		if got := c.tasks(); len(got) != 1 || got[0] != "Running" {
			t.Fatalf("tasks %v", got)
		}
		c.clock.forward(time.Second)
		if got := c.tasks(); got[0] != "Completed" {
			t.Fatalf("tasks %v", got)
		}
		c.want("the version", c.get(other).body["Version"], "99.1")
		if c.bmc.Uploaded() < 100<<10 {
			t.Errorf("%d bytes came", c.bmc.Uploaded())
		}
	})
}

func TestAFileThatIsFetchedBecomesTheVersion(t *testing.T) {
	files := map[string][]byte{"/bios": file(t, "bios", "9.9"), "/bmc": file(t, "bmc", "8.8"), "/junk": []byte("MZ..."), "/short": file(t, "bios", "9.9")[:5000]}
	store := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(text)
	}))
	t.Cleanup(store.Close)
	vendors(t, func(t *testing.T, c *client) {
		target := c.bmc.services.update + "/Actions/UpdateService.SimpleUpdate"
		order := func(path string) string {
			before := len(c.tasks())
			a := c.do("POST", target, `{"ImageURI": "`+store.URL+path+`", "TransferProtocol": "HTTPS"}`)
			if a.status != 202 && a.status != 200 {
				t.Fatalf("the order: %d %s", a.status, a.text)
			}
			c.bmc.work.Wait() // it is fetched
			c.clock.forward(time.Second)
			return c.tasks()[before]
		}
		for _, bad := range []string{"/junk", "/short", "/gone"} {
			c.want(bad, order(bad), "Exception")
		}
		got := order("/bios")
		if c.bmc.habits.biosWaits {
			c.want("the task before a reset", got, "Pending")
			c.reset(c.bmc.habits.resetAnswer, "ForceRestart")
			c.clock.forward(time.Second)
			got = c.tasks()[3]
		}
		c.want("the task", got, "Completed")
		c.want("the BIOS", c.host("BiosVersion"), "9.9")
		c.want("the task", order("/bmc"), "Completed")
		c.want("the BMC", c.get(c.bmc.manager).body["FirmwareVersion"], "8.8")
		c.clock.forward(time.Second)
		if a := c.get(root); a.status != 0 || c.bmc.Restarts() != 1 {
			t.Errorf("after its update the BMC answers %d, %d restarts", a.status, c.bmc.Restarts())
		}
		c.clock.forward(time.Hour)
		c.must(400, "POST", target, `{}`)
		c.must(400, "POST", target, `{"ImageURI": "file:///etc/passwd"}`)
		c.must(400, "POST", target, `{"ImageURI": "`+store.URL+`/bios", "Targets": ["/redfish/v1/Nowhere"]}`)
	})
}

func TestAnUploadThatIsNoneIsRefused(t *testing.T) {
	c := bench(t, "ami-megarac")
	uri := textAt(c.get(c.bmc.services.update).body, "MultipartHttpPushUri")
	good := file(t, "BIOS", "1")
	for what, text := range map[string]func() ([]byte, string){
		"no multipart":      func() ([]byte, string) { return good, "application/octet-stream" },
		"the wrong order":   func() ([]byte, string) { return parcel(t, `{}`, good, true) },
		"parameters":        func() ([]byte, string) { return parcel(t, `[]`, good, false) },
		"an unknown target": func() ([]byte, string) { return parcel(t, `{"Targets": ["/x"]}`, good, false) },
		"broken off":        func() ([]byte, string) { text, kind := parcel(t, `{}`, good, false); return text[:200], kind },
		"no file":           func() ([]byte, string) { return []byte("--x--\r\n"), "multipart/form-data; boundary=x" },
	} {
		body, kind := text()
		if a := c.push(uri, kind, body); a.status < 400 && what != "broken off" {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
	}
	text, kind := parcel(t, `{"Targets": ["`+c.bmc.itemOf(c.bmc.manager)+`"]}`, good, false)
	c.push(uri, kind, text)
	for _, state := range c.tasks() {
		c.want("a task of a file for another part", state, "Exception")
	}
	r := httptest.NewRequest("POST", uri, bytes.NewReader(good))
	r.Header.Set("Anonymous", "yes")
	if a := c.send(r); a.status != 401 {
		t.Errorf("without a password: %d", a.status)
	}
}

func TestVendorsPushInTheirOwnWay(t *testing.T) {
	lenovo := bench(t, "lenovo-xcc")
	if a := lenovo.push("/mfwupdate", "application/octet-stream", file(t, "LXPM", "2")); a.status != 400 {
		t.Errorf("a push that was not announced: %d", a.status)
	}
	lenovo.patch(200, lenovo.bmc.services.update, `{"HttpPushUriTargetsBusy": true, "HttpPushUriTargets": []}`)
	lenovo.patch(409, lenovo.bmc.services.update, `{"HttpPushUriTargetsBusy": true}`)
	a := lenovo.push("/mfwupdate", "application/octet-stream", file(t, "LXPM", "2"))
	monitor := a.header.Get("Location")
	lenovo.must(202, "GET", monitor, "")
	lenovo.clock.forward(time.Second)
	lenovo.must(200, "GET", monitor, "")
	lenovo.must(404, "GET", monitor, "")
	if got := lenovo.tasks(); len(got) != 0 {
		t.Errorf("tasks %v after the monitor was read", got)
	}
	hpe := bench(t, "hpe-ilo5")
	if a := hpe.push("/cgi-bin/uploadFile", "application/octet-stream", file(t, "2", "2")); a.status != 400 {
		t.Errorf("iLO's own form takes a plain file: %d", a.status)
	}
	dell := bench(t, "dell-idrac9")
	r := httptest.NewRequest("POST", root+"/UpdateService/FirmwareInventory", struct{ *strings.Reader }{strings.NewReader("x")})
	r.ContentLength = -1
	if a := dell.send(r); a.status != 411 {
		t.Errorf("a push without a length: %d", a.status)
	}
}

func TestEventsArePushedToWhoeverSubscribed(t *testing.T) {
	came := make(chan body, 10)
	sink := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b body
		if err := json.NewDecoder(r.Body).Decode(&b); err == nil {
			b["path"] = r.URL.Path
			came <- b
		}
	}))
	t.Cleanup(sink.Close)
	vendors(t, func(t *testing.T, c *client) {
		subscriptions := c.bmc.services.subscriptions
		c.must(400, "POST", subscriptions, `{"Context": "x"}`)
		c.must(400, "POST", subscriptions, `{"Destination": "mailto:x"}`)
		a := c.must(201, "POST", subscriptions, `{"Destination": "`+sink.URL+`/hook", "Context": "mark", "Protocol": "Redfish"}`)
		next := func(what, says string) {
			t.Helper()
			select {
			case e := <-came:
				if e["Context"] != "mark" || e["path"] != "/hook" || !strings.Contains(textAt(e["Events"].([]any)[0], "Message"), says) {
					t.Errorf("%s: %v", what, e)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: no event came", what)
			}
		}
		if a := c.do("POST", c.bmc.services.event+"/Actions/EventService.SubmitTestEvent", `{}`); a.status >= 300 {
			t.Fatalf("the test event: %d %s", a.status, a.text)
		}
		next("a test event", "Test")
		c.reset(c.bmc.habits.resetAnswer, "ForceOff")
		c.clock.forward(time.Second)
		c.bmc.Power()
		next("power", "Off")
		c.must(204, "DELETE", a.header.Get("Location"), "")
		c.must(404, "DELETE", a.header.Get("Location"), "")
		c.bmc.Note("nobody hears it", "OK")
	})
}

func TestALogGrowsAndIsCleared(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		list := c.bmc.logEntries()
		before := len(members(c.get(list).body, "Members"))
		c.bmc.Note("Fan 2 stands still.", "Critical")
		all := members(c.get(list).body, "Members")
		if len(all) != before+1 {
			t.Fatalf("%d entries, %d before", len(all), before)
		}
		c.want("the entry", c.get(all[before]).body["Message"], "Fan 2 stands still.")
		log, _, _ := cutLast(list)
		c.must(204, "POST", log+"/Actions/LogService.ClearLog", `{}`)
		c.want("the count", c.get(list).body["Members@odata.count"], 0)
		c.must(404, "GET", all[before], "")
		for range maxEntries + 5 {
			c.bmc.Note("again", "OK")
		}
		if n := len(members(c.get(list).body, "Members")); n != maxEntries {
			t.Errorf("%d entries are kept", n)
		}
	})
}
