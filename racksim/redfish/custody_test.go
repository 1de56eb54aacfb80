package redfish

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/racksim"
)

func TestAnExpiredPasswordLetsOnlyItselfBeChanged(t *testing.T) {
	dir := t.TempDir()
	b := newBenchIn(t, racksim.BIOS, dir, func(m *racksim.Machine) { m.BMC.Expired = true })
	in := b.call(t, "POST", sessionsPath, login, "", "")
	if in.status != 201 || !strings.Contains(in.text, "PasswordChangeRequired") || !strings.Contains(in.text, accountsPath+"/1") {
		t.Fatalf("log-in: %d %s", in.status, in.text)
	}
	token := []string{"X-Auth-Token", in.header.Get("X-Auth-Token")}
	for _, path := range []string{systemPath, accountsPath, updatePath} {
		if got := b.call(t, "GET", path, "", token...); got.status != 403 || got.code(t) != "PasswordChangeRequired" {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
	}
	if got := b.call(t, "GET", accountsPath+"/1", "", token...); !strings.Contains(got.text, `"PasswordChangeRequired":true`) {
		t.Errorf("own account: %s", got.text)
	}
	if got := b.call(t, "PATCH", accountsPath+"/1", `{"Password": "a-new-password"}`, token...); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if got := b.call(t, "GET", systemPath, "", token...); got.status != 200 {
		t.Errorf("after the change: %d", got.status)
	}
	again := newBenchIn(t, racksim.BIOS, dir, func(m *racksim.Machine) { m.BMC.Expired = true })
	if got := again.call(t, "GET", systemPath, ""); got.status != 200 {
		t.Errorf("after racksim started anew: %d", got.status)
	}
}

func TestWrongPasswordsLockAnAccount(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), func(m *racksim.Machine) { m.BMC.Lockout = 3 })
	made := b.call(t, "POST", accountsPath, `{"UserName": "ops", "Password": "long enough", "RoleId": "Operator"}`)
	if made.status != 201 {
		t.Fatal(made.text)
	}
	try := func(password string) int {
		return b.call(t, "POST", sessionsPath, `{"UserName": "ops", "Password": "`+password+`"}`, "", "").status
	}
	for range 3 {
		if got := try("guess"); got != 401 {
			t.Errorf("wrong password: %d", got)
		}
	}
	account := made.header.Get("Location")
	if got := try("long enough"); got != 401 || b.object(t, account)["Locked"] != true {
		t.Errorf("locked: %d", got)
	}
	if b.service.Faults.FailedLogins() != 4 {
		t.Errorf("%d failed log-ins are counted", b.service.Faults.FailedLogins())
	}
	b.clock.pass(lockoutTime + time.Second)
	if got := try("long enough"); got != 201 {
		t.Errorf("after the lock's time: %d", got)
	}
	for range 3 {
		try("guess")
	}
	if got := b.call(t, "PATCH", account, `{"Locked": false}`); got.status != 200 {
		t.Fatal(got.text)
	}
	if got := try("long enough"); got != 201 {
		t.Errorf("unlocked: %d", got)
	}
	if got := b.call(t, "PATCH", account, `{"Enabled": false}`); got.status != 200 || try("long enough") != 401 {
		t.Errorf("disabled: %d %d", got.status, try("long enough"))
	}
	b.call(t, "PATCH", accountServicePath, `{"MinPasswordLength": 14}`)
	if got := b.call(t, "PATCH", account, `{"Password": "long enough 2"}`); got.status != 400 {
		t.Errorf("a password shorter than the policy: %d", got.status)
	}
}

// authority signs what a BMC asks for.
func authority(t *testing.T) func(csr []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return func(csr []byte) []byte {
		block, _ := pem.Decode(csr)
		asked, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || asked.CheckSignature() != nil {
			t.Fatal(err, asked.CheckSignature())
		}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: asked.Subject, IPAddresses: asked.IPAddresses, NotAfter: root.NotAfter}
		der, err := x509.CreateCertificate(rand.Reader, leaf, root, asked.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})...)
	}
}

// shown is the chain that the BMC shows now.
func (b *bench) shown(t *testing.T) []*x509.Certificate {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(b.url, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates
}

func TestGofishReplacesTheCertificate(t *testing.T) {
	for _, algorithm := range []string{"TPM_ALG_ECDSA", "TPM_ALG_RSA"} {
		b := newBench(t, racksim.BIOS)
		sign := authority(t)
		ask := `{"CommonName": "node1-bmc", "AlternativeNames": ["10.0.0.1", "node1"], "Organization": "x", "KeyPairAlgorithm": "` + algorithm + `",
			"CertificateCollection": {"@odata.id": "` + certificatesPath + `"}}`
		got := b.call(t, "POST", generatePath, ask)
		var answer struct{ CSRString string }
		if err := json.Unmarshal([]byte(got.text), &answer); err != nil || got.status != 200 {
			t.Fatal(got.text)
		}
		chain := sign([]byte(answer.CSRString))
		service, err := b.gofish(t, true).Service.CertificateService()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := service.ReplaceCertificate(&schemas.CertificateServiceReplaceCertificateParameters{CertificateString: string(chain), CertificateType: schemas.PEMchainCertificateType, CertificateURI: ownCertificate}); err != nil {
			t.Fatal(err)
		}
		first, _ := pem.Decode(chain)
		if shown := b.shown(t); len(shown) != 2 || !bytes.Equal(shown[0].Raw, first.Bytes) || !bytes.Equal(b.chain, chain) {
			t.Errorf("%s: %d certificates are shown", algorithm, len(shown))
		}
	}
}

func TestCertificatesOfOtherKeysAreRefused(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	before := b.shown(t)[0]
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	foreign := authority(t)(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	for what, text := range map[string]string{
		"another key's": string(foreign), "nothing": "", "no certificate": "hello",
		"a key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "broken": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		sent, _ := json.Marshal(map[string]any{"CertificateString": text, "CertificateType": "PEM", "CertificateUri": map[string]string{"@odata.id": ownCertificate}})
		if got := b.call(t, "POST", replacePath, string(sent)); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", what, got.status)
		}
	}
	if !b.shown(t)[0].Equal(before) {
		t.Error("the certificate changed")
	}
}

func TestTheClockIsSetOrFollowsTheTimeServers(t *testing.T) {
	b := newBenchIn(t, racksim.BIOS, t.TempDir(), func(m *racksim.Machine) { m.BMC.Clock = -48 * time.Hour })
	off := func() time.Duration {
		at, err := time.Parse(time.RFC3339, b.object(t, managerPath)["DateTime"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return at.Sub(b.clock.Now()).Round(time.Minute)
	}
	if off() != -48*time.Hour {
		t.Errorf("off by %s", off())
	}
	set := b.clock.Now().Add(time.Hour).Format(time.RFC3339)
	if got := b.call(t, "PATCH", managerPath, `{"DateTime": "`+set+`"}`); got.status != 200 || off() != time.Hour {
		t.Errorf("set: off by %s, %s", off(), got.text)
	}
	if got := b.call(t, "PATCH", protocolsPath, `{"NTP": {"ProtocolEnabled": true, "NTPServers": ["10.0.0.1", ""]}, "IPMI": {"ProtocolEnabled": true}}`); got.status != 200 || off() != 0 {
		t.Errorf("follows: off by %s, %s", off(), got.text)
	}
	if got := b.call(t, "PATCH", managerPath, `{"DateTime": "`+set+`"}`); got.status != 400 {
		t.Errorf("set while it follows: %d", got.status)
	}
	c := b.gofish(t, true)
	managers, err := c.Service.Managers()
	if err != nil {
		t.Fatal(err)
	}
	p, err := managers[0].NetworkProtocol()
	if err != nil || !p.IPMI.ProtocolEnabled || !p.NTP.ProtocolEnabled || len(p.NTP.NTPServers) != 1 || p.KVMIP.ProtocolEnabled {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestThePlaceIsWrittenAndKept(t *testing.T) {
	dir := t.TempDir()
	b := newBenchIn(t, racksim.BIOS, dir, nil)
	got := b.call(t, "PATCH", chassisPath, `{"Location": {"Placement": {"Rack": "r9", "RackOffset": 31, "Row": "C"}, "PostalAddress": {"Room": "2.17"}}}`)
	if got.status != 200 {
		t.Fatal(got.text)
	}
	again := newBenchIn(t, racksim.BIOS, dir, nil)
	chassis, err := again.gofish(t, true).Service.Chassis()
	if err != nil {
		t.Fatal(err)
	}
	if p := chassis[0].Location; p.Placement.Rack != "r9" || p.Placement.Row != "C" || *p.Placement.RackOffset != 31 || p.PostalAddress.Room != "2.17" {
		t.Errorf("%+v", p)
	}
}
