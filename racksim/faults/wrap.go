package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Wrap puts the faults in front of a Redfish service.
func (s *Set) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.has() {
			s.judge(w, r, next)
			return
		}
		if f, ok := s.met(r, Slow); ok && !s.wait(r.Context(), f.Wait) {
			panic(http.ErrAbortHandler)
		}
		if s.before(w, r) {
			return
		}
		if write(r) && s.later(w, r, next) {
			return
		}
		stream := strings.Contains(r.Header.Get("Accept"), "text/event-stream") // has no end to wait for
		if r.Method == http.MethodGet && !stream && s.reads(w, r, next) {
			return
		}
		if _, ok := s.met(r, DropAfter); ok {
			next.ServeHTTP(newHeld(), r)
			panic(http.ErrAbortHandler)
		}
		s.judge(w, r, next)
	})
}

// before answers instead of the service.
func (s *Set) before(w http.ResponseWriter, r *http.Request) bool {
	if f, ok := s.met(r, Hang); ok {
		s.wait(r.Context(), f.Wait)
		panic(http.ErrAbortHandler)
	}
	if f, ok := s.met(r, Error500, Unavailable, Answer); ok {
		f.answer(w)
		return true
	}
	if login(r) {
		if f, ok := s.met(r, SessionFull); ok {
			refuse(w, or(f.Status, http.StatusServiceUnavailable), orText(f.Message, "Base.1.18.SessionLimitExceeded"))
			return true
		}
	}
	if write(r) && r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != "*" {
		if _, ok := s.met(r, WrongETag); ok {
			refuse(w, http.StatusPreconditionFailed, "Base.1.18.PreconditionFailed")
			return true
		}
	}
	return false
}

func (f Fault) answer(w http.ResponseWriter) {
	switch f.Kind {
	case Error500:
		refuse(w, http.StatusInternalServerError, orText(f.Message, "Base.1.18.InternalError"))
	case Unavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int((f.Wait+time.Second-1)/time.Second)))
		refuse(w, http.StatusServiceUnavailable, orText(f.Message, "Base.1.18.ServiceTemporarilyUnavailable"))
	default:
		refuse(w, f.Status, orText(f.Message, "Base.1.18.GeneralError"))
	}
}

// later accepts a write and acts on it afterwards, or never.
func (s *Set) later(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	if login(r) || !hasCredentials(r) {
		return false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHeld+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	if err != nil || len(body) > maxHeld {
		return false
	}
	if bytes.Contains(body, []byte("BootSourceOverride")) && r.Method == http.MethodPatch {
		if _, ok := s.met(r, BootIgnored); ok {
			w.WriteHeader(http.StatusNoContent)
			return true
		}
	}
	f, ok := s.met(r, Late202, Late204)
	if !ok || !s.begin() {
		return false
	}
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body = io.NopCloser(bytes.NewReader(body))
	go func() {
		defer s.end()
		s.wait(again.Context(), max(f.Wait, time.Nanosecond))
		next.ServeHTTP(newHeld(), again)
	}()
	w.WriteHeader(map[string]int{Late202: http.StatusAccepted, Late204: http.StatusNoContent}[f.Kind])
	return true
}

func (s *Set) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended():
		return false
	default:
	}
	if s.acting >= maxLate {
		return false
	}
	s.acting++
	s.late.Add(1)
	return true
}

func (s *Set) end() { s.mu.Lock(); s.acting--; s.mu.Unlock(); s.late.Done() }

func write(r *http.Request) bool {
	return r.Method == http.MethodPatch || r.Method == http.MethodPost || r.Method == http.MethodPut
}

// login is the creation of a session.
func login(r *http.Request) bool {
	uri := strings.TrimSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/Members")
	return r.Method == http.MethodPost && path.Base(uri) == "Sessions"
}

func hasCredentials(r *http.Request) bool {
	return r.Header.Get("X-Auth-Token") != "" || r.Header.Get("Authorization") != ""
}

// refuse is an error as Redfish has it (DSP0266 8.6).
func refuse(w http.ResponseWriter, status int, id string) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	said := "The request failed: " + id[strings.LastIndexByte(id, '.')+1:]
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{ // the client is gone, if anything
		"code": id, "message": said,
		"@Message.ExtendedInfo": []map[string]any{{"MessageId": id, "Message": said, "Severity": "Critical", "Resolution": "Try again later."}},
	}})
}

func or(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

func orText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
