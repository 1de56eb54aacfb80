package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"rackwright/fault"
)

// web is an HTTP server as a task.
type web struct {
	name string
	srv  *http.Server
	cert *tls.Certificate
	tls  *tls.Config                     // instead of cert
	wire func(net.Listener) net.Listener // beneath TLS; nil: nothing
	most int                             // connections open at once; 0: any number
	each int                             // of them of one address; 0: any number
	log  *slog.Logger
	open latch // pulled once it listens
}

// String names the task.
func (t *web) String() string { return t.name }

// Run serves until ctx ends; streams and long polls end with it.
func (t *web) Run(ctx context.Context) error {
	l, err := t.listen(ctx)
	if err != nil {
		return portFault(t.name, t.srv.Addr, err)
	}
	t.open.pull()
	t.srv.BaseContext = func(net.Listener) context.Context { return ctx }
	if t.most > 0 || t.each > 0 {
		l = &crowd{Listener: l, name: t.name, most: int64(cmp.Or(t.most, math.MaxInt)), each: t.each, log: t.log, now: time.Now}
	}
	if t.wire != nil {
		l = t.wire(l)
	}
	if t.tls != nil {
		l = tls.NewListener(l, t.tls)
	} else if t.cert != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*t.cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if t.srv.Shutdown(grace) != nil {
			t.srv.Close()
		}
	})
	defer stop()
	if err := t.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (t *web) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	path, unix := strings.CutPrefix(t.srv.Addr, "unix:")
	if !unix {
		return lc.Listen(ctx, "tcp", t.srv.Addr)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, syscall.EADDRINUSE
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return lc.Listen(ctx, "unix", path)
}

// portFault says why a port cannot be had and what to do.
func portFault(name, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.Conflictf("%s: %s is in use", name, addr).WithHint("'ss -ltnp' names the program; stop it, or set another listen address")
	case errors.Is(err, syscall.EACCES):
		return fault.Deniedf("%s: this user may not open %s", name, addr).
			WithHint("run as root, or: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep $(command -v rackwright)")
	}
	return fault.Invalidf("%s: cannot listen on %s: %w", name, addr, err)
}
