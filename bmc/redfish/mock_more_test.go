package redfish

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
)

// more answers for virtual media, BIOS settings, Secure Boot and the manager, as far as
// the tree has them.
func (m *mock) more(w http.ResponseWriter, r *http.Request, uri string) bool {
	if r.Method == http.MethodGet {
		m.ripen(uri)
		return false
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	in := object{}
	_ = json.Unmarshal(body, &in)
	m.sent = append(m.sent, in)
	switch {
	case r.Method == http.MethodPost && m.Jobs != "" && uri == m.Jobs:
		m.makeJob(w)
	case r.Method == http.MethodPost:
		return m.action(w, uri, in, len(body) > 0)
	case r.Method == http.MethodPatch && m.kind(uri) == "VirtualMedia":
		m.patchDrive(w, r, uri, in)
	case r.Method == http.MethodPatch && (in["Attributes"] != nil || in["SecureBootEnable"] != nil):
		m.patchAny(w, r, uri, in)
	default:
		return false
	}
	return true
}

// kind is the schema of a resource.
func (m *mock) kind(uri string) string {
	kind, _ := m.tree[uri]["@odata.type"].(string)
	_, kind, _ = strings.Cut(kind, "#")
	kind, _, _ = strings.Cut(kind, ".")
	return kind
}

// action runs a POST on an action that some resource of the tree has.
func (m *mock) action(w http.ResponseWriter, target string, in object, hasBody bool) bool {
	for uri, resource := range m.tree {
		actions, _ := resource["Actions"].(object)
		for name, a := range actions {
			if a, _ := a.(object); a["target"] != target {
				continue
			}
			switch name {
			case "#VirtualMedia.InsertMedia":
				m.insert(w, uri, in)
			case "#VirtualMedia.EjectMedia":
				m.ejectFrom(w, uri, hasBody)
			case "#Manager.Reset":
				if !m.deaf {
					clear(m.tokens)
					m.away = 2 * (maxReadRetries + 1)
				}
				w.WriteHeader(http.StatusNoContent)
			case "#SecureBoot.ResetKeys":
				if !m.deaf && in["ResetKeysType"] != "ResetAllKeysToDefault" {
					resource["SecureBootMode"] = "SetupMode"
				}
				w.WriteHeader(http.StatusNoContent)
			default:
				return false
			}
			return true
		}
	}
	return false
}

func (m *mock) refuseParameter(w http.ResponseWriter, id, name string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(object{"error": object{"code": "Base.1.8.GeneralError", "message": "see extended information",
		"@Message.ExtendedInfo": []object{{"MessageId": "Base.1.8." + id, "Message": id + ": the parameter " + name}}}})
}

func (m *mock) insert(w http.ResponseWriter, uri string, in object) {
	for _, name := range m.MediaRefuses {
		if _, given := in[name]; given {
			m.refuseParameter(w, "ActionParameterUnknown", name)
			return
		}
	}
	for _, name := range m.MediaNeeds {
		if _, given := in[name]; !given {
			m.refuseParameter(w, "ActionParameterMissing", name)
			return
		}
	}
	if m.tree[uri]["Inserted"] == true {
		m.refuse(w, http.StatusBadRequest, "Base.1.8.PropertyValueConflict")
		return
	}
	m.later(func() { m.load(uri, in["Image"]) })
	w.WriteHeader(http.StatusNoContent)
}

func (m *mock) ejectFrom(w http.ResponseWriter, uri string, hasBody bool) {
	if m.MediaBody && !hasBody {
		m.refuse(w, http.StatusUnsupportedMediaType, "iLO.2.8.UnsupportedMediaType")
		return
	}
	m.later(func() { m.load(uri, nil) })
	w.WriteHeader(http.StatusNoContent)
}

func (m *mock) patchDrive(w http.ResponseWriter, r *http.Request, uri string, in object) {
	switch image := in["Image"]; {
	case !m.tagFits(r, uri):
		m.refuseTag(w, r)
	case m.tree[uri]["Actions"] != nil:
		m.refuse(w, http.StatusMethodNotAllowed, "Base.1.8.OperationNotAllowed")
	default:
		if image == nil || in["Inserted"] == true { // XCC does not attach what is not said to be inserted
			m.later(func() { m.load(uri, image) })
		}
		w.WriteHeader(http.StatusOK)
	}
}

func (m *mock) load(uri string, image any) {
	d := m.tree[uri]
	d["Image"], d["Inserted"], d["ConnectedVia"] = image, image != nil, "URI"
	if image == nil {
		d["ConnectedVia"] = "NotConnected"
	}
}

// later does something to a drive at once, after some reads, or never.
func (m *mock) later(f func()) {
	switch {
	case m.deaf:
	case m.slow > 0:
		m.show = f
	default:
		f()
	}
}

func (m *mock) ripen(uri string) {
	if m.show == nil || m.kind(uri) != "VirtualMedia" {
		return
	}
	if m.slow--; m.slow == 0 {
		m.show()
		m.show = nil
	}
}

// refuseTag is 412, or 428 where a tag is required and none was sent.
func (m *mock) refuseTag(w http.ResponseWriter, r *http.Request) {
	if m.ETag == "required" && r.Header.Get("If-Match") == "" {
		m.refuse(w, http.StatusPreconditionRequired, "Ami.1.0.PreconditionHeaderMissing")
		return
	}
	m.refuse(w, http.StatusPreconditionFailed, "Base.1.8.PreconditionFailed")
}

// patchAny writes attributes or a property of the resource. A Bios resource with Settings
// takes none itself.
func (m *mock) patchAny(w http.ResponseWriter, r *http.Request, uri string, in object) {
	o := m.tree[uri]
	_, staged := o["@Redfish.Settings"]
	switch {
	case o == nil, staged:
		m.refuse(w, http.StatusMethodNotAllowed, "Base.1.8.PropertyNotWritable")
		return
	case !m.tagFits(r, uri):
		m.refuseTag(w, r)
		return
	case m.job && m.Jobs != "" && m.kind(uri) == "Bios":
		m.refuse(w, http.StatusBadRequest, "IDRAC.2.8.SYS428")
		return
	}
	if given, ok := in["Attributes"].(object); ok && !m.deaf {
		all, _ := o["Attributes"].(object)
		all = maps.Clone(all)
		if all == nil {
			all = object{}
		}
		maps.Copy(all, given)
		o["Attributes"] = all
	}
	if on, ok := in["SecureBootEnable"]; ok && !m.deaf {
		o["SecureBootEnable"] = on
	}
	if m.Jobs != "" && in["@Redfish.SettingsApplyTime"] != nil {
		m.makeJob(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (m *mock) makeJob(w http.ResponseWriter) {
	if m.job {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"code":"Base.1.8.GeneralError","message":"Pending configuration values are already committed, unable to perform another set operation."}}`)
		return
	}
	m.job = true
	m.tree[m.Jobs+"/JID_7"] = object{"@odata.id": m.Jobs + "/JID_7", "Id": "JID_7", "JobState": "Scheduled", "Message": "Task successfully scheduled."}
	w.Header().Set("Location", m.Jobs+"/JID_7")
	w.WriteHeader(http.StatusOK)
}

// applyStaged is what the firmware does at a start.
func (m *mock) applyStaged() {
	for uri, now := range m.tree {
		settings, _ := now["@Redfish.Settings"].(object)
		pending, _ := settings["SettingsObject"].(object)
		at, _ := pending["@odata.id"].(string)
		later := m.tree[strings.TrimSuffix(at, "/")]
		if later == nil || m.kind(uri) != "Bios" || m.Jobs != "" && !m.job {
			continue
		}
		given, _ := later["Attributes"].(object)
		all := maps.Clone(now["Attributes"].(object))
		maps.Copy(all, given)
		now["Attributes"] = all
		if m.Jobs != "" {
			m.job, later["Attributes"] = false, object{}
		}
	}
	for uri, o := range m.tree {
		if m.kind(uri) == "SecureBoot" {
			o["SecureBootCurrentBoot"] = map[any]string{true: "Enabled", false: "Disabled"}[o["SecureBootEnable"]]
		}
		if a, ok := o["Attributes"].(object); ok && a["ServerBoot.1.BootOnce"] == "Enabled" {
			a = maps.Clone(a)
			a["ServerBoot.1.FirstBootDevice"] = "Normal"
			o["Attributes"] = a
		}
	}
}

// Medium is what is in the drives.
func (m *mock) Medium() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := ""
	for uri, o := range m.tree {
		if image, ok := o["Image"].(string); ok && m.kind(uri) == "VirtualMedia" {
			out += image
		}
	}
	return out
}
