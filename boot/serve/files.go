package serve

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
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
	count := &counter{ResponseWriter: w}
	began := s.Now()
	http.ServeContent(count, r, "", mod, content)
	took := s.Now().Sub(began)
	if r.Method == http.MethodHead {
		return false
	}
	want := w.Header().Get("Content-Length")
	aborted := want != "" && want != fmt.Sprint(count.bytes)
	e := s.event(journal.HTTPSent, r, host)
	e.Summary = fmt.Sprintf("%s sent by HTTP, %d bytes in %d ms", name, count.bytes, took.Milliseconds())
	if aborted {
		e.Summary = fmt.Sprintf("%s broke off by HTTP after %d of %s bytes", name, count.bytes, want)
	}
	e.Detail["file"], e.Detail["bytes"], e.Detail["ms"], e.Detail["aborted"] = name, count.bytes, took.Milliseconds(), aborted
	if count.status == http.StatusPartialContent {
		e.Detail["partial"] = true
	}
	s.record(r, e)
	return !aborted && count.status != http.StatusPartialContent && count.status < 300
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
	e := s.event(journal.HTTPRefused, r, host)
	e.Summary = fmt.Sprintf("%s refused by HTTP: %s", name, text)
	e.Detail["file"], e.Detail["reason"], e.Detail["status"] = name, fault.KindOf(err).String(), status
	s.record(r, e)
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// event starts an event of this request.
func (s *Server) event(k journal.Kind, r *http.Request, host *boot.Host) journal.Event {
	e := journal.Event{At: s.Now(), Kind: k, Actor: "http", Detail: map[string]any{"peer": peer(r).String()}}
	if host != nil {
		e.Machine, e.Name, e.MAC, e.Operation = host.Machine, host.Name, host.MAC, host.Operation
	}
	return e
}

// counter counts what goes out and keeps the way to sendfile open.
type counter struct {
	http.ResponseWriter
	bytes  int64
	status int
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom, which http.ServeContent copies through.
func (c *counter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	c.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController through.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// record journals an event of this request, unless its peer has said too much.
func (s *Server) record(r *http.Request, e journal.Event) {
	if s.paces != nil {
		ok, skipped := s.paces.Take(peer(r), e.At)
		if !ok {
			return
		}
		if skipped > 0 {
			e.Detail["left_out"] = skipped
		}
	}
	s.Journal.Record(e)
}
