package redfish

import (
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"rackwright/bmc"
)

const (
	updatePath = "/redfish/v1/UpdateService"
	firmPath   = updatePath + "/FirmwareInventory"
	simplePath = updatePath + "/Actions/UpdateService.SimpleUpdate"
	tasksPath  = "/redfish/v1/TaskService/Tasks"
)

// pushed is one push that the mock took.
type pushed struct {
	path, kind string
	length     int64
	ifMatch    string
	parts      []string // names in the order they came
	parameters object
	file, body string
}

// forge is the update service of a mock.
type forge struct {
	*mock
	answer  func(http.ResponseWriter, *http.Request) // of a push or SimpleUpdate; nil: 202 with the task
	pushes  []pushed
	simples []object
	patches []object
}

// withUpdates gives a mock an update service with properties beside the inventory it has.
func withUpdates(m *mock, properties object) *forge {
	f := &forge{mock: m}
	m.tree["/redfish/v1"]["UpdateService"] = object{"@odata.id": updatePath}
	if m.tree[updatePath] == nil {
		m.tree[updatePath] = object{"@odata.id": updatePath, "Id": "UpdateService"}
	}
	for k, v := range properties {
		m.tree[updatePath][k] = v
	}
	m.tree[tasksPath+"/7"] = object{"@odata.id": tasksPath + "/7", "@odata.type": "#Task.v1_5_0.Task", "Id": "7",
		"TaskState": "Running", "PercentComplete": 10}
	m.fault = f.handle
	return f
}

func simpleAction(properties object) object {
	action := object{"target": simplePath}
	for k, v := range properties {
		action[k] = v
	}
	return object{"#UpdateService.SimpleUpdate": action}
}

func (f *forge) handle(w http.ResponseWriter, r *http.Request) bool {
	if !f.knows(r) {
		return false
	}
	switch {
	case r.Method == http.MethodPatch && r.URL.Path == updatePath:
		in := object{}
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.patches = append(f.patches, in)
		for k, v := range in {
			f.tree[updatePath][k] = v
		}
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && r.URL.Path == simplePath:
		in := object{}
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.simples = append(f.simples, in)
		f.reply(w, r)
	case r.Method == http.MethodPost && (r.URL.Path == "/push" || r.URL.Path == firmPath):
		f.pushes = append(f.pushes, take(r))
		f.reply(w, r)
	default:
		return false
	}
	return true
}

func (f *forge) reply(w http.ResponseWriter, r *http.Request) {
	if f.answer != nil {
		f.answer(w, r)
		return
	}
	w.Header().Set("Location", tasksPath+"/7/Monitor")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(f.tree[tasksPath+"/7"])
}

// take reads what was pushed.
func take(r *http.Request) pushed {
	p := pushed{path: r.URL.Path, kind: r.Header.Get("Content-Type"), length: r.ContentLength, ifMatch: r.Header.Get("If-Match")}
	form, err := r.MultipartReader()
	if err != nil {
		text, _ := io.ReadAll(r.Body)
		p.body = string(text)
		return p
	}
	for {
		next, err := form.NextPart()
		if err != nil {
			return p
		}
		p.note(next)
	}
}

func (p *pushed) note(part *multipart.Part) {
	p.parts = append(p.parts, part.FormName()+" "+part.Header.Get("Content-Type"))
	text, _ := io.ReadAll(part)
	if part.FileName() != "" {
		p.file, p.body = part.FileName(), string(text)
		return
	}
	_ = json.Unmarshal(text, &p.parameters)
}

// file is an update of so many bytes.
func file(size int) bmc.Update {
	text := strings.Repeat("firmware", size/8+1)[:size]
	return bmc.Update{Name: "bios.bin", Size: int64(size), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// starts hands a file over and fails the test when it is not taken.
func starts(t *testing.T, c *Controller, u bmc.Update) bmc.Task {
	t.Helper()
	task, err := c.StartUpdate(t.Context(), u)
	if err != nil {
		t.Fatalf("StartUpdate: %v", err)
	}
	return task
}

func text(v any) string { return fmt.Sprint(v) }
