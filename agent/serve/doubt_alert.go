package serve

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// distrusts are the alerts of a client that does not take our certificate (RFC 8446 section
// 6.2): bad_certificate to certificate_unknown, unknown_ca.
func distrusts() []tls.AlertError { return []tls.AlertError{42, 43, 44, 45, 46, 48} }

// distrust is what a client said of our certificate when it ended the handshake, "" when it
// was not that. crypto/tls has its alerts as errors without a type of their own.
func distrust(c *tls.Conn) string {
	err := c.Handshake() // has failed already: this is the error
	var by *net.OpError
	if !errors.As(err, &by) || by.Err == nil {
		return ""
	}
	alert := tls.AlertError(0)
	if end, ok := c.NetConn().(*ending); ok && by.Op == "local error" {
		alert = end.alert()
	}
	for _, code := range distrusts() {
		if code == alert || by.Op == "remote error" && by.Err.Error() == code.Error() {
			return strings.TrimPrefix(code.Error(), "tls: ")
		}
	}
	return ""
}

// hungUp reports whether a client ended a handshake after our answer, and said nothing.
func hungUp(c *tls.Conn) bool {
	end, ok := c.NetConn().(*ending)
	err := c.Handshake()
	return ok && end.answered && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.ECONNRESET))
}

// Listener is l, to be put beneath TLS. OpenSSL over TLS 1.3 says its alert in the clear, for
// it has no key yet, and crypto/tls takes that for a record that it cannot decrypt: so each
// connection remembers what came last.
func (d *Doubt) Listener(l net.Listener) net.Listener { return clear{l} }

type clear struct{ net.Listener }

func (l clear) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &ending{Conn: c}, nil
}

// ending is a connection that knows the last bytes that came, and whether any were answered.
type ending struct {
	net.Conn
	last     [7]byte // as long as the record of an alert
	answered bool
}

// Write writes on.
func (e *ending) Write(b []byte) (int, error) {
	e.answered = true
	return e.Conn.Write(b)
}

// Read reads on.
func (e *ending) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	came := b[max(0, n-len(e.last)):n]
	copy(e.last[:], e.last[len(came):])
	copy(e.last[len(e.last)-len(came):], came)
	return n, err
}

// alert is the fatal alert in the clear that came last (RFC 8446 sections 5.1 and 6), 0 for
// another record.
func (e *ending) alert() tls.AlertError {
	if !slices.Equal(e.last[:6], []byte{21, 3, 3, 0, 2, 2}) {
		return 0
	}
	return tls.AlertError(e.last[6])
}
