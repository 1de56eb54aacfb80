package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"rackwright/api/stream"
	"rackwright/fault"
)

// writeLimit is how long a reader may leave its window full.
const writeLimit = 10 * time.Second

// streams are the feeds of a process, each read once for all who follow it.
type streams struct {
	events     *stream.Feed[eventFacts]
	operations *stream.Feed[stateFacts]
	machines   *stream.Feed[stateFacts]

	ctx    context.Context // ends with the servers that serve streams: they lend us their connections
	end    context.CancelFunc
	mu     sync.Mutex
	ending map[*http.Server]bool
	good   map[string]time.Time // callers by id: when they were last seen to be let in
	open   map[string]int       // streams by caller
}

func (s *server) newStreams() *streams {
	failed := func(err error) { s.Log.Error("event stream: the next look may find more", "error", err) }
	t := &streams{ending: map[*http.Server]bool{}, good: map[string]time.Time{}, open: map[string]int{},
		events:     stream.New(stream.Options[eventFacts]{Source: eventSource{s}, Beat: s.Heartbeat, Failed: failed}),
		operations: stream.New(stream.Options[stateFacts]{Source: &stateSource{s: s, states: s.operationStates, progress: s.progress}, Beat: s.Heartbeat, Failed: failed}),
		machines:   stream.New(stream.Options[stateFacts]{Source: &stateSource{s: s, states: s.machineStates}, Beat: s.Heartbeat, Failed: failed})}
	t.ctx, t.end = context.WithCancel(context.Background())
	return t
}

// endsWith has streams end when a server is shut down.
func (t *streams) endsWith(srv *http.Server) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if srv != nil && !t.ending[srv] {
		t.ending[srv] = true
		srv.RegisterOnShutdown(t.end)
	}
}

// enter counts a stream of the caller of a request until leave is called. One too many is
// refused.
func (t *streams) enter(ctx context.Context, most int) (leave func(), err error) {
	who := callOf(ctx).caller
	t.mu.Lock()
	defer t.mu.Unlock()
	if most > 0 && t.open[who.ID] >= most {
		return nil, coded(ctx, "too-many-streams", fmt.Sprintf("%s follows %d streams already", who.Name, most), "")
	}
	t.open[who.ID]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.open[who.ID]--; t.open[who.ID] <= 0 {
			delete(t.open, who.ID)
		}
	}, nil
}

// streamRoute registers a stream of things like example.
func streamRoute[I any](s *server, path, id, tag, summary, says string, example any, open func(context.Context, *I) (func(http.ResponseWriter, *http.Request), error)) {
	o := op("GET", path, id, summary)
	o.Tags = []string{tag}
	o.Responses = map[string]*huma.Response{"200": {
		Description: says + "; a comment comes when nothing else did for 15 s. A message without data only moves the id to come back with",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: s.schema(example)}},
	}}
	route(s, o, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		serve, err := open(ctx, in)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			serve(w, r)
		}}, nil
	})
}

// follow serves one reader of a feed. Where it can, it takes the connection over: the
// request's goroutines and buffers, which are most of what a reader costs, end then.
func follow[F any](s *server, feed *stream.Feed[F], reader stream.Reader[F]) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("X-Accel-Buffering", "no")
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusOK)
			return
		}
		leave, err := s.live.enter(r.Context(), s.Streams)
		if err != nil {
			h.Del("Content-Type")
			s.fail(w, r, err)
			return
		}
		reader.Still = s.still(r.Context())
		serve, err := feed.Join(r.Context(), reader)
		if err != nil {
			leave()
			h.Del("Content-Type")
			s.fail(w, r, err)
			return
		}
		log, id := s.Log, callOf(r.Context()).id
		conn := takeOver(w)
		if conn == nil { // HTTP/2
			defer leave()
			w.WriteHeader(http.StatusOK)
			_ = serve(r.Context(), answerOut{w, http.NewResponseController(w)})
			return
		}
		srv, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
		s.live.endsWith(srv)
		head, ctx := streamHead(h), s.live.ctx
		go func() {
			defer leave()
			defer conn.Close()
			out := connOut{conn}
			begun := out.Write(head)
			head = nil
			ended := serve(ctx, gone{out, begun})
			log.Debug("stream ended", "request_id", id, "error", ended)
		}()
	}
}

// mostGood bounds the callers of whom it is remembered for half a heartbeat that they are good.
const mostGood = 1000

// still reports, for as long as a stream lasts, whether its caller would be let in: a token
// may be revoked, its time be over, or the authority of its certificate count no more. While the database does not answer it may go on.
func (s *server) still(ctx context.Context) func(context.Context) bool {
	who, vouched := callOf(ctx).caller, callOf(ctx).vouched
	return func(ctx context.Context) bool {
		if vouched != nil && !vouched() {
			return false
		}
		now, t := s.Now(), s.live
		t.mu.Lock()
		since := time.Since(t.good[who.ID])
		t.mu.Unlock()
		if over := !who.Expires.IsZero() && !now.Before(who.Expires); !over && since >= 0 && since < s.Heartbeat/2 {
			return true
		}
		ctx, cancel := context.WithTimeout(ctx, writeLimit)
		defer cancel()
		err := s.stillGood(ctx, who)
		if err != nil {
			return !fault.Is(err, fault.Denied)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if len(t.good) >= mostGood {
			clear(t.good)
		}
		t.good[who.ID] = time.Now()
		return true
	}
}

// takeOver returns the connection of a request; nil when it carries others as well.
func takeOver(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	for at := w; at != nil; { // the access log's line is written when the handler returns
		if rec, ok := at.(*recorder); ok {
			rec.status = http.StatusOK
			break
		}
		inner, ok := at.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		at = inner.Unwrap()
	}
	return conn
}

// streamHead is the head of an answer that ends with its connection (RFC 9112 section 6.3).
func streamHead(h http.Header) []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_ = h.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

// connOut writes to a connection of its own.
type connOut struct{ net.Conn }

func (o connOut) Write(p []byte) error {
	if err := o.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := o.Conn.Write(p)
	return err
}

// gone is a connection that may have failed before it began.
type gone struct {
	connOut
	err error
}

func (g gone) Write(p []byte) error {
	if g.err != nil {
		return g.err
	}
	return g.connOut.Write(p)
}

// answerOut writes to one answer of a connection that carries several.
type answerOut struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (o answerOut) Write(p []byte) error {
	if _, err := o.w.Write(p); err != nil {
		return err
	}
	return o.control.Flush()
}

// message writes the event stream format (WHATWG HTML, section 9.2.6).
func message(id int64, v any) ([]byte, error) {
	data, err := json.Marshal(v) // without line ends
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(data)+32)
	b = strconv.AppendInt(append(b, "id: "...), id, 10)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...), nil
}
