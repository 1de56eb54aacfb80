package redfish

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// sseComment is how often a line is sent where nothing happens, so that a broken connection
// is noticed.
const sseComment = 15 * time.Second

// stream sends events on the request's own connection (DSP0266 12.5.3, server-sent events).
func (s *Service) stream(w http.ResponseWriter, r *http.Request) {
	queue := make(chan body, maxQueue)
	s.events.mu.Lock()
	full := len(s.events.streams) >= maxStreams
	if !full {
		s.events.streams[queue] = true
	}
	s.events.mu.Unlock()
	if full {
		refuse(http.StatusServiceUnavailable, msgLimit).write(w)
		return
	}
	defer func() {
		s.events.mu.Lock()
		delete(s.events.streams, queue)
		s.events.mu.Unlock()
	}()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	comment := time.NewTicker(sseComment)
	defer comment.Stop()
	restarts := s.alive()
	write := func(text string) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(readTimeout))
		_, err := w.Write([]byte(text))
		return err == nil && rc.Flush() == nil
	}
	for good := write(": events follow\n\n"); good; {
		select {
		case <-r.Context().Done():
			return
		case <-restarts.Done():
			return
		case <-comment.C:
			good = write(": nothing new\n\n")
		case b := <-queue:
			text, err := json.Marshal(b)
			good = err == nil && write(fmt.Sprintf("id: %s\ndata: %s\n\n", b["Id"], text))
		}
	}
}
