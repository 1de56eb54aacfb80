package serve

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/journal"
)

// ramdisk serves the agent's kernel or ramdisk to whoever holds a valid nonce. Range
// requests are answered, and the kernel copies the bytes (sendfile).
func (s *Server) ramdisk(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	host, err := s.Boots.Check(r.Context(), chi.URLParam(r, "nonce"))
	if err != nil {
		s.refuse(w, r, s.View().HostAt(peer(r)), name, err)
		return
	}
	arch := r.URL.Query().Get("arch")
	switch arch {
	case "":
		arch = "amd64"
	case "amd64", "arm64":
	default:
		s.refuse(w, r, host, name, fault.Invalidf("no ramdisk for this architecture"))
		return
	}
	f, err := os.Open(filepath.Join(s.Ramdisks, arch, name))
	if err != nil {
		s.Log.Error("boot: the ramdisk directory is not complete", "error", err, "hint", "build the ramdisk and point the configuration at it")
		s.refuse(w, r, host, name, fault.Unreachablef("the %s %s is missing on the server", arch, name))
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		s.refuse(w, r, host, name, fault.Internalf("the %s %s is no file on the server", arch, name))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	s.send(w, r, host, name, info.ModTime(), f)
}

// send serves content and records the transfer; HEAD transfers nothing. It reports whether
// all of the content went out.
func (s *Server) send(w http.ResponseWriter, r *http.Request, host *boot.Host, name string, mod time.Time, content io.ReadSeeker) bool {
	// RFC 9110 section 14.2: a range of another unit, or with another method, does not count; of several,
	// which no loader asks for, we may send all.
	if part := r.Header.Get("Range"); r.Method != http.MethodGet || !strings.HasPrefix(part, "bytes=") || strings.Contains(part, ",") {
		r.Header.Del("Range")
	}
	count := newPaced(w, cmp.Or(s.patience, patience))
	began := s.Now()
	http.ServeContent(count, r, "", mod, content)
	took := s.Now().Sub(began)
	switch {
	case r.Method == http.MethodHead, count.status == http.StatusNotModified:
		return false
	case count.status >= 400:
		s.note(r, host, name, count.status, fault.Invalidf("it has no such part, or is not what was asked for"))
		return false
	}
	want := w.Header().Get("Content-Length")
	aborted := want != "" && want != fmt.Sprint(count.bytes)
	whole := !aborted && count.status != http.StatusPartialContent && count.status < 300
	e, told := s.event(journal.HTTPSent, r, host)
	if !told {
		return whole
	}
	e.Summary = fmt.Sprintf("%s sent by HTTP, %d bytes in %d ms", name, count.bytes, took.Milliseconds())
	if aborted {
		e.Summary = fmt.Sprintf("%s broke off by HTTP after %d of %s bytes", name, count.bytes, want)
	}
	e.Detail["file"], e.Detail["bytes"], e.Detail["ms"], e.Detail["aborted"] = name, count.bytes, took.Milliseconds(), aborted
	if count.status == http.StatusPartialContent {
		e.Detail["partial"] = true
	}
	s.Journal.Record(e)
	return whole
}

// refuse answers with an error and records why. The path is not recorded: it may hold
// a nonce.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, host *boot.Host, name string, err error) {
	if err == nil {
		err = fault.Internalf("the request has no local address")
	}
	status := map[fault.Kind]int{fault.Invalid: 400, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Unreachable: 503}[fault.KindOf(err)]
	text := err.Error()
	if status == 0 {
		status, text = 500, "the server has failed"
		s.Log.Error("boot: "+name, "error", err)
	}
	if hint := s.note(r, host, name, status, err); hint != "" {
		text += "\n" + hint
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// note records a refusal and returns the way out, "" when there is none.
func (s *Server) note(r *http.Request, host *boot.Host, name string, status int, err error) string {
	text, hint := err.Error(), hintOf(err)
	if status == http.StatusInternalServerError {
		text = "the server has failed"
	}
	if e, told := s.event(journal.HTTPRefused, r, host); told {
		e.Summary = fmt.Sprintf("%s refused by HTTP: %s", name, text)
		e.Detail["file"], e.Detail["reason"], e.Detail["status"] = name, fault.KindOf(err).String(), status
		if boot.Optional(name) {
			e.Detail["reason"] = "optional"
		}
		if hint != "" {
			e.Detail["hint"] = hint
		}
		s.Journal.Record(e)
	}
	return hint
}

// event starts an event of this request; false: its peer has put too much into the journal
// already, and how much is said in its next.
func (s *Server) event(k journal.Kind, r *http.Request, host *boot.Host) (journal.Event, bool) {
	from, skipped := peer(r), 0
	e := journal.Event{At: s.Now(), Kind: k, Actor: "http"}
	if s.paces != nil {
		told := false
		if told, skipped = s.paces.Take(from, e.At); !told {
			return e, false
		}
	}
	if e.Detail = map[string]any{"peer": from.String()}; skipped > 0 {
		e.Detail["left_out"] = skipped
	}
	if host != nil {
		e.Machine, e.Name, e.MAC, e.Operation = host.Machine, host.Name, host.MAC, host.Operation
	}
	return e, true
}
