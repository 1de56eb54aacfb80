package run

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/racksim"
)

// state is one machine's folder in the state directory.
type state struct{ dir string }

func (s state) path(name string) string { return filepath.Join(s.dir, name) }

// passwordFile holds the password of the BMC's first account, as it is now.
func (s state) passwordFile() string { return s.path("bmc.password") }

func makeState(root string, m racksim.Machine) (state, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return state{}, fault.Internalf("state directory: %w", err)
	}
	s := state{filepath.Join(root, m.Name)}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return state{}, fault.Internalf("state directory: %w", err).WithHint("name a writable one with --state")
	}
	return s, nil
}

// password is the rack file's, else the one kept from an earlier start, else a new
// random one.
func (s state) password(given string) (string, error) {
	if given != "" {
		return given, s.savePassword(given)
	}
	text, err := os.ReadFile(s.passwordFile())
	if kept := strings.TrimSpace(string(text)); err == nil && kept != "" {
		return kept, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fault.Internalf("BMC password: %w", err)
	}
	made := rand.Text()
	return made, s.savePassword(made)
}

func (s state) savePassword(password string) error {
	return s.write("bmc.password", []byte(password+"\n"))
}

// write replaces a file in one step, readable by the owner only.
func (s state) write(name string, data []byte) error {
	if err := os.WriteFile(s.path(name)+".new", data, 0o600); err != nil {
		return fault.Internalf("state: %w", err)
	}
	if err := os.Rename(s.path(name)+".new", s.path(name)); err != nil {
		return fault.Internalf("state: %w", err)
	}
	return nil
}

// certificate is the BMC's own, made at the first start, and its SHA-256 fingerprint
// as 64 hexadecimal digits.
func (s state) certificate(address netip.Addr, name string, now time.Time) (tls.Certificate, string, error) {
	_, missing := os.Stat(s.path("bmc.crt"))
	if errors.Is(missing, fs.ErrNotExist) {
		if err := s.makeCertificate(address, name, now); err != nil {
			return tls.Certificate{}, "", err
		}
	}
	pair, err := tls.LoadX509KeyPair(s.path("bmc.crt"), s.path("bmc.key"))
	if err != nil {
		return pair, "", fault.Internalf("BMC certificate: %w", err).WithHint("remove %s to have a new one made", s.path("bmc.crt"))
	}
	sum := sha256.Sum256(pair.Certificate[0])
	fingerprint := hex.EncodeToString(sum[:])
	return pair, fingerprint, s.write("fingerprint", []byte(fingerprint+"\n"))
}

func (s state) makeCertificate(address netip.Addr, name string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fault.Internalf("BMC certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fault.Internalf("BMC certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name + "-bmc", Organization: []string{"racksim"}},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{name + "-bmc"}, IPAddresses: []net.IP{address.AsSlice()}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fault.Internalf("BMC certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fault.Internalf("BMC certificate: %w", err)
	}
	return s.saveCertificate(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func (s state) saveCertificate(chain, key []byte) error {
	if err := s.write("bmc.key", key); err != nil {
		return err
	}
	return s.write("bmc.crt", chain)
}

// lock keeps a second racksim from using the same state directory; release it by
// closing the file.
func lock(root string) (*os.File, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fault.Internalf("state directory: %w", err).WithHint("name a writable one with --state")
	}
	f, err := os.OpenFile(filepath.Join(root, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Internalf("state directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.Conflictf("state directory %s is in use by another racksim", root).WithHint("stop that one, or give this one its own --state")
	}
	return f, nil
}
