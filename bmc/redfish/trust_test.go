package redfish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rackwright/fault"
)

func TestAnAuthorityIsKnownByWhatTheBMCShowsOfIt(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	s.Close()
	authority := s.Certificate()
	sum := sha256.Sum256(authority.Raw)
	print := hex.EncodeToString(sum[:])
	named := func(e enrolled, name string) enrolled { e.Subject.CommonName = name; return e }
	for name, c := range map[string]struct {
		shown enrolled
		is    bool
	}{
		"nothing":                     {},
		"the certificate":             {enrolled{CertificateString: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}))}, true},
		"another certificate":         {enrolled{CertificateString: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), Fingerprint: print}, false},
		"a fingerprint":               {enrolled{Fingerprint: print}, true},
		"a fingerprint with colons":   {enrolled{Fingerprint: strings.ToUpper(print[:2] + ":" + print[2:])}, true},
		"another fingerprint":         {enrolled{Fingerprint: print[2:] + "00"}, false},
		"a name and no more than it":  {named(enrolled{}, "boot"), false},
		"a text that is none, a name": {named(enrolled{CertificateString: "-----BEGIN"}, "boot"), false},
	} {
		if c.shown.is(authority) != c.is {
			t.Errorf("%s: taken for it: %t", name, !c.is)
		}
	}
	authority.Subject.CommonName = "boot"
	if !named(enrolled{}, "boot").names(authority) || named(enrolled{}, "other").names(authority) || (enrolled{}).names(authority) {
		t.Error("one of the same name is not told from others by the name alone")
	}
}

func TestABMCThatTakesNoAuthorityOrForgetsItSaysSo(t *testing.T) {
	authority := httptest.NewTLSServer(nil)
	authority.Close()
	const list = "/redfish/v1/Systems/1/Boot/Certificates"
	for name, c := range map[string]struct {
		links  bool
		answer int // of what is there; 0: an empty list
		kind   fault.Kind
		says   string
	}{
		"no link":       {false, 0, fault.Invalid, "list of authorities"},
		"a dead link":   {true, http.StatusNotFound, fault.Invalid, "list of authorities"},
		"a list of air": {true, 0, fault.Conflict, "does not list it"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMock(t, "openbmc")
			d := open(t, m, &Dialer{Timing: brief()})
			m.with(func() {
				if c.links {
					m.tree[m.System]["Boot"].(object)["Certificates"] = object{"@odata.id": list}
				}
				m.fault = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != list {
						return false
					}
					w.Header().Set("Content-Type", "application/json")
					switch {
					case c.answer != 0:
						w.WriteHeader(c.answer)
					case r.Method == http.MethodPost:
						w.WriteHeader(http.StatusCreated)
					}
					_, _ = w.Write([]byte(`{"@odata.id": "` + list + `", "Members": []}`))
					return true
				}
			})
			err := d.TrustAuthority(t.Context(), authority.Certificate())
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || fault.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
		})
	}
}
