package redfish

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// taskReads is how often a task that is not there is looked for: a Dell job answers 404
// for a moment after it was made (sushy, release note fix-dell-bmc-404).
const taskReads = 4

// task is what we use of the Task schema, and of the Job schema where a BMC names a job.
type task struct {
	resource
	TaskState, JobState   string
	TaskStatus, JobStatus string
	PercentComplete       *float64
	Messages              []taskMessage
	Message               string // of Dell's jobs
}

// taskMessage is a Message object of DSP0266 9.5.11.
type taskMessage struct{ MessageID, Message, Severity, MessageSeverity string }

// Task reads how far a task is. One that the BMC does not know any more is TaskLost: it
// restarted, or forgot it. The id is the URI that StartUpdate gave.
func (c *Controller) Task(ctx context.Context, id string) (bmc.Task, error) {
	uri := pathOf(id)
	if uri == "" {
		return bmc.Task{}, fault.Invalidf("task %.80q is not one of BMC %s", id, c.access.Address).
			WithHint("give the id that the update was started with")
	}
	if c.traits.updateState && sameURI(uri, c.root.Updates.URI) {
		return c.updateProgress(ctx, uri)
	}
	var err error
	for attempt := range taskReads {
		if attempt > 0 {
			if err := c.pause(ctx, jitter(c.timing.PollMax)); err != nil {
				return bmc.Task{}, c.explain("read a task", err)
			}
		}
		var t bmc.Task
		if t, err = c.readTask(ctx, uri); err == nil {
			return t, nil
		}
		if !gone(err) {
			return bmc.Task{}, c.explain("read a task", err)
		}
	}
	return bmc.Task{ID: id, State: bmc.TaskLost, Message: "the BMC does not know the task"}, nil
}

// readTask reads a Task, a Job or a task monitor. A monitor answers 202 while the task
// runs and then, once, what the request itself would have answered (DSP0266 12.2).
func (c *Controller) readTask(ctx context.Context, uri string) (bmc.Task, error) {
	a, err := answerOf(c.under(ctx).Get(uri))
	if err != nil {
		return bmc.Task{}, err
	}
	t := &task{}
	if len(a.body) > 0 {
		if t, err = parse[task](a.body, uri, ""); err != nil {
			return bmc.Task{}, err
		}
	}
	out := bmc.Task{ID: uri, State: t.state(), Percent: t.percent(), Message: c.said(t.says())}
	switch {
	case t.TaskState != "" || t.JobState != "":
	case a.status == http.StatusAccepted:
		out.State = bmc.TaskRunning
	default:
		out.State = bmc.TaskDone
	}
	if out.State == bmc.TaskDone {
		out.Percent = 100
	}
	return out, nil
}

// state maps TaskState and JobState. A state that nobody knows is one in which it may
// still go on.
func (t *task) state() bmc.TaskState {
	switch state := first(t.TaskState, t.JobState); state {
	case "Completed":
		if t.TaskStatus == string(schemas.CriticalHealth) || t.JobState == "CompletedWithErrors" {
			return bmc.TaskFailed
		}
		return bmc.TaskDone
	case "Exception", "Killed", "Cancelled", "Failed", "CompletedWithErrors", "Invalid", "UserIntervention":
		return bmc.TaskFailed
	case "Pending", "Scheduled":
		return bmc.TaskWaiting
	case "New", "Starting": // Dell: scheduled for the next start
		if slices.ContainsFunc(t.Messages, func(m taskMessage) bool { return strings.HasSuffix(m.MessageID, "JCP001") }) {
			return bmc.TaskWaiting
		}
	}
	return bmc.TaskRunning
}

func (t *task) percent() int {
	if t.PercentComplete == nil || !(*t.PercentComplete > 0) {
		return 0
	}
	return int(min(*t.PercentComplete, 100))
}

// says is the worst message, of equals the last.
func (t *task) says() string {
	best, worst := t.Message, -1
	for _, m := range t.Messages {
		text := first(m.Message, m.MessageID)
		rank := slices.Index([]bmc.Health{"", bmc.OK, bmc.Warning, bmc.Critical}, healthOf(first(m.MessageSeverity, m.Severity)))
		if text != "" && max(rank, 1) >= worst {
			best, worst = text, max(rank, 1)
		}
	}
	return best
}

// taskOf finds the task that an answer tells of: a Task as the body, a Location that leads
// to it or to its monitor, or a message that names it (Supermicro answers with a message
// instead of a Task: bmclib, internal/redfishwrapper/firmware.go). Empty when there is none.
func taskOf(header http.Header, text []byte) (uri string) {
	var in struct {
		URI  string `json:"@odata.id"`
		Type string `json:"@odata.type"`
	}
	_ = json.Unmarshal(text, &in) // no body, no task in it
	if path := pathOf(in.URI); path != "" && (strings.Contains(in.Type, "Task") || strings.Contains(in.Type, "Job") || isTask(path)) {
		return path
	}
	if path := pathOf(header.Get("Location")); path != "" {
		return taskOfMonitor(path)
	}
	return taskOfMonitor(taskNamed(text))
}

func isTask(path string) bool {
	return strings.Contains(path, "/TaskService/") || strings.Contains(path, "/Jobs/") || strings.Contains(path, "/TaskMonitors/")
}

// taskOfMonitor is the Task of OpenBMC's /Tasks/N/Monitor; other monitors do not tell theirs.
func taskOfMonitor(path string) string {
	if cut, ok := strings.CutSuffix(strings.TrimRight(path, "/"), "/Monitor"); ok && strings.Contains(cut, "/Tasks/") {
		return cut
	}
	return path
}

// taskNamed finds the first string in a JSON text that is a task's URI.
func taskNamed(text []byte) string {
	d := json.NewDecoder(strings.NewReader(string(text)))
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if s, ok := token.(string); ok && strings.HasPrefix(s, "/") && isTask(s) {
			return pathOf(s)
		}
	}
}

// follow is the task of an answer, as far as it is told at once: running, done where the
// BMC did it all before it answered, lost where it promises something and names nothing.
// The task of a monitor is looked for, since reading some monitors deletes it.
func (c *Controller) follow(ctx context.Context, a answer) bmc.Task {
	uri := a.task()
	accepted := a.status == http.StatusAccepted
	switch {
	case uri != "":
		uri = c.behind(ctx, uri)
	case accepted && c.traits.updateState:
		uri = c.root.Updates.URI
	case accepted:
		return bmc.Task{State: bmc.TaskLost, Message: "the BMC took it and names no task"}
	default:
		return bmc.Task{State: bmc.TaskDone, Percent: 100}
	}
	if t, err := c.readTask(ctx, uri); err == nil && uri != c.root.Updates.URI {
		return t
	}
	return bmc.Task{ID: uri, State: bmc.TaskRunning}
}

// behind is the Task of a monitor whose path ends in the Task's id (/TaskMonitors/N), or
// the monitor itself.
func (c *Controller) behind(ctx context.Context, uri string) string {
	at := strings.LastIndex(uri, "/TaskMonitors/")
	if at < 0 {
		return uri
	}
	tasks := strings.TrimSuffix(uri[:at], "/Tasks") + "/Tasks/" + uri[at+len("/TaskMonitors/"):]
	if _, err := c.readTask(ctx, tasks); err != nil && !c.traits.monitorForgets {
		return uri
	}
	return tasks
}

// failed says that the task a BMC made of a change came to nothing. A task that cannot be
// read says nothing.
func (c *Controller) failed(ctx context.Context, uri string) error {
	t := c.taskAt(ctx, uri)
	if t == nil || t.state() != bmc.TaskFailed {
		return nil
	}
	why := c.said(t.says())
	if why != "" {
		why = ": " + why
	}
	return fault.Conflictf("BMC %s: its task for the change ended as %s%s", c.access.Address, first(t.TaskState, t.JobState), why).
		WithHint("look at the BMC's own event log")
}

// staged reports whether the task stands in the BMC's queue until the machine's next reset.
func (c *Controller) staged(ctx context.Context, uri string) bool {
	t := c.taskAt(ctx, uri)
	return t != nil && t.state() == bmc.TaskWaiting
}

// taskAt reads a task; nil for none and for one that cannot be read.
func (c *Controller) taskAt(ctx context.Context, uri string) *task {
	if uri == "" || c.traits.monitorForgets && !strings.Contains(uri, "/Tasks/") {
		return nil
	}
	t, _ := get[task](c.under(ctx), uri) // nil beside an error
	return t
}
