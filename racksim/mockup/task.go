package mockup

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxTasks is how many tasks are kept; the oldest goes first.
const maxTasks = 64

// newTask makes a task that ends after d and then does done; without d it waits for
// somebody to finish it.
func (b *BMC) newTask(name string, d time.Duration, done func()) string {
	id := b.next(b.services.tasks)
	if b.habits.taskID != "" {
		n, _ := strconv.Atoi(id)
		id = fmt.Sprintf(b.habits.taskID, n)
	}
	state := "Running"
	if d == 0 && done == nil {
		state = "Pending"
	}
	if old := members(b.get(b.services.tasks), "Members"); len(old) >= maxTasks {
		b.remove(old[0])
	}
	uri := b.add(b.services.tasks, id, body{
		"@odata.type": "#Task.v1_7_4.Task", "Name": name, "TaskState": state, "TaskStatus": "OK", "PercentComplete": number(0),
		"StartTime": b.clock().Format(time.RFC3339), "Messages": []any{}, "TaskMonitor": b.monitorURI(b.services.tasks + "/" + id),
	})
	if b.habits.freshTask > 0 {
		b.fresh[uri] = b.habits.freshTask
	}
	if state == "Running" {
		b.in(d/2, uri, func() { b.edit(uri)["PercentComplete"] = number(50) })
		b.in(d, uri, func() {
			b.finish(uri, "Completed", "The task has completed successfully.")
			if done != nil {
				done()
			}
		})
	}
	return uri
}

// finish ends a task that is still there.
func (b *BMC) finish(uri, state, says string) {
	if b.get(uri) == nil {
		return
	}
	t := b.edit(uri)
	status, id := "OK", registry+"Success"
	if state != "Completed" {
		status, id = "Critical", registry+"OperationFailed"
	}
	t["TaskState"], t["TaskStatus"], t["EndTime"] = state, status, b.clock().Format(time.RFC3339)
	if state == "Completed" {
		t["PercentComplete"] = number(100)
	}
	t["Messages"] = []any{body{"MessageId": id, "Message": says, "Severity": status, "MessageSeverity": status}}
}

func ended(t body) bool {
	switch textAt(t, "TaskState") {
	case "Completed", "Exception", "Killed", "Cancelled":
		return true
	}
	return false
}

// monitorURI is where a task is waited for (DSP0266 11.2).
func (b *BMC) monitorURI(task string) string {
	if b.habits.monitorBelow {
		return task + "/Monitor"
	}
	_, id, _ := cutLast(task)
	parent, _, _ := cutLast(b.services.tasks)
	return parent + "/TaskMonitors/" + id
}

// monitor answers a GET of a task's monitor: 202 while the task runs.
func (b *BMC) monitor(uri string) (reply, bool) {
	task, isMonitor := strings.CutSuffix(uri, "/Monitor")
	if !b.habits.monitorBelow {
		parent, _, _ := cutLast(b.services.tasks)
		var id string
		if id, isMonitor = strings.CutPrefix(uri, parent+"/TaskMonitors/"); isMonitor {
			task = b.services.tasks + "/" + id
		}
	}
	t := b.get(task)
	switch {
	case !isMonitor || !below(task, b.services.tasks):
		return reply{}, false
	case t == nil:
		return missing(uri).reply(), true
	case !ended(t):
		out := reply{status: http.StatusAccepted, body: t}
		out.set("Location", uri)
		return out, true
	}
	if b.habits.monitorForgets {
		b.remove(task)
	}
	return reply{status: http.StatusOK, body: t}, true
}

// accepted is 202 with a task (DSP0266 11.2).
func (b *BMC) accepted(task string) reply {
	location := b.monitorURI(task)
	if b.habits.locationIsTask {
		location = task
	}
	out := reply{status: http.StatusAccepted, body: clone(b.get(task)).(body)}
	out.set("Location", location)
	return out
}
