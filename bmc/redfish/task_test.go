package redfish

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/fault"
)

func TestTaskStatesAreFive(t *testing.T) {
	m := newMock(t, "dell")
	withUpdates(m, nil)
	c := open(t, m, &Dialer{Timing: quick()})
	for _, row := range []struct {
		task object
		want bmc.Task
	}{
		{object{"TaskState": "New"}, bmc.Task{State: bmc.TaskRunning}},
		{object{"TaskState": "Starting", "PercentComplete": -3}, bmc.Task{State: bmc.TaskRunning}},
		{object{"TaskState": "Starting", "Messages": []object{{"MessageId": "IDRAC.2.8.JCP001", "Message": "Task successfully scheduled."}}}, bmc.Task{State: bmc.TaskWaiting, Message: "Task successfully scheduled."}},
		{object{"TaskState": "Running", "PercentComplete": 41.7}, bmc.Task{State: bmc.TaskRunning, Percent: 41}},
		{object{"TaskState": "Suspended"}, bmc.Task{State: bmc.TaskRunning}},
		{object{"TaskState": "Interrupted"}, bmc.Task{State: bmc.TaskRunning}},
		{object{"TaskState": "Pending"}, bmc.Task{State: bmc.TaskWaiting}},
		{object{"TaskState": "Stopping"}, bmc.Task{State: bmc.TaskRunning}},
		{object{"TaskState": "Cancelling"}, bmc.Task{State: bmc.TaskRunning}},
		{object{"TaskState": "SomethingNew", "PercentComplete": 900}, bmc.Task{State: bmc.TaskRunning, Percent: 100}},
		{object{"TaskState": "Completed", "TaskStatus": "OK"}, bmc.Task{State: bmc.TaskDone, Percent: 100}},
		{object{"TaskState": "Completed", "TaskStatus": "Warning"}, bmc.Task{State: bmc.TaskDone, Percent: 100}},
		{object{"TaskState": "Completed", "TaskStatus": "Critical"}, bmc.Task{State: bmc.TaskFailed}},
		{object{"TaskState": "Exception", "PercentComplete": "odd"}, bmc.Task{State: bmc.TaskFailed}},
		{object{"TaskState": "Killed"}, bmc.Task{State: bmc.TaskFailed}},
		{object{"TaskState": "Cancelled"}, bmc.Task{State: bmc.TaskFailed}},
		{object{"JobState": "Scheduled", "Message": "Job\nscheduled\x00 successfully."}, bmc.Task{State: bmc.TaskWaiting, Message: "Job scheduled successfully."}},
		{object{"JobState": "CompletedWithErrors"}, bmc.Task{State: bmc.TaskFailed}},
		{object{"TaskState": "Exception", "Messages": []object{{"Message": "bad signature", "Severity": "Critical"}, {"Message": "the update ended", "Severity": "OK"}}}, bmc.Task{State: bmc.TaskFailed, Message: "bad signature"}},
		{object{"TaskState": "Running", "Messages": []object{{"Message": "first"}, {"MessageId": "Update.1.0.Verifying"}}}, bmc.Task{State: bmc.TaskRunning, Message: "Update.1.0.Verifying"}},
	} {
		m.with(func() { m.tree[tasksPath+"/7"] = row.task })
		row.want.ID = tasksPath + "/7"
		if got, err := c.Task(t.Context(), tasksPath+"/7"); err != nil || got != row.want {
			t.Errorf("%v is %+v (%v), want %+v", row.task, got, err, row.want)
		}
	}
}

func TestATaskIsReadFromAnotherSession(t *testing.T) {
	m := newMock(t, "dell")
	withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	first := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, first, file(10))
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() { m.tree[tasksPath+"/7"]["TaskState"] = "Completed" })
	if got, err := open(t, m, &Dialer{Timing: quick()}).Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskDone {
		t.Errorf("%+v %v", got, err)
	}
}

func TestATaskThatNeverEndsStaysRunningAndEachLookEnds(t *testing.T) {
	m := newMock(t, "dell")
	withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	c := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, c, file(10))
	for range 5 {
		if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskRunning {
			t.Fatalf("%+v %v", got, err)
		}
	}
}

func TestATaskThatVanishesIsLostAndOneThatIsNotThereYetIsFound(t *testing.T) {
	m := newMock(t, "dell")
	withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	c := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, c, file(10))
	m.with(func() { m.fault = times(taskReads-1, says("GET", tasksPath, 404, "{}")) })
	if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskRunning {
		t.Errorf("a moment after it was made: %+v %v", got, err)
	}
	m.with(func() { delete(m.tree, tasksPath+"/7") })
	if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskLost || got.ID != task.ID || got.Message == "" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestABMCThatRestartsDuringAnUpdateLosesTheTaskAndNotTheCaller(t *testing.T) {
	m := newMock(t, "openbmc")
	withUpdates(m, object{"MultipartHttpPushUri": "/push"})
	c := open(t, m, &Dialer{Timing: quick()})
	task := starts(t, c, file(10))
	m.with(func() {
		clear(m.tokens)
		delete(m.tree, tasksPath+"/7")
		m.fault = times(2, says("GET", tasksPath, 503, `{"error":{"code":"Base.1.8.ServiceTemporarilyUnavailable","message":"starting"}}`))
	})
	if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskLost {
		t.Errorf("%+v %v", got, err)
	}
}

func TestATaskThatCannotBeReadIsAnErrorAndNotLost(t *testing.T) {
	m := newMock(t, "dell")
	withUpdates(m, nil)
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { m.fault = says("GET", tasksPath, 500, "oops") })
	_, err := c.Task(t.Context(), tasksPath+"/7")
	want(t, err, fault.Unreachable)
	for _, id := range []string{"", "7", "https://", "//elsewhere/x"} {
		if _, err := c.Task(t.Context(), id); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestTheTaskOfAnAnswer(t *testing.T) {
	for _, row := range []struct{ name, location, body, want string }{
		{"a task", "", `{"@odata.id":"/redfish/v1/TaskService/Tasks/1","@odata.type":"#Task.v1_5_0.Task"}`, "/redfish/v1/TaskService/Tasks/1"},
		{"a task and its monitor", "/redfish/v1/TaskService/TaskMonitors/x", `{"@odata.id":"/redfish/v1/TaskService/Tasks/1"}`, "/redfish/v1/TaskService/Tasks/1"},
		{"OpenBMC", "/redfish/v1/TaskService/Tasks/3/Monitor", "", "/redfish/v1/TaskService/Tasks/3"},
		{"Dell", "/redfish/v1/TaskService/Tasks/JID_1", "", "/redfish/v1/TaskService/Tasks/JID_1"},
		{"a full URL", "https://bmc/redfish/v1/TaskService/Tasks/JID_1", "", "/redfish/v1/TaskService/Tasks/JID_1"},
		{"Supermicro", "", `{"Accepted":{"@Message.ExtendedInfo":[{"MessageArgs":["x","/redfish/v1/TaskService/Tasks/4"]}]}}`, "/redfish/v1/TaskService/Tasks/4"},
		{"nothing", "", `{"error":{"code":"Base.1.8.Success"}}`, ""},
		{"no JSON", "", "<html>/TaskService/", ""},
		{"elsewhere", "//evil/redfish/v1/TaskService/Tasks/1", "", ""},
	} {
		header := http.Header{}
		header.Set("Location", row.location)
		if got := taskOf(header, []byte(row.body)); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func FuzzTheTaskOfAnAnswer(f *testing.F) {
	f.Add("/redfish/v1/TaskService/Tasks/3/Monitor", `{"@odata.id":"/x"}`)
	f.Add("", `{"a":["/redfish/v1/TaskService/Tasks/4"]}`)
	f.Fuzz(func(t *testing.T, location, body string) {
		uri := taskOf(http.Header{"Location": {location}}, []byte(body))
		if uri != "" && (!strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, "//")) {
			t.Errorf("%q", uri)
		}
		var task task
		_ = lenient(json.Unmarshal([]byte(body), &task))
		if p := task.percent(); p < 0 || p > 100 {
			t.Errorf("%d %%", p)
		}
		if said := withoutPaths(body); len(said) > len(body)+len("(hidden)")*strings.Count(body, "://") {
			t.Errorf("%q from %q", said, body)
		}
	})
}
