package serve

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
)

// rehearsedNonce stands where a one-time nonce would.
const rehearsedNonce = "NONCE"

// Rehearse says what a client would be answered that asks for its script with a query, from
// an address, at one of ours. The handler of real requests answers, on a copy of the server
// that leaves nothing behind: no nonce is given, no inspection made, no event recorded. What
// an operation's own system would be started with is left out, for its arguments hold keys.
func (s *Server) Rehearse(ctx context.Context, query url.Values, from netip.Addr, at netip.AddrPort, strangers Strangers) boot.Rehearsal {
	tape := &tape{}
	copied := *s
	copied.Boots, copied.Strangers, copied.Journal, copied.Log = rehearsedBoots{}, strangers, tape, slog.New(slog.DiscardHandler)
	copied.paces, copied.anywhere = nil, true
	if s.Systems != nil {
		copied.Systems = hidden{s.Systems}
	}
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(at)))
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/boot/script", RawQuery: query.Encode()}, Header: http.Header{}, Body: http.NoBody,
		RemoteAddr: netip.AddrPortFrom(from, 1024).String()}).WithContext(ctx)
	w := &page{header: http.Header{}, status: http.StatusOK}
	copied.script(w, r)
	out := boot.Rehearsal{Status: w.status, Text: w.text.String(), Why: tape.event.Summary}
	out.Rule, _ = tape.event.Detail["script"].(string)
	if out.Rule == "" {
		out.Rule, _ = tape.event.Detail["reason"].(string)
	}
	out.Machine, out.Operation = tape.event.Name, tape.event.Operation
	return out
}

// tape remembers one event.
type tape struct{ event journal.Event }

func (t *tape) Record(e journal.Event) { t.event = e }

// page is an answer in memory.
type page struct {
	header http.Header
	status int
	text   strings.Builder
}

func (p *page) Header() http.Header         { return p.header }
func (p *page) WriteHeader(status int)      { p.status = status }
func (p *page) Write(b []byte) (int, error) { return p.text.Write(b) }

// rehearsedBoots gives out nothing.
type rehearsedBoots struct{}

func (rehearsedBoots) Begin(context.Context, *boot.Host) (string, error) { return rehearsedNonce, nil }

func (rehearsedBoots) Check(context.Context, string) (*boot.Host, error) {
	return nil, fault.Deniedf("this is a rehearsal")
}

// hidden leaves out the arguments of systems.
type hidden struct{ systems Systems }

func (h hidden) System(ctx context.Context, host *boot.Host, base string) (*boot.System, bool, error) {
	system, started, err := h.systems.System(boot.Rehearsing(ctx), host, base)
	if system != nil {
		shown := *system
		shown.Args = "(arguments not shown: they hold keys)"
		system = &shown
	}
	return system, started, err
}

func (hidden) Part(context.Context, string, string) (*os.File, error) {
	return nil, fault.Deniedf("this is a rehearsal")
}

func (hidden) Sent(context.Context, string, string) error { return nil }

// Passing answers for strangers as the policy of their network does, and remembers none:
// one on a network that discovers would be inspected.
type Passing struct{ View func() *boot.View }

// Script implements Strangers.
func (p Passing) Script(_ context.Context, s boot.Sighting) (*boot.Host, error) {
	if !p.View().Discovers(s.Network) {
		return nil, nil
	}
	return &boot.Host{Name: "a stranger", MAC: s.MAC, UUID: s.UUID, Intent: boot.RunAgent}, nil
}
