package faults

import (
	"net"
	"net/http"
	"net/url"
)

// Listener resets connections while a refuse fault stands, before anything is said on
// them: what a client sees of a BMC whose web server is down.
func (s *Set) Listener(l net.Listener) net.Listener { return &refusing{l, s} }

type refusing struct {
	net.Listener
	set *Set
}

// Accept gives out the next connection that is not refused.
func (l *refusing) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if _, ok := l.set.met(&http.Request{URL: &url.URL{Path: "/"}}, Refuse); !ok {
			return c, nil
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an end
		}
		c.Close()
	}
}
