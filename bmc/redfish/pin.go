package redfish

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"sync"

	"rackwright/bmc"
)

// pin is the certificate one Controller accepts: the one given, else the first one
// shown. BMC certificates are self-signed and named after nothing, so the chain, name
// and dates are not looked at; the exact certificate is.
type pin struct {
	access bmc.Access

	mu   sync.Mutex
	want string // hexadecimal SHA-256 of the leaf's DER; empty until first contact
	next string // that we gave the BMC: from the first time it is shown it is the only one

	host   string // of the session to resume
	resume *tls.ClientSessionState
	seen   string // last one that was accepted

	leaf    *x509.Certificate // that one
	version uint16            // of TLS
}

func (p *pin) shown() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// verify runs inside the handshake, resumed or not, before any byte of a request is sent.
func (p *pin) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the BMC shows no certificate")
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	shown := hex.EncodeToString(sum[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.want == "" {
		p.want = shown
	}
	if p.next != "" && subtle.ConstantTimeCompare([]byte(p.next), []byte(shown)) == 1 {
		p.want, p.next = p.next, ""
	}
	if subtle.ConstantTimeCompare([]byte(p.want), []byte(shown)) != 1 {
		return bmc.WrongCertificate(p.access, p.want, shown)
	}
	p.seen, p.leaf, p.version = shown, state.PeerCertificates[0], state.Version
	return nil
}

// expect accepts a certificate that we gave the BMC, and the one before until it is shown.
func (p *pin) expect(next string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.resume = next, nil
}

// Get is the session to resume (tls.ClientSessionCache). While a new certificate is expected
// there is none: a resumed session shows the certificate that it began with.
func (p *pin) Get(host string) (*tls.ClientSessionState, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resume, p.resume != nil && p.next == "" && p.host == host
}

// Put keeps the last one.
func (p *pin) Put(host string, session *tls.ClientSessionState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.host, p.resume = host, session
	if p.next != "" {
		p.resume = nil
	}
}

// config is TLS 1.2 or newer. The RSA key exchanges at the end, which Go leaves out by
// default, are all that iDRAC8, iLO4 and Supermicro X10 offer; with a pinned certificate
// they lack forward secrecy only.
func (p *pin) config() *tls.Config {
	suites := []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA}
	for _, s := range tls.CipherSuites() {
		suites = append(suites, s.ID)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites,
		InsecureSkipVerify: true, // verify below replaces it
		VerifyConnection:   p.verify,
		ClientSessionCache: p, // connections are short: resume
		// Without the post-quantum hybrid that Go offers first: no BMC has it, it makes the
		// ClientHello larger than a packet, which old ones choke on, and it is half the work.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
	}
}
