// Package serve is boot's HTTP for firmware and loaders: loaders, scripts, the agent's
// kernel and ramdisk, and the files of installers. It decides nothing about machines and
// knows no API.
package serve

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
)

// Boots hands out the one-time nonces that let a machine load the agent.
type Boots interface {
	// Begin opens a boot for the host and returns its nonce, safe in a URL path. Asked
	// again for the same host it may return another; the older one may stop working.
	Begin(ctx context.Context, h *boot.Host) (nonce string, err error)
	// Check returns the host a nonce was given to. Denied or NotFound: it is unknown,
	// used or too old. The error never contains the nonce.
	Check(ctx context.Context, nonce string) (*boot.Host, error)
}

// Strangers is told of machines that ask for a script and are in no plan.
type Strangers interface {
	// Script records the sighting and returns a host whose Intent is RunAgent when the
	// machine is to be inspected, nil when it is to be left alone.
	Script(ctx context.Context, s boot.Sighting) (*boot.Host, error)
}

// Server answers firmware and loaders. All fields but Newest, Leases, Systems, Advertise and Args are required.
type Server struct {
	View      func() *boot.View
	Newest    func(context.Context) *boot.View // asked before a machine is told that there is nothing to do; nil: View
	Loaders   *boot.Loaders
	Boots     Boots
	Strangers Strangers
	Leases    Leases  // nil: nobody has one
	Systems   Systems // nil: nothing but the agent is started
	Journal   journal.Recorder
	Log       *slog.Logger
	Now       func() time.Time
	Ramdisks  string     // directory with amd64/vmlinuz, amd64/initrd, ...
	AgentPort uint16     // of the agent's HTTPS server on the same address
	AgentPin  string     // SHA-256 of its certificate, hexadecimal
	Advertise netip.Addr // address to name instead of the one a client of its family connected to
	Args      string     // more kernel arguments

	patience time.Duration  // 0: patience
	anywhere bool           // in a rehearsal: who asks from nowhere is taken to ask from where it may
	paces    *journal.Paces // nil before Routes: nobody is kept from the journal
}

// Routes adds the routes, all under /boot, and /grub, where a GRUB that came by HTTP looks.
func (s *Server) Routes(r chi.Router) {
	s.paces = &journal.Paces{}
	s.LoaderRoutes(r)
	r.Get("/boot/script", s.script)
	both(r, "/boot/k/{nonce}/{file:vmlinuz|initrd}", s.ramdisk)
	both(r, "/boot/k/{nonce}/part/{part}", s.part)
	r.Get("/boot/grub/{file}", s.grub)
	r.Get("/grub/{file}", s.grub)
}

// LoaderRoutes adds those of the loaders alone.
func (s *Server) LoaderRoutes(r chi.Router) {
	both(r, "/boot/{loader}", s.loader)
	both(r, "/boot/{folder:shim|ipxe-signed|snponly}/{loader}", s.loader)
	both(r, "/boot/{folder:shim|ipxe-signed|snponly}//{loader}", s.loader) // as shim asks for what it starts
}

func both(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}

// NewHTTP returns a server with the bounds that firmware needs and strangers get:
// header 16 KiB within 10 s, at most 15 minutes for an answer that is not paced.
func NewHTTP(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Addr: addr, Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 15 * time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
}

// loader serves a boot loader from memory.
func (s *Server) loader(w http.ResponseWriter, r *http.Request) {
	host := s.View().HostAt(peer(r))
	name := path.Join(chi.URLParam(r, "folder"), chi.URLParam(r, "loader"))
	f := s.Loaders.Get(name)
	switch {
	case f == nil && boot.Optional(name):
		s.refuse(w, r, host, name, fault.NotFoundf("there is none, and the loader goes on without it"))
		return
	case f == nil:
		s.refuse(w, r, host, "unknown loader", fault.NotFoundf("no such loader"))
		return
	}
	f = f.Over(peer(r))
	w.Header().Set("Content-Type", contentType(f.Name))
	w.Header().Set("Etag", `"`+f.Digest+`"`)
	s.send(w, r, host, f.Name, time.Time{}, bytes.NewReader(f.Bytes()))
}

// contentType is what UEFI HTTP boot tells an application by (UEFI 2.10 section
// 24.7.3.2), where the name's ending does not.
func contentType(name string) string {
	if strings.HasSuffix(name, ".efi") {
		return "application/efi"
	}
	return "application/octet-stream"
}

// peer is the client's address, invalid when there is none.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// reached is our address and port as the client sees them. A zone is ours alone.
func (s *Server) reached(r *http.Request) (netip.AddrPort, bool) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.AddrPort{}, false
	}
	var ap netip.AddrPort
	if t, ok := local.(*net.TCPAddr); ok {
		ap = t.AddrPort()
	} else if parsed, err := netip.ParseAddrPort(local.String()); err == nil {
		ap = parsed
	} else {
		return netip.AddrPort{}, false
	}
	a := ap.Addr().Unmap().WithZone("")
	if s.Advertise.IsValid() && s.Advertise.Is4() == a.Is4() {
		a = s.Advertise
	}
	return netip.AddrPortFrom(a, ap.Port()), true
}
