package redfish

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

func TestAMultipartPushSendsTheParametersFirstAndItsExactLength(t *testing.T) {
	m := newMock(t, "dell")
	f := withUpdates(m, object{"MultipartHttpPushUri": "/push", "HttpPushUri": "/other",
		"MultipartHttpPushUri@Redfish.OperationApplyTimeSupport": object{"SupportedValues": []string{"Immediate", "OnReset"}}})
	c := open(t, m, &Dialer{Timing: quick()})
	u := file(100_000)
	u.Name, u.OnReset, u.Targets = `dir/bi"os.bin`, true, []string{"Installed-159-1.12.1__BIOS.Setup.1-1"}
	task := starts(t, c, u)
	if task.ID != tasksPath+"/7" || task.State != bmc.TaskRunning || task.Percent != 10 {
		t.Errorf("task %+v", task)
	}
	p := f.pushes[0]
	if want := []string{"UpdateParameters application/json", "UpdateFile application/octet-stream"}; !slices.Equal(p.parts, want) {
		t.Errorf("parts %q, want %q", p.parts, want)
	}
	if p.length <= u.Size || p.length > u.Size+2000 || len(p.body) != 100_000 || p.file != "bi_os.bin" {
		t.Errorf("Content-Length %d, file %q of %d bytes", p.length, p.file, len(p.body))
	}
	if p.parameters["@Redfish.OperationApplyTime"] != "OnReset" || text(p.parameters["Targets"]) != "["+firmPath+"/Installed-159-1.12.1__BIOS.Setup.1-1]" {
		t.Errorf("parameters %v", p.parameters)
	}
}

func TestATargetThatIsNotInTheInventoryIsRefusedBeforeAnythingIsSent(t *testing.T) {
	m := newMock(t, "dell")
	f := withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	c := open(t, m, &Dialer{Timing: quick()})
	u := file(10)
	u.Targets = []string{"NIC.9"}
	_, err := c.StartUpdate(t.Context(), u)
	want(t, err, fault.Invalid, "NIC.9")
	if len(f.pushes) != 0 {
		t.Error("it was pushed")
	}
}

func TestAPushOfTheFileAloneClaimsTheTargetsAndReleasesThem(t *testing.T) {
	m := newMock(t, "lenovo")
	f := withUpdates(m, object{"HttpPushUri": "/push", "HttpPushUriTargetsBusy": false,
		"HttpPushUriOptions": object{"HttpPushUriApplyTime": object{"ApplyTime": "Immediate", "ApplyTime@Redfish.AllowableValues": []string{"Immediate", "OnReset"}}}})
	c := open(t, m, &Dialer{Timing: quick()})
	u := file(5000)
	u.Targets, u.OnReset = []string{"UEFI"}, true
	starts(t, c, u)
	if p := f.pushes[0]; p.kind != "application/octet-stream" || p.length != 5000 || len(p.body) != 5000 {
		t.Errorf("%s, %d bytes of %d", p.kind, len(p.body), p.length)
	}
	first, last := f.patches[0], f.patches[len(f.patches)-1]
	if first["HttpPushUriTargetsBusy"] != true || text(first["HttpPushUriTargets"]) != "["+firmPath+"/UEFI]" || !strings.Contains(text(first), "OnReset") {
		t.Errorf("claimed with %v", first)
	}
	if last["HttpPushUriTargetsBusy"] != false {
		t.Errorf("the claim stays: %v", f.patches)
	}
	for _, r := range m.requests {
		if strings.HasSuffix(r, "/Monitor") {
			t.Error("the monitor was read: it forgets the task")
		}
	}
}

func TestAnUpdateServiceThatSomebodyClaimedIsLeftAlone(t *testing.T) {
	m := newMock(t, "lenovo")
	f := withUpdates(m, object{"HttpPushUri": "/push", "HttpPushUriTargetsBusy": true})
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.StartUpdate(t.Context(), file(10))
	want(t, err, fault.Conflict, "somebody else")
	if len(f.pushes) != 0 || len(f.patches) != 0 {
		t.Errorf("%d pushes, patches %v", len(f.pushes), f.patches)
	}
}

func TestARefusedPushReleasesItsClaim(t *testing.T) {
	m := newMock(t, "lenovo")
	f := withUpdates(m, object{"HttpPushUri": "/push", "HttpPushUriTargetsBusy": false})
	f.answer = func(w http.ResponseWriter, _ *http.Request) { m.refuse(w, 400, "Base.1.8.PropertyValueError") }
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.StartUpdate(t.Context(), file(10))
	want(t, err, fault.Invalid)
	if m.tree[updatePath]["HttpPushUriTargetsBusy"] != false {
		t.Error("the claim stays")
	}
}

func TestASimpleUpdateGoesDownOneRungAfterADefiniteRefusal(t *testing.T) {
	m := newMock(t, "openbmc")
	f := withUpdates(m, object{"Actions": simpleAction(object{"@Redfish.OperationApplyTimeSupport": object{"SupportedValues": []string{"Immediate"}}})})
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		if _, has := f.simples[len(f.simples)-1]["TransferProtocol"]; has {
			m.refuse(w, 400, "Base.1.8.ActionParameterUnknown")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	c := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, c, bmc.Update{Name: "x", URI: "https://192.0.2.1/once/secret"})
	if task.State != bmc.TaskDone || task.ID != "" || len(f.simples) != 2 {
		t.Errorf("%+v after %d requests", task, len(f.simples))
	}
	if f.simples[0]["TransferProtocol"] != "HTTPS" || f.simples[1]["ImageURI"] != "https://192.0.2.1/once/secret" || f.simples[1]["@Redfish.OperationApplyTime"] != "Immediate" {
		t.Errorf("sent %v", f.simples)
	}
}

func TestAOneTimeAddressIsNotToldInErrors(t *testing.T) {
	m := newMock(t, "openbmc")
	f := withUpdates(m, object{"Actions": simpleAction(nil)})
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(409)
		_, _ = w.Write([]byte(`{"error":{"code":"x","message":"cannot fetch https://192.0.2.1/once/secret now"}}`))
	}
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.StartUpdate(t.Context(), bmc.Update{Name: "x", URI: "https://192.0.2.1/once/secret"})
	want(t, err, fault.Conflict, "cannot fetch https://192.0.2.1/(hidden) now")
	m.tree[tasksPath+"/7"]["Messages"] = []object{{"Message": "failed to get https://192.0.2.1/once/secret: " + mockPassword}}
	task, err := c.Task(t.Context(), tasksPath+"/7")
	if err != nil || task.Message != "failed to get https://192.0.2.1/(hidden) (hidden)" && task.Message != "failed to get https://192.0.2.1/(hidden): (hidden)" {
		t.Errorf("%+v %v", task, err)
	}
}

func TestDellsUploadIntoTheInventoryIsAppliedAfterwards(t *testing.T) {
	m := newMock(t, "dell")
	f := withUpdates(m, object{"HttpPushUri": firmPath, "Actions": simpleAction(nil)})
	f.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == firmPath {
			w.Header().Set("Location", firmPath+"/Available-159-1.13.0")
			w.WriteHeader(http.StatusCreated)
			return
		}
		w.Header().Set("Location", tasksPath+"/7")
		w.WriteHeader(http.StatusAccepted)
	}
	tag := m.etag(firmPath)
	c := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, c, file(3000))
	if p := f.pushes[0]; p.ifMatch != tag || !slices.Equal(p.parts, []string{"file application/octet-stream"}) || len(p.body) != 3000 {
		t.Errorf("pushed %+v, want If-Match %s", p, tag)
	}
	if len(f.simples) != 1 || f.simples[0]["ImageURI"] != firmPath+"/Available-159-1.13.0" || task.ID != tasksPath+"/7" {
		t.Errorf("applied by %v, task %+v", f.simples, task)
	}
}

func TestAnILOWithoutATaskTellsByItsUpdateService(t *testing.T) {
	m := newMock(t, "hpe")
	f := withUpdates(m, object{"HttpPushUri": "/cgi-bin/uploadFile", "Actions": simpleAction(nil)})
	f.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	c := open(t, m, &Dialer{Timing: quick()})
	u := file(10)
	u.URI = "http://192.0.2.1/f"
	task := starts(t, c, u)
	if len(f.simples) != 1 || task.State != bmc.TaskRunning || task.ID != updatePath {
		t.Fatalf("%d requests, task %+v", len(f.simples), task)
	}
	for state, want := range map[string]bmc.TaskState{"Updating": bmc.TaskRunning, "Complete": bmc.TaskDone, "Error": bmc.TaskFailed, "Idle": bmc.TaskLost} {
		m.tree[updatePath]["Oem"] = object{"Hpe": object{"State": state, "FlashProgressPercent": 42}}
		if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != want {
			t.Errorf("%s: %+v %v", state, got, err)
		}
	}
}

func TestSupermicrosAnswerThatIsNoTaskLeadsToIt(t *testing.T) {
	m := newMock(t, "supermicro-x12")
	m.tree[firmPath] = object{"@odata.id": firmPath, "Members": []object{{"@odata.id": firmPath + "/BIOS"}, {"@odata.id": firmPath + "/BMC"}}}
	m.tree[firmPath+"/BIOS"] = object{"Id": "BIOS", "Version": "1.1", "Updateable": true}
	m.tree[firmPath+"/BMC"] = object{"Id": "BMC", "Version": "2.1", "Updateable": true}
	f := withUpdates(m, object{"MultipartHttpPushUri": "/push", "FirmwareInventory": object{"@odata.id": firmPath}})
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"Accepted":{"code":"Base.v1_4_0.Accepted","@Message.ExtendedInfo":[{"MessageArgs":["` + tasksPath + `/7"]}]}}`))
	}
	c := open(t, m, &Dialer{Timing: quick()})
	u := file(10)
	u.Targets = []string{"BIOS", "BMC"}
	if task := starts(t, c, u); task.ID != tasksPath+"/7" {
		t.Errorf("task %+v", task)
	}
	got := text(f.pushes[0].parameters["Targets"])
	if !strings.Contains(got, "/Bios ") || !strings.Contains(got, "/Managers/") {
		t.Errorf("targets %s", got)
	}
}

func TestOpenBMCsManagerTakesAnImageWithoutTargets(t *testing.T) {
	m := newMock(t, "openbmc")
	f := withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", m.URL+tasksPath+"/7/Monitor")
		w.WriteHeader(http.StatusAccepted)
	}
	c := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, c, file(10))
	if text(f.pushes[0].parameters["Targets"]) != "[/redfish/v1/Managers/bmc]" || task.ID != tasksPath+"/7" {
		t.Errorf("parameters %v, task %+v", f.pushes[0].parameters, task)
	}
}

func TestABMCThatTakesNoFirmwareIsInvalid(t *testing.T) {
	for name, f := range map[string]func(*mock){
		"no service": func(m *mock) { delete(m.tree["/redfish/v1"], "UpdateService") },
		"no way":     func(m *mock) { withUpdates(m, nil) },
	} {
		m := newMock(t, "dell")
		f(m)
		c := open(t, m, &Dialer{Timing: quick()})
		_, err := c.StartUpdate(t.Context(), file(10))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := newMock(t, "dell")
	withUpdates(m, object{"MultipartHttpPushUri": "/push", "ServiceEnabled": false})
	c := open(t, m, &Dialer{Timing: quick()})
	_, err := c.StartUpdate(t.Context(), file(10))
	want(t, err, fault.Conflict, "switched off")
}

func TestComponentsAreWhatRunsUnderTheNamesOfTheFacts(t *testing.T) {
	for vendor, wanted := range map[string][]string{
		"dell":    {"bios", "bmc", "NIC.Embedded.1-1-1"},
		"openbmc": {"bmc", "bios", "cpld0"},
		"lenovo":  {"bios", "bmc", "Slot_1.Bundle"},
	} {
		m := newMock(t, vendor)
		c := open(t, m, &Dialer{Timing: quick()})
		all, err := c.Components(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		facts, err := c.Facts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range facts.Versions {
			at := slices.IndexFunc(all, func(c bmc.Component) bool { return c.Name == v.Component })
			if at < 0 || all[at].Version != v.Version {
				t.Errorf("%s: facts have %+v, components %+v", vendor, v, all)
			}
		}
		for _, name := range wanted {
			if at := slices.IndexFunc(all, func(c bmc.Component) bool { return c.Name == name }); at < 0 || all[at].ID == "" {
				t.Errorf("%s: no %s with an id in %+v", vendor, name, all)
			}
		}
	}
}
