package run_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// strongbox is a BMC with accounts, as a claim meets it, and the hand at it.
type strongbox struct {
	db *store.DB

	mu       sync.Mutex
	at       func(point string) error // called before and after each call; an error is a death
	accounts map[string]*boxAccount
	facts    inventory.Facts
	shown    string // certificate
	leaf     *x509.Certificate
	takes    func(password string) bool // nil: any
	deaf     bool                       // says yes to a new password and does nothing
	ipmi     bool
	servers  []string
	place    bmc.Place
	failed   map[string]int // by account and password
	wrote    []string       // passwords
	open     int            // sessions
}

type boxAccount struct {
	password         string
	enabled, expired bool
}

func newStrongbox(db *store.DB) *strongbox {
	box := &strongbox{db: db, accounts: map[string]*boxAccount{}, facts: bmctest.Server(1), shown: strings.Repeat("a", 64), failed: map[string]int{}, ipmi: true}
	box.facts.Source = "redfish"
	box.at = func(string) error { return nil }
	return box
}

// call runs a call between its two points.
func (x *strongbox) call(ctx context.Context, name string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := x.at(name); err != nil {
		return err
	}
	x.mu.Lock()
	err := do()
	x.mu.Unlock()
	if died := x.at(name + " done"); died != nil {
		return died
	}
	return err
}

// Hand opens it with what the store has.
func (x *strongbox) Hand(ctx context.Context, machineID string) (bmc.Controller, error) {
	a, err := x.db.BMCAccess(ctx, machineID)
	if err != nil {
		return nil, err
	}
	return x.HandAs(ctx, machineID, a)
}

// HandAs opens it as somebody.
func (x *strongbox) HandAs(ctx context.Context, machineID string, a bmc.Access) (bmc.Controller, error) {
	h := &boxHand{Unable: bmc.Unable{Address: a.Address, Protocol: "test"}, x: x, as: a}
	err := x.call(ctx, "dial", func() error {
		if a.CertificateSHA256 != "" && a.CertificateSHA256 != x.shown {
			return bmc.WrongCertificate(a, a.CertificateSHA256, x.shown)
		}
		u := x.accounts[a.Username]
		if u == nil || !u.enabled || u.password != a.Password {
			x.failed[a.Username+" "+a.Password]++
			return bmc.WrongPassword(a)
		}
		if u.expired && !a.Expired {
			return fault.Deniedf("the password has to be changed")
		}
		h.lapsed = u.expired
		x.open++
		return nil
	})
	if err == nil && a.CertificateSHA256 == "" {
		err = x.db.PinCertificate(ctx, machineID, x.shown)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

// opens reports whether one of the logins that are kept opens it.
func (x *strongbox) opens(ctx context.Context, machineID string) bool {
	logins, err := x.db.BMCLogins(ctx, machineID)
	x.mu.Lock()
	defer x.mu.Unlock()
	return err == nil && slices.ContainsFunc(logins, func(l store.Login) bool {
		u := x.accounts[l.Username]
		return u != nil && u.enabled && u.password == l.Password
	})
}

// boxHand is one login.
type boxHand struct {
	bmc.Unable
	x      *strongbox
	as     bmc.Access
	lapsed bool
}

func (h *boxHand) do(ctx context.Context, name string, f func() error) error {
	return h.x.call(ctx, name, func() error {
		if h.lapsed && name != "set password" {
			return fault.Deniedf("the password has to be changed first")
		}
		return f()
	})
}

func (h *boxHand) Identity(ctx context.Context) (f inventory.Facts, err error) {
	err = h.do(ctx, "identity", func() error { f = h.x.facts; f.Observed = time.Now(); return nil })
	return f, err
}

func (h *boxHand) SetPassword(ctx context.Context, name, password string) error {
	return h.do(ctx, "set password", func() error { return h.x.set(name, password) })
}

func (x *strongbox) set(name, password string) error {
	u := x.accounts[name]
	switch {
	case u == nil:
		return fault.NotFoundf("there is no account %q", name)
	case x.takes != nil && !x.takes(password):
		return fault.Invalidf("the password is too weak or too long")
	}
	x.wrote = append(x.wrote, password)
	if !x.deaf {
		u.password, u.expired = password, false
	}
	return nil
}

func (h *boxHand) CreateAccount(ctx context.Context, name, password, role string) error {
	return h.do(ctx, "create account", func() error {
		if h.x.accounts[name] != nil {
			return fault.Conflictf("there is an account %q", name)
		}
		h.x.accounts[name] = &boxAccount{enabled: true}
		return h.x.set(name, password)
	})
}

func (h *boxHand) Accounts(ctx context.Context) (out []bmc.Account, err error) {
	err = h.do(ctx, "accounts", func() error {
		for name, u := range h.x.accounts {
			out = append(out, bmc.Account{ID: name, Name: name, Role: "Administrator", Enabled: u.enabled})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b bmc.Account) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

func (h *boxHand) DisableAccount(ctx context.Context, name string) error {
	return h.do(ctx, "disable account", func() error { h.x.accounts[name].enabled = false; return nil })
}

func (h *boxHand) Protocols(ctx context.Context) (out []bmc.Protocol, err error) {
	err = h.do(ctx, "protocols", func() error {
		out = []bmc.Protocol{{Name: "https", On: true}, {Name: "ipmi", On: h.x.ipmi}}
		return nil
	})
	return out, err
}

func (h *boxHand) SetProtocol(ctx context.Context, name string, on bool) error {
	return h.do(ctx, "set protocol", func() error { h.x.ipmi = on; return nil })
}

func (h *boxHand) SetClock(ctx context.Context, servers []string) error {
	return h.do(ctx, "set clock", func() error { h.x.servers = servers; return nil })
}

func (h *boxHand) SetPlace(ctx context.Context, p bmc.Place) error {
	return h.do(ctx, "set place", func() error { h.x.place = p; return nil })
}

func (h *boxHand) ReplaceCertificate(ctx context.Context, sign bmc.SignRequest) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	chain, err := sign(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	if err != nil {
		return err
	}
	return h.do(ctx, "install certificate", func() error {
		block, _ := pem.Decode(chain)
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fault.Invalidf("that is no certificate: %w", err)
		}
		sum := sha256.Sum256(block.Bytes)
		h.x.leaf, h.x.shown = leaf, hex.EncodeToString(sum[:])
		return nil
	})
}

func (h *boxHand) Certificate() string { return h.x.shown }

func (h *boxHand) Close(context.Context) error {
	h.x.mu.Lock()
	defer h.x.mu.Unlock()
	h.x.open--
	return nil
}

// mortal is a store whose calls have points, too.
type mortal struct {
	*store.DB
	x *strongbox
}

func (m mortal) between(name string, do func() error) error {
	if err := m.x.at(name); err != nil {
		return err
	}
	err := do()
	if died := m.x.at(name + " done"); died != nil {
		return fmt.Errorf("%w (%v)", died, err)
	}
	return err
}

func (m mortal) PendingPassword(ctx context.Context, id, password string) error {
	return m.between("keep pending", func() error { return m.DB.PendingPassword(ctx, id, password) })
}

func (m mortal) PromotePending(ctx context.Context, id string, a bmc.Access) error {
	return m.between("promote", func() error { return m.DB.PromotePending(ctx, id, a) })
}

func (m mortal) DropPending(ctx context.Context, id, password string) error {
	return m.between("drop pending", func() error { return m.DB.DropPending(ctx, id, password) })
}

func (m mortal) NextCertificate(ctx context.Context, id, sha256 string) error {
	return m.between("keep certificate", func() error { return m.DB.NextCertificate(ctx, id, sha256) })
}

func (m mortal) TakeCertificate(ctx context.Context, id, shown string) (took bool, err error) {
	err = m.between("take certificate", func() (err error) { took, err = m.DB.TakeCertificate(ctx, id, shown); return err })
	return took, err
}
