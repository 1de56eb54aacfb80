package bmctest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// The Custodian's calls.
const (
	Accounts           Op = "accounts"
	CreateAccount      Op = "create-account"
	SetPassword        Op = "set-password"
	DisableAccount     Op = "disable-account"
	Protocols          Op = "protocols"
	SetProtocol        Op = "set-protocol"
	Clock              Op = "clock"
	SetClock           Op = "set-clock"
	ReplaceCertificate Op = "replace-certificate"
	Console            Op = "console"
	Place              Op = "place"
	SetPlace           Op = "set-place"
)

// Passwords of a fake BMC, in bytes; IPMI's end at 20.
const (
	leastPassword = 8
	mostPassword  = 20
)

// custody is what a fake BMC keeps for its Custodian.
type custody struct {
	first     string // password of the first user in the beginning
	expired   bool   // it has to be changed
	others    []login
	disabled  bool // the first user is
	protocols []bmc.Protocol
	ahead     time.Duration
	servers   []string
	place     bmc.Place
}

// login is a user beside the first.
type login struct {
	name, password, role string
	disabled             bool
}

func newCustody(password string) custody {
	return custody{first: password, protocols: []bmc.Protocol{{Name: "ipmi", On: true, Port: 623}, {Name: "ssh", On: true, Port: 22}, {Name: "https", On: true, Port: 443}}}
}

// Expire makes the BMC want the first user's password changed before anything else.
func (b *BMC) Expire() { b.mu.Lock(); defer b.mu.Unlock(); b.custody.expired = true }

// Restore gives the first user back the password it was added with, as somebody at the
// machine does.
func (b *BMC) Restore() { b.mu.Lock(); defer b.mu.Unlock(); b.access.Password = b.custody.first }

// Password is the first user's now.
func (b *BMC) Password() string { b.mu.Lock(); defer b.mu.Unlock(); return b.access.Password }

// Ahead puts the BMC's clock that far ahead of ours.
func (b *BMC) Ahead(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.custody.ahead = d }

// Place is where the BMC was told it is.
func (b *BMC) Place() bmc.Place { b.mu.Lock(); defer b.mu.Unlock(); return b.custody.place }

// admits judges a log-in; the caller holds the lock.
func (b *BMC) admits(a bmc.Access) (expired bool, err error) {
	if a.Username == b.access.Username {
		if a.Password != b.access.Password || b.custody.disabled {
			return false, bmc.WrongPassword(a)
		}
		if b.custody.expired && !a.Expired {
			return false, fault.Deniedf("BMC %s wants the password of %q changed first", a.Address, a.Username).WithHint("set a new password")
		}
		return b.custody.expired, nil
	}
	i := slices.IndexFunc(b.custody.others, func(l login) bool { return l.name == a.Username })
	if i < 0 || b.custody.others[i].disabled || b.custody.others[i].password != a.Password {
		return false, bmc.WrongPassword(a)
	}
	return false, nil
}

func (c *controller) Accounts(ctx context.Context) ([]bmc.Account, error) {
	if err := c.called(ctx, Accounts); err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	out := []bmc.Account{{ID: "1", Name: c.b.access.Username, Role: "Administrator", Enabled: !c.b.custody.disabled}}
	for i, l := range c.b.custody.others {
		out = append(out, bmc.Account{ID: fmt.Sprint(i + 2), Name: l.name, Role: l.role, Enabled: !l.disabled})
	}
	return out, nil
}

func (c *controller) CreateAccount(ctx context.Context, name, password, role string) error {
	if err := c.called(ctx, CreateAccount); err != nil {
		return err
	}
	if err := c.goodPassword(password); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if name == c.b.access.Username || slices.ContainsFunc(c.b.custody.others, func(l login) bool { return l.name == name }) {
		return fault.Conflictf("BMC %s has a user %q already", c.b.access.Address, name).WithHint("choose another name")
	}
	c.b.custody.others = append(c.b.custody.others, login{name: name, password: password, role: role})
	return nil
}

func (c *controller) goodPassword(password string) error {
	if len(password) < leastPassword || len(password) > mostPassword {
		return fault.Invalidf("BMC %s does not take the password", c.b.access.Address).WithHint("it takes %d to %d characters", leastPassword, mostPassword)
	}
	return nil
}

func (c *controller) SetPassword(ctx context.Context, name, password string) error {
	if err := c.calledExpired(ctx, SetPassword); err != nil {
		return err
	}
	if err := c.goodPassword(password); err != nil {
		return err
	}
	return c.user(name, func(first bool, l *login) {
		if first {
			c.b.access.Password, c.b.custody.expired = password, false
			return
		}
		l.password = password
	})
}

// user finds a user and changes it.
func (c *controller) user(name string, change func(first bool, l *login)) error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if name == c.b.access.Username {
		change(true, nil)
		return nil
	}
	for i := range c.b.custody.others {
		if c.b.custody.others[i].name == name {
			change(false, &c.b.custody.others[i])
			return nil
		}
	}
	return fault.NotFoundf("BMC %s has no user %q", c.b.access.Address, name).WithHint("list its users")
}

func (c *controller) DisableAccount(ctx context.Context, name string) error {
	if err := c.called(ctx, DisableAccount); err != nil {
		return err
	}
	if name == c.as {
		return fault.Conflictf("user %q is our own", name).WithHint("log in as another user first")
	}
	return c.user(name, func(first bool, l *login) {
		if first {
			c.b.custody.disabled = true
			return
		}
		l.disabled = true
	})
}

func (c *controller) Protocols(ctx context.Context) ([]bmc.Protocol, error) {
	if err := c.called(ctx, Protocols); err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return slices.Clone(c.b.custody.protocols), nil
}

func (c *controller) SetProtocol(ctx context.Context, name string, on bool) error {
	if err := c.called(ctx, SetProtocol); err != nil {
		return err
	}
	if name == "https" {
		return fault.Conflictf("https is how we reach the BMC").WithHint("leave it on")
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	for i := range c.b.custody.protocols {
		if c.b.custody.protocols[i].Name == name {
			c.b.custody.protocols[i].On = on
			return nil
		}
	}
	return fault.Invalidf("BMC %s has no service %q", c.b.access.Address, name).WithHint("list its services")
}

func (c *controller) Clock(ctx context.Context) (bmc.Clock, error) {
	if err := c.called(ctx, Clock); err != nil {
		return bmc.Clock{}, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	keep := c.b.custody
	return bmc.Clock{Time: time.Now().UTC().Add(keep.ahead), Off: keep.ahead, Servers: slices.Clone(keep.servers), NTP: len(keep.servers) > 0}, nil
}

func (c *controller) SetClock(ctx context.Context, servers []string) error {
	if err := c.called(ctx, SetClock); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.custody.servers, c.b.custody.ahead = slices.Clone(servers), 0
	return nil
}

func (c *controller) ReplaceCertificate(ctx context.Context, sign bmc.SignRequest) error {
	if err := c.called(ctx, ReplaceCertificate); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "bmc"}}, key)
	if err != nil {
		return err
	}
	chain, err := sign(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(chain)
	if block == nil {
		return fault.Invalidf("what was signed is no certificate").WithHint("give PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !key.PublicKey.Equal(leaf.PublicKey) {
		return fault.Invalidf("the certificate is for another key").WithHint("sign the request as it came")
	}
	sum := sha256.Sum256(leaf.Raw)
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.access.CertificateSHA256 = hex.EncodeToString(sum[:])
	return nil
}

func (c *controller) Console(ctx context.Context) (bmc.Console, error) {
	if err := c.called(ctx, Console); err != nil {
		return bmc.Console{}, err
	}
	return bmc.Console{Kinds: []string{"ssh"}, On: true, Command: "ssh -p 2200 root@bmc", Most: 1}, nil
}

func (c *controller) Place(ctx context.Context) (bmc.Place, error) {
	if err := c.called(ctx, Place); err != nil {
		return bmc.Place{}, err
	}
	return c.b.Place(), nil
}

func (c *controller) SetPlace(ctx context.Context, p bmc.Place) error {
	if err := c.called(ctx, SetPlace); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	now := &c.b.custody.place
	for _, f := range []struct {
		is   *string
		want string
	}{{&now.Site, p.Site}, {&now.Room, p.Room}, {&now.Row, p.Row}, {&now.Rack, p.Rack}} {
		if f.want != "" {
			*f.is = f.want
		}
	}
	if p.Unit > 0 {
		now.Unit = p.Unit
	}
	return nil
}
