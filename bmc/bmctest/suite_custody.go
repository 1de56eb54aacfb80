package bmctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// Parts of the Custodian, for Hooks.Custody.
const (
	HasAccounts    = "accounts"
	HasProtocols   = "protocols"
	HasClock       = "clock"
	HasCertificate = "certificate"
	HasConsole     = "console"
	HasPlace       = "place"
)

// AllCustody lists them.
func AllCustody() []string {
	return []string{HasAccounts, HasProtocols, HasClock, HasCertificate, HasConsole, HasPlace}
}

// custodian is the contract of bmc.Custodian. A part that hooks.Custody does not name may be
// lacking: then it is Invalid, with a hint, and the rest of its contract is skipped.
func (s suite) custodian(t *testing.T) {
	t.Run("an account is made, its password changed, and it is disabled", s.accounts)
	t.Run("our own account is not disabled, an unknown one not found", s.ownAccount)
	t.Run("an expired password lets itself be changed and nothing else", s.expiredPassword)
	t.Run("services are listed and switched", s.protocols)
	t.Run("the clock follows NTP servers", s.clock)
	t.Run("the place is written and read back", s.place)
	t.Run("the console says how it is reached", s.console)
	t.Run("the certificate is replaced by one for a key of the BMC", s.certificate)
}

// optional skips what a BMC may lack.
func (s suite) optional(t *testing.T, part string, err error) {
	t.Helper()
	if err == nil || slices.Contains(s.hooks.Custody, part) {
		ok(t, part, err)
		return
	}
	if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.Denied || fault.HintOf(err) == "" {
		t.Fatalf("%s: %v (%s, hint %q), want it or Invalid with a hint", part, err, kind, fault.HintOf(err))
	}
	t.Skipf("this BMC has none: %v", err)
}

func (s suite) as(t *testing.T, name, password string) error {
	t.Helper()
	a := s.access
	a.Username, a.Password = name, password
	c, err := s.dialer.Dial(s.context(t), a)
	if err == nil {
		ok(t, "Close", c.Close(s.context(t)))
	}
	return err
}

// randomPassword satisfies the policies that are usual, in 16 characters.
func randomPassword() string { return "Rw-" + rand.Text()[:12] + "7" }

func (s suite) accounts(t *testing.T) {
	c := s.dial(t)
	before, err := c.Accounts(s.context(t))
	s.optional(t, HasAccounts, err)
	if !s.hooks.Open && !slices.ContainsFunc(before, func(a bmc.Account) bool { return a.Name == s.access.Username && a.Enabled }) {
		t.Errorf("accounts %+v, without %q, as whom we are logged in", before, s.access.Username)
	}
	name, first, second := "rw"+strings.ToLower(rand.Text()[:6]), randomPassword(), randomPassword()
	err = c.CreateAccount(s.context(t), name, first, "Operator")
	s.optional(t, HasAccounts, err)
	after, err := c.Accounts(s.context(t))
	ok(t, "Accounts", err)
	i := slices.IndexFunc(after, func(a bmc.Account) bool { return a.Name == name })
	if i < 0 || !after[i].Enabled || after[i].Role != "Operator" || len(after) != len(before)+1 {
		t.Fatalf("accounts %+v, before %+v, want %s as an enabled Operator more", after, before, name)
	}
	if slices.ContainsFunc(after, func(a bmc.Account) bool { return a.Name == "" || a.ID == "" }) {
		t.Errorf("accounts %+v, with one that has no name or no id", after)
	}
	ok(t, "Dial as the new user", s.as(t, name, first))
	if err := c.CreateAccount(s.context(t), name, second, "Operator"); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
		t.Errorf("CreateAccount again = %v, want Conflict with a hint", err)
	}
	if err := c.SetPassword(s.context(t), name, "x"); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("SetPassword of one character = %v, want Invalid with a hint", err)
	}
	ok(t, "SetPassword", c.SetPassword(s.context(t), name, second))
	ok(t, "Dial with the new password", s.as(t, name, second))
	if err := s.as(t, name, first); !s.hooks.Open && !fault.Is(err, fault.Denied) {
		t.Errorf("Dial with the old password = %v, want Denied", err)
	}
	for range 2 {
		ok(t, "DisableAccount", c.DisableAccount(s.context(t), name))
	}
	if err := s.as(t, name, second); !s.hooks.Open && !fault.Is(err, fault.Denied) {
		t.Errorf("Dial as a disabled user = %v, want Denied", err)
	}
	for _, err := range []error{err, fault.Invalidf("%v", c.SetPassword(s.context(t), name, strings.Repeat(second, 20)))} {
		if err != nil && strings.Contains(err.Error()+fault.HintOf(err), second) {
			t.Errorf("%v shows the password", err)
		}
	}
}

func (s suite) ownAccount(t *testing.T) {
	c := s.dial(t)
	_, err := c.Accounts(s.context(t))
	s.optional(t, HasAccounts, err)
	if err := c.DisableAccount(s.context(t), s.access.Username); !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
		t.Errorf("DisableAccount of our own = %v, want Conflict with a hint", err)
	}
	for _, err := range []error{c.DisableAccount(s.context(t), "nobody-of-1987"), c.SetPassword(s.context(t), "nobody-of-1987", randomPassword())} {
		if !fault.Is(err, fault.NotFound) || fault.HintOf(err) == "" {
			t.Errorf("an unknown user: %v, want NotFound with a hint", err)
		}
	}
}

func (s suite) expiredPassword(t *testing.T) {
	if s.hooks.Expire == nil {
		t.Skip("no way given to let the password expire")
	}
	restore := s.hooks.Expire()
	s.denied(t, s.access)
	a := s.access
	a.Expired = true
	c, err := s.dialer.Dial(s.context(t), a)
	ok(t, "Dial although the password is expired", err)
	defer c.Close(t.Context())
	if err := c.On(s.context(t)); !fault.Is(err, fault.Denied) || fault.HintOf(err) == "" {
		t.Errorf("On = %v, want Denied with a hint", err)
	}
	if _, err := c.Power(s.context(t)); !fault.Is(err, fault.Denied) {
		t.Errorf("Power = %v, want Denied", err)
	}
	next := randomPassword()
	ok(t, "SetPassword", c.SetPassword(s.context(t), s.access.Username, next))
	ok(t, "Dial with the new password", s.as(t, s.access.Username, next))
	restore()
	ok(t, "Dial with the password restored", s.as(t, s.access.Username, s.access.Password))
}

func (s suite) protocols(t *testing.T) {
	c := s.dial(t)
	all, err := c.Protocols(s.context(t))
	s.optional(t, HasProtocols, err)
	if err := c.SetProtocol(s.context(t), "https", false); !fault.Is(err, fault.Conflict) {
		t.Errorf("SetProtocol(https) = %v, want Conflict", err)
	}
	if err := c.SetProtocol(s.context(t), "gopher", true); !fault.Is(err, fault.Invalid) {
		t.Errorf("SetProtocol(gopher) = %v, want Invalid", err)
	}
	i := slices.IndexFunc(all, func(p bmc.Protocol) bool { return p.Name == "ipmi" })
	if i < 0 {
		t.Skip("it has no IPMI to switch")
	}
	was := all[i].On
	for _, on := range []bool{!was, !was, was} {
		s.optional(t, HasProtocols, c.SetProtocol(s.context(t), "ipmi", on))
		now, err := c.Protocols(s.context(t))
		ok(t, "Protocols", err)
		if now[i].Name != "ipmi" || now[i].On != on {
			t.Fatalf("services %+v, want ipmi on: %t", now, on)
		}
	}
}

func (s suite) clock(t *testing.T) {
	c := s.dial(t)
	now, err := c.Clock(s.context(t))
	s.optional(t, HasClock, err)
	if now.Time.IsZero() || (time.Until(now.Time)-now.Off).Abs() > time.Minute {
		t.Errorf("clock %+v: the offset is not the time's", now)
	}
	servers := []string{"192.0.2.123"}
	for range 2 {
		s.optional(t, HasClock, c.SetClock(s.context(t), servers))
		if now, err = c.Clock(s.context(t)); err != nil || !now.NTP || !slices.Contains(now.Servers, servers[0]) {
			t.Fatalf("clock %+v, %v; want NTP from %v", now, err, servers)
		}
	}
	s.optional(t, HasClock, c.SetClock(s.context(t), nil))
	if now, err = c.Clock(s.context(t)); err != nil || now.Off.Abs() > time.Minute {
		t.Errorf("clock %+v, %v; want our time", now, err)
	}
}

func (s suite) place(t *testing.T) {
	c := s.dial(t)
	_, err := c.Place(s.context(t))
	s.optional(t, HasPlace, err)
	for _, p := range []bmc.Place{{Site: "dc1", Room: "hall 2", Row: "B", Rack: "r1", Unit: 10}, {Site: "dc1", Room: "hall 2", Row: "B", Rack: "r2", Unit: 11}} {
		s.optional(t, HasPlace, c.SetPlace(s.context(t), p))
		ok(t, "SetPlace again", c.SetPlace(s.context(t), p))
		if got, err := c.Place(s.context(t)); err != nil || got != p {
			t.Errorf("Place = %+v, %v; want %+v", got, err, p)
		}
	}
}

func (s suite) console(t *testing.T) {
	got, err := s.dial(t).Console(s.context(t))
	s.optional(t, HasConsole, err)
	if len(got.Kinds) == 0 || s.access.Password != "" && strings.Contains(got.Command, s.access.Password) {
		t.Errorf("console %+v", got)
	}
}

func (s suite) certificate(t *testing.T) {
	c := s.dial(t)
	if c.Certificate() == "" {
		t.Skip("it shows no certificate")
	}
	refused := c.ReplaceCertificate(s.context(t), func([]byte) ([]byte, error) { return nil, fault.Conflictf("nobody signs").WithHint("sign") })
	if !fault.Is(refused, fault.Conflict) {
		s.optional(t, HasCertificate, refused)
	}
	print := ""
	err := c.ReplaceCertificate(s.context(t), func(csr []byte) (chain []byte, err error) {
		chain, print, err = signed(csr)
		return chain, err
	})
	s.optional(t, HasCertificate, err)
	again := s.dial(t)
	if again.Certificate() != print || print == "" {
		t.Errorf("the BMC shows %s, want %s", again.Certificate(), print)
	}
	if _, err := c.Power(s.context(t)); err != nil {
		t.Errorf("Power over the old connection: %v", err)
	}
}

// signed makes a certificate for a request, signed by a key of ours.
func signed(csr []byte) (chain []byte, print string, err error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return nil, "", fmt.Errorf("the request %.80q is not PEM", csr)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, "", err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "suite"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: request.Subject, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, request.PublicKey, key)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(der)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), hex.EncodeToString(sum[:]), nil
}
