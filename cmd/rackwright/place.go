package main

import (
	"cmp"
	"crypto/tls"
	"net/url"
	"path/filepath"
	"strings"

	"rackwright/api/client"
	"rackwright/fault"
)

// client asks a server as it is trusted, with the secret and the certificate there are. A
// secret goes over the network in the clear only where somebody said so.
func (p place) client(secret string) (*client.Client, error) {
	if secret != "" {
		if err := p.veiled(); err != nil {
			return nil, err
		}
	}
	c, err := client.New(p.Server, secret)
	if err == nil && p.CA != "" {
		err = c.Trust([]byte(p.CA))
	}
	if err == nil && p.ClientCert != "" {
		if _, err = p.certificate(); err == nil {
			c.Show(p.certificate)
		}
	}
	return c, err
}

// veiled is nil where nobody on the way reads what is sent, or somebody said that they may.
func (p place) veiled() error {
	u, err := url.Parse(p.Server)
	if err != nil || u.Scheme != "http" || local(p.Server) || p.Clear {
		return nil
	}
	return fault.Invalidf("%s is asked in the clear: whoever is on the way reads the token", oneLine(p.Server)).
		WithHint("give its https:// address; where a tunnel protects the way, --in-the-clear")
}

// certificate reads the client certificate, which may have been renewed.
func (p place) certificate() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(p.ClientCert, p.ClientKey)
	if err != nil {
		return nil, fault.Invalidf("client certificate: %w", err).WithHint("--client-cert and --client-key name PEM files that belong together; one file may have both")
	}
	return &cert, nil
}

// shows puts the client certificate of the flags, or of the environment, in the place of the
// context's. Without TLS none is shown.
func (w *world) shows(p *place) error {
	cert, key := w.clientCert, w.clientKey
	if cert == "" && key == "" {
		cert, key = w.getenv("RACKWRIGHT_CLIENT_CERT"), w.getenv("RACKWRIGHT_CLIENT_KEY")
	}
	tls := strings.HasPrefix(strings.ToLower(p.Server), "https://")
	switch {
	case cert == "" && key == "", !tls && w.clientCert == "" && w.clientKey == "":
		return nil
	case cert == "":
		return fault.Invalidf("a key is named, and no client certificate").WithHint("name it with --client-cert")
	case !tls:
		return fault.Invalidf("%s is asked without TLS, where no client certificate is shown", oneLine(p.Server)).WithHint("give its https:// address")
	}
	var bad, worse error
	p.ClientCert, bad = filepath.Abs(cert)
	p.ClientKey, worse = filepath.Abs(cmp.Or(key, cert))
	if err := cmp.Or(bad, worse); err != nil {
		return fault.Invalidf("client certificate: %w", err)
	}
	return nil
}

// prefersToken reports whether a token is named and no client certificate: then that of the
// context is not shown, which would go before the token.
func (w *world) prefersToken() bool {
	return w.clientCert == "" && w.getenv("RACKWRIGHT_CLIENT_CERT") == "" && cmp.Or(w.tokenFile, w.getenv("RACKWRIGHT_TOKEN"), w.getenv("RACKWRIGHT_TOKEN_FILE")) != ""
}
