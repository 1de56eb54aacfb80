package redfish

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// A link to something that is not there is how some services say that they have none.
func TestWhatIsLinkedAndNotThereIsLacking(t *testing.T) {
	for _, vendor := range []string{"dell", "hpe", "openbmc", "supermicro-x12", "lenovo"} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, vendor)
			keep := []string{"/redfish/v1", "/redfish/v1/Systems", m.System, m.uriOf("/redfish/v1", "Links", "Sessions")}
			for uri := range m.tree {
				if strings.HasPrefix(uri, "/redfish/v1/Managers") && strings.Count(uri, "/") <= 4 {
					keep = append(keep, uri)
				}
			}
			for _, uri := range keep {
				for _, part := range []string{"LogServices", "VirtualMedia", "NetworkProtocol", "Bios", "SecureBoot", "EthernetInterfaces", "Storage", "Memory"} {
					if at, has := m.tree[uri]; has && strings.Count(uri, "/") == 4 {
						at[part] = object{"@odata.id": uri + "/" + part}
					}
				}
			}
			for _, service := range []string{"AccountService", "EventService", "UpdateService", "TaskService"} {
				m.tree["/redfish/v1"][service] = object{"@odata.id": "/redfish/v1/" + service}
			}
			m.fault = func(w http.ResponseWriter, r *http.Request) bool {
				uri := strings.TrimSuffix(r.URL.Path, "/")
				if slices.Contains(keep, uri) || strings.HasPrefix(uri, keep[3]) {
					return false
				}
				m.refuse(w, http.StatusNotFound, "Base.1.8.ResourceMissingAtURI")
				return true
			}
			c := open(t, m, &Dialer{Timing: quick()})
			ctx := t.Context()
			if _, err := c.Facts(ctx); err != nil {
				t.Errorf("Facts: %v", err)
			}
			for what, call := range map[string]func() error{
				"Media":         func() error { _, err := c.Media(ctx); return err },
				"Insert":        func() error { return c.InsertMedia(ctx, "http://192.0.2.1/a.iso") },
				"Readings":      func() error { _, err := c.Readings(ctx); return err },
				"Log":           func() error { _, err := c.Log(ctx, 5); return err },
				"Components":    func() error { _, err := c.Components(ctx); return err },
				"Settings":      func() error { _, err := c.Settings(ctx); return err },
				"Order":         func() error { _, err := c.BootOrder(ctx); return err },
				"SecureBoot":    func() error { _, err := c.SecureBoot(ctx); return err },
				"Subscriptions": func() error { _, err := c.Subscriptions(ctx); return err },
				"Accounts":      func() error { _, err := c.Accounts(ctx); return err },
				"Protocols":     func() error { _, err := c.Protocols(ctx); return err },
				"Clock":         func() error { _, err := c.Clock(ctx); return err },
				"Console":       func() error { _, err := c.Console(ctx); return err },
				"Place":         func() error { _, err := c.Place(ctx); return err },
				"Stream":        func() error { return c.Stream(ctx, func(bmc.Entry) {}) },
			} {
				if err := call(); err != nil && (!fault.Is(err, fault.Invalid) || fault.HintOf(err) == "") {
					t.Errorf("%s: %v (%s), want none or Invalid with a hint", what, err, fault.HintOf(err))
				}
			}
		})
	}
}

// A service may link to dozens of things that are not there; the recording goes on.
func TestARecordingGoesOnPastWhatIsNotThere(t *testing.T) {
	m := newMock(t, "openbmc")
	dead := []object{{"@odata.id": "/redfish/v1/Chassis/chassis"}}
	for i := range 3 * maxFailures {
		dead = append(dead, object{"@odata.id": fmt.Sprintf("/redfish/v1/Chassis/none-%d", i)})
	}
	m.tree["/redfish/v1"]["AaDead"] = object{"@odata.id": "/redfish/v1/Dead"}
	m.tree["/redfish/v1/Dead"] = object{"@odata.id": "/redfish/v1/Dead", "Members": dead}
	c := open(t, m, &Dialer{Timing: quick()})
	got, err := c.Record(t.Context(), Recording{}, func(string, []byte) error { return nil })
	if err != nil || got.Resources < 10 || len(got.LeftOut) < 3*maxFailures {
		t.Errorf("recorded %d resources, left out %d, %v", got.Resources, len(got.LeftOut), err)
	}
}

// A system may have another name than the one it gives itself; writes go to its own.
func TestASystemNamedByAnotherNameIsDriven(t *testing.T) {
	m := newMock(t, "openbmc")
	m.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/redfish/v1/Systems/node-7") {
			return false
		}
		http.Redirect(w, r, strings.Replace(r.URL.Path, "/redfish/v1/Systems/node-7", m.System, 1), http.StatusTemporaryRedirect)
		return true
	}
	a := m.access()
	a.Address += "/redfish/v1/Systems/node-7"
	c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
		t.Error(err)
	}
	if next, err := c.NextBoot(t.Context()); err != nil || next.Target != bmc.BootPXE {
		t.Errorf("NextBoot = %+v, %v", next, err)
	}
}

// A system that names no manager has the one that names it.
func TestAManagerThatNamesTheSystemIsItsBMC(t *testing.T) {
	m := newMock(t, "openbmc")
	m.tree[m.System]["Links"] = object{}
	m.tree["/redfish/v1"]["Managers"] = object{"@odata.id": "/redfish/v1/Managers"}
	m.tree["/redfish/v1/Managers"] = object{"Members": []object{{"@odata.id": "/redfish/v1/Managers/mcu0"}, {"@odata.id": "/redfish/v1/Managers/bmc"}}}
	m.tree["/redfish/v1/Managers/mcu0"] = object{"Id": "mcu0", "ManagerType": "BMC"}
	for _, linked := range []bool{false, true} {
		if linked {
			m.tree["/redfish/v1/Managers/bmc"]["Links"] = object{"ManagerForServers": []object{{"@odata.id": m.System + "/"}}}
		}
		c := open(t, m, &Dialer{Timing: quick()})
		if got := c.manager == "/redfish/v1/Managers/bmc"; got != linked {
			t.Errorf("the manager is %q, while bmc names the system: %t", c.manager, linked)
		}
	}
}

// A machine that was never started tells no manufacturer, and an old service none.
func TestTheVendorIsToldByItsExtensionsAtLast(t *testing.T) {
	m := newMock(t, "openbmc")
	delete(m.tree["/redfish/v1"], "Vendor")
	m.tree[m.System]["Manufacturer"] = " "
	m.tree["/redfish/v1"]["Oem"] = object{"Dell": object{"ServiceTag": "ABC"}}
	if c := open(t, m, &Dialer{Timing: quick()}); c.identity.Vendor != "Dell" {
		t.Errorf("the vendor is %q", c.identity.Vendor)
	}
}

func TestASystemWithAnOddIDIsDriven(t *testing.T) {
	for _, id := range []string{"Host%20No.1", "blade%2F7", "node:3", "a+b"} {
		m := newMock(t, "openbmc")
		m.translated(translator{
			out: func(_ *http.Request, a *httptest.ResponseRecorder) []byte {
				return []byte(strings.ReplaceAll(a.Body.String(), "/Systems/system", "/Systems/"+id))
			},
			in: func(r *http.Request, body []byte) []byte {
				if at, cut := strings.CutPrefix(r.URL.EscapedPath(), "/redfish/v1/Systems/"+id); cut {
					r.URL.Path, r.URL.RawPath = m.System+at, ""
				}
				return body
			}})
		for _, named := range []string{"", "/redfish/v1/Systems/" + id} {
			a := m.access()
			a.Address += named
			c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			if err := c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			if err := c.On(t.Context()); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			_ = c.Close(t.Context())
		}
	}
}

// Certificates of BMCs are of any age, name and size; which one it is counts.
func TestOddCertificatesAndOldTLSAreSpoken(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for name, x := range map[string]struct {
		key      crypto.Signer
		from, to time.Duration
		config   *tls.Config
	}{
		"RSA 1024":                   {key: small, from: -day, to: day},
		"expired":                    {key: curve, from: -4000 * day, to: -day},
		"of the future":              {key: curve, from: 1000 * day, to: 2000 * day},
		"TLS 1.2 only":               {key: curve, from: -day, to: day, config: &tls.Config{MaxVersion: tls.VersionTLS12}},
		"RSA key exchange with CBC":  {key: small, from: -day, to: day, config: &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}},
		"no resumption of a session": {key: curve, from: -day, to: day, config: &tls.Config{SessionTicketsDisabled: true}},
	} {
		t.Run(name, func(t *testing.T) {
			der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "not this host"},
				NotBefore: time.Now().Add(x.from), NotAfter: time.Now().Add(x.to)}, &x509.Certificate{Subject: pkix.Name{CommonName: "not this host"}}, x.key.Public(), x.key)
			if err != nil {
				t.Fatal(err)
			}
			m := newMock(t, "openbmc")
			s := httptest.NewUnstartedServer(m)
			s.Config.ErrorLog = quiet()
			config := x.config.Clone()
			if config == nil {
				config = &tls.Config{}
			}
			config.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: x.key}}
			s.TLS = config
			s.StartTLS()
			defer s.Close()
			a := m.access()
			a.Address = s.URL
			for range 2 {
				c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				a.CertificateSHA256 = c.Certificate()
				if _, err := c.Power(t.Context()); err != nil {
					t.Error(err)
				}
				if err := c.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
