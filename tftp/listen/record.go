package listen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"rackwright/boot"
	"rackwright/journal"
	"rackwright/tftp"
)

// finish gives up what a flight held and records it: one event for each transfer.
// Firmware often asks for the size alone and breaks off then: that is no failure.
func (s *Server) finish(f *flight) {
	f.file.Close()
	if f.file.Whole != nil && !f.evicted && f.transfer.State() == tftp.Sent {
		go f.file.Whole()
	}
	t, name := f.transfer, f.file.Name
	took := s.Now().Sub(f.began).Milliseconds()
	next, last := t.Blocks()
	e := s.event(journal.TFTPFailed, f.peer.Addr(), f.file.Host)
	switch {
	case f.evicted:
		e.Summary = fmt.Sprintf("%s broke off by TFTP after %d of %d bytes: the machine asked anew, or others needed the place", name, t.Acked(), f.file.Size)
		e.Detail["reason"] = "replaced"
	case t.State() == tftp.Sent:
		e.Kind = journal.TFTPSent
		e.Summary = fmt.Sprintf("%s sent by TFTP, %d bytes in %d ms", name, f.file.Size, took)
	case t.SizeOnly():
		e.Kind = journal.TFTPSent
		e.Summary = name + ": its size asked for by TFTP"
		e.Detail["size_only"] = true
	case t.State() == tftp.Aborted:
		e.Summary = fmt.Sprintf("%s broke off by TFTP after %d of %d bytes: the machine said %q", name, t.Acked(), f.file.Size, clip(t.Refused))
		e.Detail["error"], e.Detail["reason"] = clip(t.Refused), "aborted"
	default:
		e.Summary = fmt.Sprintf("%s stalled by TFTP at block %d of %d: the machine fell silent", name, next, last)
		e.Detail["reason"], e.Detail["stalled_at"] = "stalled", next
	}
	for k, v := range f.file.Detail {
		e.Detail[k] = v
	}
	e.Detail["file"], e.Detail["bytes"], e.Detail["size"], e.Detail["ms"] = name, t.Acked(), f.file.Size, took
	e.Detail["block"], e.Detail["window"], e.Detail["retries"] = t.Block, t.Window, t.Retries
	s.record(e, f.peer.Addr())
}

// refused records a request that was not met.
func (s *Server) refused(q question, r *tftp.Refusal) {
	e := s.event(journal.TFTPFailed, q.peer.Addr(), nil)
	name := shown(q.Name)
	e.Summary = fmt.Sprintf("TFTP request for %q refused: %s", name, r.Told)
	e.Detail["file"], e.Detail["reason"] = name, r.Reason
	s.record(e, q.peer.Addr())
}

// event is about the machine whose file it is, else about whose address asks.
func (s *Server) event(k journal.Kind, peer netip.Addr, h *boot.Host) journal.Event {
	e := journal.Event{At: s.Now(), Kind: k, Actor: "tftp", Detail: map[string]any{"peer": peer.String()}}
	if h == nil {
		h = s.View().HostAt(peer)
	}
	if h != nil {
		e.Machine, e.Name, e.MAC, e.Operation = h.Machine, h.Name, h.MAC, h.Operation
	}
	return e
}

// record journals an event, unless its peer has said too much.
func (s *Server) record(e journal.Event, peer netip.Addr) {
	ok, skipped := s.paces.Take(peer, e.At)
	if !ok {
		return
	}
	if skipped > 0 {
		e.Detail["left_out"] = skipped
	}
	s.Journal.Record(e)
}

// shown is a name as it may be journaled: of those that hold a boot's secret, boot/k/SECRET/FILE
// however it is written, what stands behind that.
func shown(name string) string {
	parts := strings.Split(name, "/")
	if at := slices.IndexFunc(parts, func(part string) bool { return strings.EqualFold(part, "k") }); at >= 0 {
		name = strings.Join(parts[min(at+2, len(parts)):], "/")
	}
	return clip(name)
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
