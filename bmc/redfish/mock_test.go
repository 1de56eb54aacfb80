package redfish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"rackwright/inventory"
)

const (
	mockUser     = "root"
	mockPassword = "s3cret-of-the-mock"
)

// shape is mock.json of a tree: how the vendor's BMC behaves.
type shape struct {
	System      string // the machine
	Settings    string // overrides are taken here only
	Sessions    string // "" works, "none" no service, "full" every one in use
	FullStatus  int    // status of a full table
	FullMessage string
	LoginStatus int    // of a wrong password
	LoginAnswer string // message id that comes with it
	ResetStatus int    // 204 when zero
	Task        string // of a reset with 202
	ETag        string // "", "weak", "wrong" (refuses its own tag), "strong-only", "required"
	Silent      bool   // takes overrides in the system itself, too, and forgets them
	OnceOnly    bool   // refuses to make an override last
	Jobs        string // where jobs are made, without which staged settings are not applied
	NoMode      bool   // refuses BootSourceOverrideMode
	LosesMode   bool   // Legacy unless the mode is written with the target
	RefusesLED  string // value of IndicatorLED it does not take
	NeedsSlash  bool   // redirects paths without one

	MediaNeeds, MediaRefuses []string // parameters of InsertMedia
	MediaBody                bool     // an ejection without a body is refused
}

type object = map[string]any

// mock is a BMC over a tree of resources with a machine behind it.
type mock struct {
	*httptest.Server
	shape

	mu       sync.Mutex
	tree     map[string]object
	power    inventory.Power // of the machine
	starts   int
	lit      bool
	tokens   map[string]string // of sessions, by path
	logins   int
	requests []string
	lag      int                                                  // reads of the system that still show the state before
	lies     int                                                  // reads that show the new state before those
	stale    object                                               // the system before the last reset
	deaf     bool                                                 // accepts resets and overrides, does nothing
	away     int                                                  // requests for which the BMC restarts
	slow     int                                                  // reads until a drive shows what was done to it
	show     func()                                               // makes it show
	picky    func(object) bool                                    // overrides it takes; nil: all
	job      bool                                                 // staged settings will be applied
	sent     []object                                             // bodies of what was written
	fault    func(http.ResponseWriter, *http.Request) (stop bool) // runs first, mu held
}

// newMock serves testdata/<name>.txtar over TLS.
func newMock(t *testing.T, name string) *mock {
	t.Helper()
	m := &mock{tree: map[string]object{}, tokens: map[string]string{}, power: inventory.PowerOff}
	data, err := os.ReadFile("testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(data).Files {
		into := any(&m.shape)
		if f.Name != "mock.json" {
			resource := object{}
			uri := "/" + strings.TrimSuffix(f.Name, "/index.json")
			m.tree[uri], into = resource, &resource
		}
		if err := json.Unmarshal(f.Data, into); err != nil {
			t.Fatalf("%s of %s: %v", f.Name, name, err)
		}
	}
	if m.tree[m.System]["PowerState"] == "On" {
		m.power = inventory.PowerOn
	}
	m.Server = httptest.NewUnstartedServer(m)
	m.Server.Config.ErrorLog = quiet()
	m.StartTLS()
	t.Cleanup(m.Close)
	return m
}

func (m *mock) Power() inventory.Power { m.mu.Lock(); defer m.mu.Unlock(); return m.power }
func (m *mock) Starts() int            { m.mu.Lock(); defer m.mu.Unlock(); return m.starts }
func (m *mock) Lit() bool              { m.mu.Lock(); defer m.mu.Unlock(); return m.lit }
func (m *mock) Sessions() int          { m.mu.Lock(); defer m.mu.Unlock(); return len(m.tokens) }

// count is how many requests began with method and path.
func (m *mock) count(prefix string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// with runs f with the mock's state in hand.
func (m *mock) with(f func()) { m.mu.Lock(); defer m.mu.Unlock(); f() }

func (m *mock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, r.Method+" "+r.URL.Path)
	if m.fault != nil && m.fault(w, r) {
		return
	}
	if m.away > 0 {
		m.away--
		m.refuse(w, http.StatusServiceUnavailable, "Base.1.8.ServiceTemporarilyUnavailable")
		return
	}
	if m.NeedsSlash && r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, r.URL.Path+"/", http.StatusPermanentRedirect)
		return
	}
	uri := strings.TrimSuffix(r.URL.Path, "/")
	sessions := m.uriOf("/redfish/v1", "Links", "Sessions")
	switch {
	case uri == "/redfish/v1":
		m.get(w, uri)
	case r.Method == http.MethodPost && uri == sessions && sessions != "":
		m.login(w, r)
	case !m.knows(r):
		m.refuse(w, http.StatusUnauthorized, "Base.1.8.ResourceAtUriUnauthorized")
	case r.Method == http.MethodDelete && m.tokens[uri] != "":
		delete(m.tokens, uri)
		w.WriteHeader(http.StatusNoContent)
	case m.more(w, r, uri):
	case r.Method == http.MethodGet:
		m.get(w, uri)
	case r.Method == http.MethodPatch:
		m.patch(w, r, uri)
	case r.Method == http.MethodPost && uri == m.resetTarget():
		m.reset(w, r)
	default:
		m.refuse(w, http.StatusMethodNotAllowed, "Base.1.8.OperationNotAllowed")
	}
}

func (m *mock) uriOf(resource string, keys ...string) string {
	o := m.tree[resource]
	for _, k := range keys {
		o, _ = o[k].(object)
	}
	s, _ := o["@odata.id"].(string)
	return strings.TrimSuffix(s, "/")
}

func (m *mock) resetTarget() string {
	actions, _ := m.tree[m.System]["Actions"].(object)
	reset, _ := actions["#ComputerSystem.Reset"].(object)
	s, _ := reset["target"].(string)
	return strings.TrimSuffix(s, "/")
}

func (m *mock) knows(r *http.Request) bool {
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		for _, t := range m.tokens {
			if t == token {
				return true
			}
		}
		return false
	}
	user, password, ok := r.BasicAuth()
	return ok && user == mockUser && password == mockPassword
}

func (m *mock) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ UserName, Password string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	switch {
	case in.UserName != mockUser || in.Password != mockPassword:
		m.refuse(w, or(m.LoginStatus, http.StatusUnauthorized), m.LoginAnswer)
	case m.shape.Sessions == "none":
		m.refuse(w, http.StatusNotFound, "Base.1.8.ResourceMissingAtURI")
	case m.shape.Sessions == "full":
		m.refuse(w, or(m.FullStatus, http.StatusServiceUnavailable), m.FullMessage)
	default:
		m.logins++
		uri := fmt.Sprintf("%s/%d", strings.TrimSuffix(r.URL.Path, "/"), m.logins)
		m.tokens[uri] = fmt.Sprintf("token-%d", m.logins)
		w.Header().Set("X-Auth-Token", m.tokens[uri])
		w.Header().Set("Location", uri)
		w.WriteHeader(http.StatusCreated)
	}
}

func (m *mock) get(w http.ResponseWriter, uri string) {
	o, ok := m.tree[uri]
	if !ok {
		m.refuse(w, http.StatusNotFound, "Base.1.8.ResourceMissingAtURI")
		return
	}
	if uri == m.System && m.stale != nil {
		switch {
		case m.lies > 0:
			m.lies--
		case m.lag > 0:
			m.lag--
			o = m.stale
		}
	}
	if tag := m.etag(uri); tag != "" {
		w.Header().Set("ETag", tag)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o)
}

func (m *mock) etag(uri string) string {
	b, _ := json.Marshal(m.tree[uri])
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:4]) + `"`
	if m.ETag == "weak" || m.ETag == "strong-only" {
		return "W/" + tag
	}
	return tag
}

func (m *mock) tagFits(r *http.Request, uri string) bool {
	given, own := r.Header.Get("If-Match"), m.etag(uri)
	switch m.ETag {
	case "wrong":
		return given == ""
	case "strong-only":
		return given == strings.TrimPrefix(own, "W/")
	case "required":
		return given == own || given == "*"
	}
	return given == "" || given == own
}

func (m *mock) patch(w http.ResponseWriter, r *http.Request, uri string) {
	body, _ := io.ReadAll(r.Body)
	var in struct {
		Boot                    object
		LocationIndicatorActive *bool
		IndicatorLED            string
	}
	if json.Unmarshal(body, &in) == nil && (in.LocationIndicatorActive != nil || in.IndicatorLED != "") {
		m.light(w, r, uri, in.LocationIndicatorActive, in.IndicatorLED)
		return
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Boot) == 0 {
		m.refuse(w, http.StatusBadRequest, "Base.1.8.MalformedJSON")
		return
	}
	at := or(m.Settings, m.System)
	mode, hasMode := in.Boot["BootSourceOverrideMode"]
	switch {
	case m.Silent && uri == m.System && m.tagFits(r, uri):
		w.WriteHeader(http.StatusNoContent)
		return
	case m.picky != nil && !m.picky(in.Boot):
		m.refuse(w, http.StatusBadRequest, "Base.1.8.PropertyValueConflict")
		return
	case m.OnceOnly && in.Boot["BootSourceOverrideEnabled"] == "Continuous":
		m.refuse(w, http.StatusBadRequest, "Base.1.8.PropertyValueNotInList")
		return
	case uri != at:
		m.refuse(w, http.StatusMethodNotAllowed, "Base.1.8.PropertyNotWritable")
		return
	case !m.tagFits(r, uri):
		m.refuseTag(w, r)
		return
	case hasMode && (m.NoMode || (mode != "UEFI" && mode != "Legacy")):
		m.refuse(w, http.StatusBadRequest, "Base.1.8.PropertyUnknown")
		return
	}
	if !m.deaf {
		boot := maps.Clone(m.tree[at]["Boot"].(object))
		if m.LosesMode && !hasMode && in.Boot["BootSourceOverrideTarget"] != nil {
			boot["BootSourceOverrideMode"] = "Legacy"
		}
		for k, v := range in.Boot {
			boot[k] = v
		}
		if in.Boot["BootSourceOverrideEnabled"] == "Disabled" {
			boot["BootSourceOverrideTarget"] = "None"
		}
		m.tree[at]["Boot"] = boot
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *mock) reset(w http.ResponseWriter, r *http.Request) {
	var in struct{ ResetType string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	on := m.power == inventory.PowerOn
	switch in.ResetType {
	case "On", "ForceOn":
		if on {
			m.refuse(w, http.StatusConflict, "Base.1.8.ResourceInUse")
			return
		}
		m.turn(inventory.PowerOn)
	case "ForceOff", "GracefulShutdown":
		if !on {
			m.refuse(w, http.StatusConflict, "Base.1.8.ResourceInUse")
			return
		}
		m.turn(inventory.PowerOff)
	case "ForceRestart", "PowerCycle":
		m.turn(inventory.PowerOn)
	case "PushPowerButton":
		m.turn(map[bool]inventory.Power{true: inventory.PowerOff, false: inventory.PowerOn}[on])
	default:
		m.refuse(w, http.StatusBadRequest, "Base.1.8.ActionParameterNotSupported")
		return
	}
	status := or(m.ResetStatus, http.StatusNoContent)
	if status == http.StatusAccepted {
		w.Header().Set("Location", m.Task+"/Monitor")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(m.tree[m.Task])
		return
	}
	w.WriteHeader(status)
}

// turn switches the machine and what its BMC tells; a start uses the override up.
func (m *mock) turn(p inventory.Power) {
	if m.deaf {
		return
	}
	sys := m.tree[m.System]
	m.stale = maps.Clone(sys)
	m.power = p
	sys["PowerState"] = map[inventory.Power]string{inventory.PowerOn: "On", inventory.PowerOff: "Off"}[p]
	if p == inventory.PowerOff {
		return
	}
	m.starts++
	m.applyStaged()
	now := time.Unix(1_700_000_000+int64(m.starts), 0).UTC().Format(time.RFC3339)
	if _, has := sys["LastResetTime"]; has {
		sys["LastResetTime"] = now
	}
	if _, has := sys["BootProgress"]; has {
		sys["BootProgress"] = object{"LastState": "PrimaryProcessorInitializationStarted", "LastStateTime": now}
	}
	for _, uri := range []string{m.System, m.Settings} {
		if boot, ok := m.tree[uri]["Boot"].(object); ok && boot["BootSourceOverrideEnabled"] == "Once" {
			boot = maps.Clone(boot)
			boot["BootSourceOverrideEnabled"], boot["BootSourceOverrideTarget"] = "Disabled", "None"
			m.tree[uri]["Boot"] = boot
		}
	}
}

func (m *mock) refuse(w http.ResponseWriter, status int, id string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"error": object{
		"code": "Base.1.8.GeneralError", "message": "see extended information",
		"@Message.ExtendedInfo": []object{{"MessageId": id, "Message": "The request failed: " + path.Ext(id)}},
	}})
}

func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}
