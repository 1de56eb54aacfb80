package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"rackwright/fault"
)

// firstCertificate is that of a PEM bundle, nil when there is none.
func firstCertificate(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil
	}
	return block.Bytes
}

// trusting says by what a server is to be trusted for the first time.
type trusting struct{ fingerprint, caFile string }

// trust returns who may sign a server's certificate, PEM: what the person says, what was
// trusted before, nobody in particular when the system trusts it, or, at first sight, what it
// shows and the person agrees to.
func (w *world) trust(ctx context.Context, server, before string, t trusting) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" {
		return "", nil
	}
	pinned := before
	if t.caFile != "" {
		text, err := os.ReadFile(t.caFile)
		if err != nil || firstCertificate(string(text)) == nil {
			return "", fault.Invalidf("--ca: %s has no certificate that can be read", t.caFile)
		}
		pinned = string(text)
	}
	if t.fingerprint == "" {
		_, err := handshake(ctx, u, pinned, false)
		switch bad := (*tls.CertificateVerificationError)(nil); {
		case err == nil:
			return pinned, nil
		case !errors.As(err, &bad):
			return "", fault.New(fault.Unreachable, "no answer from %s: %w", server, err)
		case t.caFile != "" || nameWrong(err):
			return "", fault.Deniedf("%s: %w", server, err)
		}
	}
	chain, err := handshake(ctx, u, "", true)
	if err != nil {
		return "", fault.New(fault.Unreachable, "no answer from %s: %w", server, err)
	}
	shown := chain[len(chain)-1].Raw
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shown}))
	switch is := fingerprint(shown); {
	case t.fingerprint != "" && !strings.EqualFold(strings.TrimPrefix(t.fingerprint, "sha256:"), strings.TrimPrefix(is, "sha256:")):
		return "", fault.Deniedf("%s shows %s, not the fingerprint that was given", server, is).WithHint("somebody may stand between; ask an admin for the fingerprint that the server logs at its start")
	case t.fingerprint != "":
	case before != "":
		return "", fault.Deniedf("%s shows another certificate than before: %s, not %s", server, is, fingerprint(firstCertificate(before))).
			WithHint("somebody may stand between; if an admin says that it was changed: 'rackwright login %s --fingerprint %s'", server, is)
	case !w.asks:
		return "", fault.Deniedf("%s is not trusted yet; it shows %s", server, is).WithHint("compare that with what the server logs at its start, then 'rackwright login %s --fingerprint %s'", server, is)
	default:
		fmt.Fprintf(w.err, "%s shows the fingerprint\n  %s\nThe server logs it at its start. Is it the same? Type yes to trust it from now on: ", server, is)
		line, _ := bufio.NewReader(w.in).ReadString('\n')
		if strings.TrimSpace(line) != "yes" {
			return "", fault.Deniedf("%s is not trusted", server)
		}
	}
	if _, err := handshake(ctx, u, text, false); err != nil {
		return "", fault.Deniedf("%s: %w", server, err).WithHint("use a name or an address that stands in its certificate; public_host in the server's configuration adds one")
	}
	return text, nil
}

func nameWrong(err error) bool {
	_, wrong := errors.AsType[x509.HostnameError](err)
	return wrong
}

// handshake returns the certificates that a server shows.
func handshake(ctx context.Context, u *url.URL, ca string, blind bool) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: blind}
	if ca != "" {
		cfg.RootCAs = x509.NewCertPool()
		cfg.RootCAs.AppendCertsFromPEM([]byte(ca))
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}
