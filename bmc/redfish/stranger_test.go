package redfish

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
)

// translator stands before a mock and makes its answers, and the requests to it, look as
// those of another implementation.
type translator struct {
	next http.Handler
	in   func(r *http.Request, body []byte) []byte                      // nil: as it is
	out  func(r *http.Request, a *httptest.ResponseRecorder) []byte     // nil: as it is
	take func(w http.ResponseWriter, r *http.Request, body []byte) bool // true: answered
}

func (t translator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if t.take != nil && t.take(w, r, body) {
		return
	}
	if t.in != nil {
		body = t.in(r, body)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	a := httptest.NewRecorder()
	t.next.ServeHTTP(a, r)
	answer := a.Body.Bytes()
	if t.out != nil {
		answer = t.out(r, a)
	}
	maps.Copy(w.Header(), a.Header())
	w.WriteHeader(a.Code)
	_, _ = w.Write(answer)
}

// translated puts a translator before the mock.
func (m *mock) translated(t translator) {
	t.next = m
	m.Config.Handler = t
}

// swapped replaces pairs of words, in JSON strings only where they are whole.
func swapped(body []byte, pairs ...string) []byte {
	for i := 0; i < len(pairs); i += 2 {
		body = bytes.ReplaceAll(body, []byte(`"`+pairs[i]+`"`), []byte(`"`+pairs[i+1]+`"`))
	}
	return body
}

func turned(pairs []string) []string { p := slices.Clone(pairs); slices.Reverse(p); return p }

var idsAndTargets = regexp.MustCompile(`"(@odata\.id|target)":"(/redfish[^"]*[^/"])"`)

func TestStrangeServicesPassTheSuite(t *testing.T) {
	cases := []string{"On", "ON", "Off", "OFF", "ForceOff", "force_off", "Pxe", "PXE", "Hdd", "HDD", "Disabled", "disabled", "UEFI", "Uefi"}
	cases[5] = "forceoff"
	status := func(code int) func(*http.Request, *httptest.ResponseRecorder) []byte {
		return func(r *http.Request, a *httptest.ResponseRecorder) []byte {
			if r.Method != http.MethodPatch || a.Code >= 300 {
				return a.Body.Bytes()
			}
			a.Code = code
			return []byte(`{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.Success","Message":"done"}]}`)
		}
	}
	for name, x := range map[string]struct {
		shape   translator
		without []bmctest.Group
		prepare func(*mock)
	}{
		"that compress unasked": {shape: translator{out: func(_ *http.Request, a *httptest.ResponseRecorder) []byte {
			if a.Body.Len() == 0 {
				return nil
			}
			var out bytes.Buffer
			z := gzip.NewWriter(&out)
			_, _ = z.Write(a.Body.Bytes())
			_ = z.Close()
			a.Header().Set("Content-Encoding", "gzip")
			return out.Bytes()
		}}},
		"that link by full URLs": {shape: translator{out: func(r *http.Request, a *httptest.ResponseRecorder) []byte {
			if l := a.Header().Get("Location"); l != "" {
				a.Header().Set("Location", "https://"+r.Host+l)
			}
			return idsAndTargets.ReplaceAll(a.Body.Bytes(), []byte(`"$1": "https://`+r.Host+`$2"`))
		}}},
		"that link with a slash at the end": {shape: translator{out: func(_ *http.Request, a *httptest.ResponseRecorder) []byte {
			return idsAndTargets.ReplaceAll(a.Body.Bytes(), []byte(`"$1":"$2/"`))
		}}},
		"that write names in another case": {shape: translator{
			out: func(_ *http.Request, a *httptest.ResponseRecorder) []byte { return swapped(a.Body.Bytes(), cases...) },
			in: func(_ *http.Request, body []byte) []byte {
				if bytes.Contains(body, []byte(`"Pxe"`)) || bytes.Contains(body, []byte(`"ForceOff"`)) {
					return []byte("not in its list")
				}
				return swapped(body, turned(cases)...)
			}}},
		"that have spaces in their ids": {shape: translator{
			out: func(_ *http.Request, a *httptest.ResponseRecorder) []byte {
				return bytes.ReplaceAll(a.Body.Bytes(), []byte("/Systems/system"), []byte("/Systems/Host%20No.1"))
			},
			in: func(r *http.Request, body []byte) []byte {
				r.URL.Path = strings.Replace(r.URL.Path, "/Systems/Host No.1", "/Systems/system", 1)
				return body
			}}},
		"that answer a change with 200": {shape: translator{out: status(http.StatusOK)}},
		"that answer a change with 202": {shape: translator{out: status(http.StatusAccepted)}},
		"without ETags": {shape: translator{out: func(_ *http.Request, a *httptest.ResponseRecorder) []byte {
			a.Header().Del("ETag")
			return a.Body.Bytes()
		}}},
		"that give sessions without a token": {shape: translator{take: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Sessions") {
				w.WriteHeader(http.StatusOK)
				return true
			}
			return false
		}}},
		"that link to a session service only": {prepare: func(m *mock) {
			m.tree["/redfish/v1"]["Links"] = object{}
			m.tree["/redfish/v1"]["SessionService"] = object{"@odata.id": "/redfish/v1/SessionService"}
		}},
		"that hide the root": {shape: translator{take: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			_, _, known := r.BasicAuth()
			if known || r.Header.Get("X-Auth-Token") != "" {
				return false
			}
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}}},
		"that want Basic even for a login": {shape: translator{take: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if _, _, basic := r.BasicAuth(); basic || r.Method == http.MethodGet && r.URL.Path == rootPath {
				return false
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="all of it"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}}},
		"that want the whole override": {prepare: func(m *mock) {
			m.tree[m.System]["Boot"].(object)["BootSourceOverrideMode"] = "UEFI"
			m.picky = func(boot object) bool {
				return boot["BootSourceOverrideMode"] != nil && boot["BootSourceOverrideTarget"] != nil
			}
		}},
		"that refuse what is already so": {prepare: func(m *mock) {
			m.picky = func(boot object) bool {
				return boot["BootSourceOverrideTarget"] != m.tree[m.System]["Boot"].(object)["BootSourceOverrideTarget"]
			}
		}},
		"whose root has no slash": {shape: translator{take: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if r.URL.Path == rootPath {
				w.WriteHeader(http.StatusNotFound)
				return true
			}
			return false
		}}},
		"whose root has odd fields": {prepare: func(m *mock) {
			m.tree["/redfish/v1"]["Product"], m.tree["/redfish/v1"]["UUID"] = 5, []string{"x"}
			m.tree["/redfish/v1"]["ProtocolFeaturesSupported"], m.tree["/redfish/v1"]["Chassis"] = "all", 1
		}},
		"that know lasting overrides only": {without: []bmctest.Group{bmctest.Once}, shape: translator{in: func(r *http.Request, body []byte) []byte {
			return swapped(body, "Once", "Continuous")
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, "openbmc")
			if x.prepare != nil {
				x.prepare(m)
			}
			m.translated(x.shape)
			hooks := bmctest.Hooks{Power: m.Power, Starts: m.Starts, Sessions: m.Sessions, Lit: m.Lit, Medium: m.Medium, Stranger: true,
				Targets: []bmc.Target{bmc.BootPXE, bmc.BootDisk}, Images: []string{"http://192.0.2.1/a.iso", "https://192.0.2.1/once/b.iso"},
				Without: append(x.without, bmctest.Order, bmctest.SecureBoots, bmctest.KeyResets, bmctest.Setups)}
			bmctest.Run(t, &Dialer{Timing: quick(), Log: slog.New(slog.DiscardHandler)}, m.access(), hooks)
		})
	}
}
