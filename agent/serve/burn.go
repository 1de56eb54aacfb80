package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/fault"
)

// streamPath is the source and sink of bytes of burn-ins.
const streamPath = "/agent/v1/stream"

// Bounds of a stream: bytes of one, how many there are at once, and how long one may take.
// What else this server has to send goes on meanwhile.
const (
	maxStream   = 64 << 20
	maxStreams  = 2
	streamTime  = time.Minute
	streamBlock = 64 << 10
)

// burnOrder is the work of a burn-in that has its power, nil before it has.
func (s *Server) burnOrder(ctx context.Context, op *deploy.Operation) (*wire.BurnOrder, error) {
	asked := op.Order.Burn
	if asked == nil {
		return nil, fault.Invalidf("operation %s does not say what to burn in", op.ID).WithHint("cancel it and ask anew")
	}
	b, err := s.Store.BurnInOf(ctx, op.ID)
	if err != nil || b == nil || b.Over() || !b.Powered(op) {
		return nil, err
	}
	return &wire.BurnOrder{Seconds: asked.Seconds, Done: b.Total().Seconds, Tests: asked.Wanted(), Write: asked.Write, Peer: streamPath}, nil
}

// streaming lets a stream through while there are not too many and its machine is under
// burn-in.
func (s *Server) streaming(next func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return s.held(func(w http.ResponseWriter, r *http.Request, h holder) {
		if !h.op.At(deploy.StepBurn) {
			s.refuse(w, r, fault.Deniedf("operation %s is at no burn-in", h.op.ID))
			return
		}
		if n := s.streams.Add(1); n > maxStreams {
			s.streams.Add(-1)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		defer s.streams.Add(-1)
		c := http.NewResponseController(w)
		_ = errors.Join(c.SetReadDeadline(s.Now().Add(streamTime)), c.SetWriteDeadline(s.Now().Add(streamTime))) // where the connection has none
		if err := next(w, r); err != nil {
			s.refuse(w, r, err)
		}
	})
}

// source sends as many bytes as are asked for.
func (s *Server) source(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.ParseInt(r.URL.Query().Get("bytes"), 10, 64)
	if err != nil || n < 1 || n > maxStream {
		return fault.Invalidf("a stream has 1 to %d bytes", maxStream)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	block := make([]byte, streamBlock)
	for i := range block {
		block[i] = byte(i*7 + i>>8)
	}
	for n > 0 {
		wrote, err := w.Write(block[:min(n, streamBlock)])
		if n -= int64(wrote); err != nil {
			return nil // the machine went: nobody to tell
		}
	}
	return nil
}

// sink takes bytes in and forgets them.
func (s *Server) sink(w http.ResponseWriter, r *http.Request) error {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxStream)); err != nil {
		return fault.Invalidf("a stream has 1 to %d bytes, and no pauses", maxStream)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
