package faults

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reads hands a read on and spoils its answer, if a fault is about it.
func (s *Set) reads(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	if !s.spoils() {
		return false
	}
	h := newHeld()
	next.ServeHTTP(h, r)
	if h.status == http.StatusOK {
		s.spoil(h, r)
	}
	if _, ok := s.met(r, DropAfter); ok {
		panic(http.ErrAbortHandler)
	}
	cut := false
	if _, cut = s.met(r, Truncated); cut {
		h.header.Del("Content-Length")
	}
	h.send(w, cut)
	return true
}

// spoils reports whether a fault changes answers to reads.
func (s *Set) spoils() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.all {
		switch a.Kind {
		case Truncated, WrongType, DropAfter, TaskNeverEnds, ClockOff, PowerBounces:
			return true
		}
	}
	return false
}

func (s *Set) spoil(h *held, r *http.Request) {
	if _, ok := s.met(r, WrongType); ok {
		h.header.Set("Content-Type", "text/html")
	}
	var b map[string]any
	if json.Unmarshal(h.body.Bytes(), &b) != nil {
		return
	}
	typ, _ := b["@odata.type"].(string)
	switch {
	case strings.HasPrefix(typ, "#Task."):
		if _, ok := s.met(r, TaskNeverEnds); ok {
			b["TaskState"], b["TaskStatus"], b["PercentComplete"] = "Running", "OK", 42
			delete(b, "EndTime")
			h.replace(b)
		}
	case strings.HasPrefix(typ, "#Manager."):
		at, _ := b["DateTime"].(string)
		if t, err := time.Parse(time.RFC3339, at); err == nil {
			if f, ok := s.met(r, ClockOff); ok {
				b["DateTime"] = t.Add(f.Wait).Format(time.RFC3339)
				h.replace(b)
			}
		}
	case strings.HasPrefix(typ, "#ComputerSystem."):
		other, known := map[any]string{"On": "Off", "Off": "On"}[b["PowerState"]]
		if !known {
			return
		}
		if _, ok := s.met(r, PowerBounces); ok {
			b["PowerState"] = other
			h.replace(b)
		}
	}
}

// held is an answer that has not gone out.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newHeld() *held { return &held{header: http.Header{}, status: http.StatusOK} }

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *held) replace(b map[string]any) {
	text, err := json.Marshal(b)
	if err != nil {
		return // it was JSON a moment ago
	}
	h.body.Reset()
	h.body.Write(text)
	h.header.Del("Content-Length")
}

// send gives the answer out; cut in the middle, with a length that says so, when asked.
func (h *held) send(w http.ResponseWriter, cut bool) {
	for name, values := range h.header {
		w.Header()[name] = values
	}
	body := h.body.Bytes()
	if cut {
		body = body[:len(body)/2]
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(h.status)
	_, _ = w.Write(body) // the client is gone, if anything
}
