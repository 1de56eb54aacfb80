package redfish

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	tasksPath    = "/redfish/v1/TaskService/Tasks"
	monitorsPath = "/redfish/v1/TaskService/TaskMonitors"
)

// maxTasks is how many tasks are remembered; finished ones give way.
const maxTasks = 32

// States of a task (Redfish Task.TaskState).
const (
	taskRunning = "Running"
	taskPending = "Pending" // for a reset
	taskDone    = "Completed"
	taskFailed  = "Exception"
)

// task is work that outlasts its request.
type task struct {
	id, name       string
	state          string
	percent        int
	waits          string // component whose reset ends it
	started, ended time.Time
	messages       []happening
}

func (t task) finished() bool { return t.state == taskDone || t.state == taskFailed }

// tasks are the BMC's. Safe for concurrent use.
type tasks struct {
	now  func() time.Time
	mu   sync.Mutex
	next int
	all  []*task
}

// start makes a running task; false when too many run.
func (ts *tasks) start(name string) (task, bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for i := 0; i < len(ts.all) && len(ts.all) >= maxTasks; i++ {
		if ts.all[i].finished() {
			ts.all = append(ts.all[:i], ts.all[i+1:]...)
			break
		}
	}
	if len(ts.all) >= maxTasks {
		return task{}, false
	}
	ts.next++
	t := &task{id: strconv.Itoa(ts.next), name: name, state: taskRunning, started: ts.now()}
	ts.all = append(ts.all, t)
	return *t, true
}

// change changes a task; one that is finished stays as it is.
func (ts *tasks) change(id string, f func(*task)) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.all {
		if t.id == id && !t.finished() {
			ts.do(t, f)
		}
	}
}

// reset finishes the tasks that waited for the component's reset.
func (ts *tasks) reset(component string, f func(*task)) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.all {
		if t.state == taskPending && t.waits == component {
			ts.do(t, f)
		}
	}
}

func (ts *tasks) do(t *task, f func(*task)) {
	f(t)
	if t.finished() {
		t.ended = ts.now()
	}
	if t.state == taskDone {
		t.percent = 100
	}
}

func (ts *tasks) list() []task {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	var all []task
	for _, t := range ts.all {
		all = append(all, *t)
	}
	return all
}

func (ts *tasks) byID(id string) (task, bool) {
	for _, t := range ts.list() {
		if t.id == id {
			return t, true
		}
	}
	return task{}, false
}

// forget is what a restart of the BMC does. Numbers go on, so that an old task's address
// does not name a new one.
func (ts *tasks) forget() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.all = nil
}

func (s *Service) routeTasks() {
	const path = "/redfish/v1/TaskService"
	s.get(path, func() body {
		b := resource(path, "TaskService.v1_2_1.TaskService", "Task Service")
		b["ServiceEnabled"], b["Status"], b["Tasks"] = true, status(true), link(tasksPath)
		b["DateTime"], b["CompletedTaskOverWritePolicy"] = s.now().UTC().Format(time.RFC3339), "Oldest"
		return b
	})
	s.collection(tasksPath, "TaskCollection", "Tasks", func() []body {
		var all []body
		for _, t := range s.tasks.list() {
			all = append(all, taskBody(t))
		}
		return all
	})
	s.mux.HandleFunc("GET "+monitorsPath+"/{id}", s.monitor)
}

func taskBody(t task) body {
	b := resource(tasksPath+"/"+t.id, "Task.v1_7_3.Task", t.name)
	b["TaskState"], b["TaskStatus"], b["PercentComplete"] = t.state, fine, t.percent
	if t.state == taskFailed {
		b["TaskStatus"] = critical
	}
	b["StartTime"], b["HidePayload"] = t.started.UTC().Format(time.RFC3339), true
	if !t.ended.IsZero() {
		b["EndTime"] = t.ended.UTC().Format(time.RFC3339)
	} else {
		b["TaskMonitor"] = monitorsPath + "/" + t.id
	}
	messages := []body{}
	for _, h := range t.messages {
		m := h.message()
		m["@odata.type"] = "#Message.v1_2_0.Message"
		messages = append(messages, m)
	}
	b["Messages"] = messages
	return b
}

// accepted answers with a task (DSP0266 12.2).
func accepted(w http.ResponseWriter, t task) {
	w.Header().Set("Location", monitorsPath+"/"+t.id)
	w.Header().Set("Retry-After", "1")
	writeJSON(w, http.StatusAccepted, taskBody(t))
}

// monitor answers 202 until the task is finished, then as the request would have been.
func (s *Service) monitor(w http.ResponseWriter, r *http.Request) {
	t, known := s.tasks.byID(r.PathValue("id"))
	switch {
	case !known:
		refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
	case !t.finished():
		accepted(w, t)
	case t.state == taskFailed:
		p := refuse(http.StatusBadRequest, msgGeneralError)
		if n := len(t.messages); n > 0 {
			p.detail = t.messages[n-1].text()
		}
		p.write(w)
	default:
		writeJSON(w, http.StatusOK, taskBody(t))
	}
}
