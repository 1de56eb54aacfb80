// Package serve gives firmware files to BMCs that fetch them (SimpleUpdate), each at an
// address that one operation made for one file. It stores nothing and starts no update.
package serve

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/journal"
	"rackwright/store"
)

// Prefix is where the files are: Prefix, the secret, the vendor's file name.
const Prefix = "/bmc/firmware/"

// Store knows the tickets.
type Store interface {
	// RedeemTicket is Denied for a secret that lets nobody fetch anything now.
	RedeemTicket(ctx context.Context, ticket string) (store.Ticket, error)
}

// Bytes has the files by digest.
type Bytes interface {
	OpenFile(digest string) (*os.File, error)
}

// Server answers BMCs. All fields are required.
type Server struct {
	Store   Store
	Bytes   Bytes
	Journal journal.Recorder
	Log     *slog.Logger
	Now     func() time.Time
}

// URL is the address of a file at a host:port.
func URL(hostPort, ticket, original string) string {
	return "https://" + hostPort + Prefix + ticket + "/" + url.PathEscape(original)
}

// patience is how long a BMC may stand still in the middle of a file.
const patience = 2 * time.Minute

// ServeHTTP gives out a file. A ticket holds for as many requests as its operation's step
// needs: BMCs ask for the head first, fetch in ranges, and begin anew. Whatever is wrong
// with an address is a plain 404, so that guessing (at 128 bits) tells nothing.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secret, original, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	if !ok || len(secret) > 64 || len(original) > 128 {
		http.NotFound(w, r)
		return
	}
	t, err := s.Store.RedeemTicket(r.Context(), secret)
	if err != nil {
		if !fault.Is(err, fault.Denied) {
			s.Log.Warn("a BMC could not be given its firmware", "from", r.RemoteAddr, "error", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		http.NotFound(w, r)
		return
	}
	s.give(w, r, t, original)
}

// give sends the bytes from the disk as they are asked for.
func (s *Server) give(w http.ResponseWriter, r *http.Request, t store.Ticket, original string) {
	f, err := s.Bytes.OpenFile(t.Digest)
	if err != nil {
		s.note(t, r, "the bytes are not on this server: "+err.Error(), 0)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	defer f.Close()
	c := &counted{ResponseWriter: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("ETag", `"`+t.Digest+`"`) // If-Range works; the file never changes
	http.ServeContent(c, r, "", time.Time{}, f)
	if r.Method == http.MethodGet {
		s.note(t, r, "its BMC fetched "+original, c.n)
	}
}

// note writes into the journal who fetched, never the secret.
func (s *Server) note(t store.Ticket, r *http.Request, what string, bytes int64) {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	s.Journal.Record(journal.Event{At: s.Now(), Kind: journal.FirmwareSent, Machine: t.Machine, Name: t.Name, Operation: t.Operation, Actor: "bmc", Summary: what,
		Detail: map[string]any{"from": from.Addr().Unmap().String(), "bytes": bytes, "digest": t.Digest, "range": cut(r.Header.Get("Range"))}})
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), 64)], "") }

// counted counts what was sent, and ends a transfer that stands still.
type counted struct {
	http.ResponseWriter
	control *http.ResponseController
	n       int64
}

func (c *counted) Write(b []byte) (int, error) {
	_ = c.control.SetWriteDeadline(time.Now().Add(patience)) // not every transport has one
	n, err := c.ResponseWriter.Write(b)
	c.n += int64(n)
	return n, err
}
