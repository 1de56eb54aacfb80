// Package tftp serves the boot loaders by TFTP, read-only and from memory. It decides
// nothing: which loader a machine wants, DHCP has told it.
package tftp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pin/tftp/v3"
	"golang.org/x/sys/unix"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
)

// Server is the TFTP task. All fields but Port and Host are required.
type Server struct {
	View    func() *boot.View
	Loaders *boot.Loaders
	Journal journal.Recorder
	Log     *slog.Logger
	Now     func() time.Time
	Port    uint16 // 69 when zero
	Host    string // IPv4 address to serve on; empty: every one

	once  sync.Once
	ready chan struct{}
}

// Bounds of a transfer and of how many run at once.
const (
	transfers    = 512
	blockTimeout = time.Second // per block; firmware itself repeats after 1 to 4 s
	blockRetries = 5
)

// String names the task.
func (s *Server) String() string { return "tftp" }

// Ready is closed once the socket is open.
func (s *Server) Ready() <-chan struct{} {
	s.once.Do(func() { s.ready = make(chan struct{}) })
	return s.ready
}

// Run serves until ctx ends. It fails at once, with a hint, when the port cannot be had.
func (s *Server) Run(ctx context.Context) error {
	port := s.Port
	if port == 0 {
		port = 69
	}
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", net.JoinHostPort(s.Host, strconv.Itoa(int(port))))
	if err != nil {
		return portFault(port, err)
	}
	defer conn.Close()
	slots := make(chan struct{}, transfers)
	srv := tftp.NewServer(
		func(name string, rf io.ReaderFrom) error { return s.read(slots, name, rf) },
		func(name string, wt io.WriterTo) error { return s.write(name, wt) })
	srv.SetTimeout(blockTimeout)
	srv.SetRetries(blockRetries)
	srv.SetBackoff(func(int) time.Duration { return 0 })
	stop := context.AfterFunc(ctx, srv.Shutdown)
	defer stop()
	s.Ready()
	close(s.ready)
	return srv.Serve(conn)
}

// read answers one read request.
func (s *Server) read(slots chan struct{}, name string, rf io.ReaderFrom) error {
	peer := netip.Addr{}
	out, ok := rf.(tftp.OutgoingTransfer)
	if ok {
		peer = peerOf(out.RemoteAddr())
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		return s.refuse(peer, name, "busy", "too many transfers at once, try again")
	}
	file := s.Loaders.Get(name)
	if file == nil && path.Base(name) == "autoexec.ipxe" {
		return s.refuse(peer, name, "optional", "there is none, and iPXE goes on without it")
	}
	if file == nil {
		return s.refuse(peer, name, "no-such-file", "file not found")
	}
	if ok {
		out.SetSize(int64(file.Size))
	}
	began := s.Now()
	n, err := rf.ReadFrom(bytes.NewReader(file.Bytes()))
	s.sent(peer, file, n, s.Now().Sub(began), err)
	return nil // the library has told the client of any error
}

// write refuses: nothing is ever taken by TFTP.
func (s *Server) write(name string, wt io.WriterTo) error {
	peer := netip.Addr{}
	if in, ok := wt.(tftp.IncomingTransfer); ok {
		peer = peerOf(in.RemoteAddr())
	}
	return s.refuse(peer, name, "write", "this server is read-only")
}

// refuse records and returns the error the client is told.
func (s *Server) refuse(peer netip.Addr, name, reason, told string) error {
	e := s.event(journal.TFTPFailed, peer)
	name = clip(name)
	e.Summary = fmt.Sprintf("TFTP request for %q refused: %s", name, told)
	e.Detail["file"], e.Detail["reason"] = name, reason
	s.Journal.Record(e)
	return errors.New(told)
}

// sent records a transfer. Firmware often asks for the size alone and breaks off after
// the option acknowledgement (RFC 2349 section 3): that is no failure.
func (s *Server) sent(peer netip.Addr, f *boot.LoaderFile, n int64, took time.Duration, err error) {
	var e journal.Event
	var timeout net.Error
	switch {
	case err == nil:
		e = s.event(journal.TFTPSent, peer)
		e.Summary = fmt.Sprintf("%s sent by TFTP, %d bytes in %d ms", f.Name, n, took.Milliseconds())
	case n == 0 && !errors.As(err, &timeout):
		e = s.event(journal.TFTPSent, peer)
		e.Summary = f.Name + ": its size asked for by TFTP"
		e.Detail["size_only"] = true
	default:
		e = s.event(journal.TFTPFailed, peer)
		e.Summary = fmt.Sprintf("%s broke off by TFTP after %d of %d bytes", f.Name, n, f.Size)
		e.Detail["error"], e.Detail["reason"] = clip(err.Error()), "aborted"
	}
	e.Detail["file"], e.Detail["bytes"], e.Detail["size"], e.Detail["ms"] = f.Name, n, f.Size, took.Milliseconds()
	s.Journal.Record(e)
}

func (s *Server) event(k journal.Kind, peer netip.Addr) journal.Event {
	e := journal.Event{At: s.Now(), Kind: k, Actor: "tftp", Detail: map[string]any{"peer": peer.String()}}
	if h := s.View().HostAt(peer); h != nil {
		e.Machine, e.Name, e.MAC, e.Operation = h.Machine, h.Name, h.MAC, h.Operation
	}
	return e
}

func peerOf(a net.UDPAddr) netip.Addr {
	ip, _ := netip.AddrFromSlice(a.IP)
	return ip.Unmap()
}

// clip keeps what strangers send short and printable.
func clip(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, s)
}

// portFault says why a port cannot be had and what to do about it.
func portFault(port uint16, err error) error {
	switch {
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		return fault.Deniedf("TFTP: may not open UDP port %d: %w", port, err).WithHint(
			"run as root, or give the program the right: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep $(command -v rackwright); under systemd AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN")
	case errors.Is(err, unix.EADDRINUSE):
		return fault.Conflictf("TFTP: UDP port %d is in use by another program: %w", port, err).WithHint(
			"see which: ss -ulpn 'sport = :%d'; stop it, or switch TFTP off here in the configuration", port)
	}
	return fault.Internalf("TFTP: open UDP port %d: %w", port, err)
}
