package fuzzapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/store"
)

// usual is how many requests a run makes; RACKWRIGHT_FUZZ says another number, and
// RACKWRIGHT_FUZZ_SEED the seed of an earlier run.
const usual = 3000

func fromEnv(name string, usual uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 63); err == nil {
		return n
	}
	return usual
}

// away are the operations that may answer 503: the BMCs of two machines do not answer.
func away(id string) bool { return strings.HasPrefix(id, "get-bmc") }

// neverHere are the operations that this world cannot let succeed, and why.
func neverHere() map[string]string { return map[string]string{} }

// run is one run, with what came of it.
type run struct {
	*testing.T
	*maker
	w     *world
	fresh int
	tally
	said  map[string]string // the last refusal of a whole request, by operation
	bad   int
	codes []string
}

func TestRequestsWholeAndBentAreAnsweredAsTheDocumentSays(t *testing.T) {
	seed, n := fromEnv("RACKWRIGHT_FUZZ_SEED", 1), int(fromEnv("RACKWRIGHT_FUZZ", usual))
	t.Logf("seed %d, %d requests", seed, n)
	doc, w := readDocument(t), newWorld(t)
	r := &run{T: t, maker: &maker{Rand: rand.New(rand.NewPCG(seed, 6)), doc: doc, pool: w.pool}, w: w, tally: newTally(), said: map[string]string{}}
	for _, c := range api.ProblemCodes() {
		r.codes = append(r.codes, c[strings.IndexByte(c, ' ')+1:])
	}
	known := examples()
	for i := 0; i < n && r.bad < 40; i++ {
		if i%3 == 0 {
			r.fresh++
		}
		o := doc.ops[i%len(doc.ops)]
		if i%len(doc.ops) == 0 {
			w.tend(t)
		}
		q := r.whole(o, known[o.id], r.fresh)
		if i > 3*len(doc.ops) && r.IntN(10) < 6 {
			r.bend(q)
		}
		if q.bent == "" && strings.HasPrefix(o.id, "approve") {
			q.secret = secondSecret
		}
		r.send(q)
	}
	r.lack(known)
	r.ending()
	r.page(seed)
}

// lack asks again for what has not succeeded yet, with what has to come before it.
func (r *run) lack(known map[string][]example) {
	before := map[string]string{"resume-campaign": "pause-campaign", "resume-rollout": "pause-rollout", "pause-rollout": "start-rollout", "pause-campaign": "start-campaign", "get-signoff": "sign-off-rack", "end-session": "open-session",
		"remove-webhook": "add-webhook", "change-webhook": "add-webhook", "test-webhook": "add-webhook", "revoke-token": "add-token", "approve-request": "erase-machines", "refuse-request": "erase-machines", "open-rack-session": "add-rack-code"}
	for range 40 {
		r.w.tend(r)
		for _, o := range r.doc.ops {
			if _, never := neverHere()[o.id]; never || r.whole2xx[o.id] > 0 || r.bad > 0 {
				continue
			}
			r.fresh++
			r.prepare(o, before, known)
			r.ask(o, known)
		}
	}
}

// ask sends a whole request.
func (r *run) ask(o *operation, known map[string][]example) {
	q := r.whole(o, known[o.id], r.fresh)
	if o.id == "approve-request" {
		q.secret = secondSecret
	}
	r.send(q)
}

// prepare asks for what has to come before an operation, and has that be of the newest thing.
func (r *run) prepare(o *operation, before map[string]string, known map[string][]example) {
	for _, first := range r.doc.ops {
		if first.id == before[o.id] {
			r.prepare(first, before, known)
			r.ask(first, known)
		}
	}
	for _, p := range o.params {
		if kind := pathKind(o, p.Name); p.In == "path" && before[o.id] != "" && len(r.pool.words[kind]) > 0 {
			list := r.pool.words[kind]
			r.pool.words[kind] = list[len(list)-1:]
		}
	}
}

// counted is a body that knows how much of it was read.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// ender is a recorder that ends a stream with its first message.
type ender struct {
	*httptest.ResponseRecorder
	end func()
}

func (e ender) Flush() { e.end() }

// send sends a request and checks the answer.
func (r *run) send(q *request) {
	ctx, end := context.WithTimeout(r.Context(), 20*time.Second)
	defer end()
	target := q.path
	if q.query != "" {
		target += "?" + q.query
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return // net/http refuses it before us
	}
	body := &counted{Reader: bytes.NewReader(q.body)}
	h := &http.Request{Method: q.method, URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: q.header, Body: io.NopCloser(body), ContentLength: int64(len(q.body)), Host: "rackwright.test", RemoteAddr: "192.0.2.50:4711"}
	if q.secret != "" && q.header.Get("Authorization") == "" {
		h.Header.Set("Authorization", "Bearer "+q.secret)
	}
	if len(q.body) == 0 {
		h.Body = http.NoBody
	}
	w := ender{httptest.NewRecorder(), end}
	var broke any
	func() {
		defer func() { broke = recover() }()
		r.w.handler.ServeHTTP(w, h.WithContext(ctx))
	}()
	r.count(q, w.Code, w.Body.Bytes())
	if q.bent == "" && q.example && w.Code >= 400 || r.said[q.op.id] == "" {
		r.said[q.op.id] = fmt.Sprintf("%s?%s %.200s: %.300s", q.path, q.query, q.body, w.Body)
	}
	r.judge(q, w, body, broke, ctx)
}

func (r *run) judge(q *request, w ender, body *counted, broke any, ctx context.Context) {
	blame := func(format string, args ...any) {
		r.bad++
		r.Errorf("%s (%s, bent: %s)\n  %s %.300s?%.300s\n  header %.300v\n  body %.600q\n  answer %d %.700s", fmt.Sprintf(format, args...), q.op.id, q.bent, q.method, q.path, q.query, q.header, q.body, w.Code, w.Body)
	}
	text, log := w.Body.Bytes(), r.w.log.take()
	if broke != nil && (broke != http.ErrAbortHandler || ctx.Err() == nil) {
		blame("it panicked: %v", broke)
	}
	if strings.Contains(log, `"msg":"panic"`) || strings.Contains(log, `"level":"ERROR"`) {
		blame("the log has %.2000s", log)
	}
	if w.Code >= 500 && !(w.Code == 503 && away(q.op.id)) && !(w.Code == 501 && q.unknown) {
		blame("status %d", w.Code)
	}
	if bytes.Contains(text, []byte(hush)) || strings.Contains(log, hush) {
		blame("a secret came out: log %.500s", log)
	}
	if q.wrong && w.Code < 300 && q.method != "HEAD" && q.method != "OPTIONS" {
		blame("it was let through")
	}
	if q.status != 0 && w.Code != q.status && w.Code != 414 && w.Code != 431 {
		blame("the status is not %d", q.status)
	}
	limit := wire.MaxBody
	if strings.Contains(q.path, "plans") {
		limit = wire.MaxPlan
	}
	if q.op.kind == "application/json" && body.n > limit+64<<10 {
		blame("%d bytes of the body were read", body.n)
	}
	if err := r.described(q, w, text); err != nil {
		blame("%v", err)
	}
}

// described compares an answer with the document.
func (r *run) described(q *request, w ender, text []byte) error {
	kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	if w.Header().Get("X-Request-Id") == "" {
		return errors.New("it has no request id")
	}
	if w.Code >= 400 {
		if q.method == "HEAD" {
			return nil
		}
		var v any
		if kind != "application/problem+json" || w.Header().Get("Content-Encoding") == "" && json.Unmarshal(text, &v) != nil {
			return fmt.Errorf("the problem is no problem+json but %s", kind)
		}
		if v == nil {
			return nil
		}
		code, _ := v.(map[string]any)["code"].(string)
		if !slices.Contains(r.codes, code) {
			return fmt.Errorf("the code %q is not known", code)
		}
		return r.doc.check(schema{"$ref": "#/components/schemas/Problem"}, v, "problem")
	}
	if q.bent == "path" || q.bent == "odd name" || q.method != q.op.method || w.Code == 304 || w.Code < 200 || w.Code >= 300 || w.Header().Get("Content-Encoding") != "" {
		return nil
	}
	said, ok := q.op.answers[strconv.Itoa(w.Code)]
	if w.Code == 202 && strings.HasPrefix(w.Header().Get("Location"), wire.Prefix+"/approvals/") {
		said, ok = map[string]schema{"application/json": {"$ref": "#/components/schemas/Approval"}}, true
	}
	if !ok {
		return fmt.Errorf("the document does not know status %d here", w.Code)
	}
	s, ok := said[kind]
	if !ok && len(said) > 0 {
		return fmt.Errorf("the document does not know %s here", kind)
	}
	if kind != "application/json" {
		return nil
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	r.pool.learn(q.op, w.Header().Get("Location"), v)
	if strings.Contains(q.query, "fields=") {
		return nil
	}
	return r.doc.check(s, v, "answer")
}

// ending tells what was asked, and looks whether the database is sound.
func (r *run) ending() {
	for _, o := range r.doc.ops {
		if _, excused := neverHere()[o.id]; r.whole2xx[o.id] == 0 && !excused {
			r.Errorf("%s never succeeded: %s", o.id, r.said[o.id])
		}
	}
	r.Logf("%s", r.table(r.doc))
	head := audit.Start()
	for {
		list, err := r.w.db.Audit(r.Context(), store.AuditFilter{After: head.Seq, Limit: 1000})
		want(r, err)
		for _, e := range list {
			next, _, err := head.Follow(e)
			if err != nil || next.Hash != e.Hash {
				r.Fatalf("audit entry %d does not follow: %v", e.Seq, err)
			}
			if text, _ := json.Marshal(e); bytes.Contains(text, []byte(hush)) {
				r.Errorf("the audit has a secret: %s", text)
			}
			head = audit.Head{Seq: e.Seq, Hash: e.Hash}
		}
		if len(list) < 1000 {
			break
		}
	}
	events, err := r.w.db.Events(r.Context(), store.EventFilter{Limit: 10_000})
	want(r, err)
	if text, _ := json.Marshal(events); bytes.Contains(text, []byte(hush)) {
		r.Error("the journal has a secret")
	}
	open := map[string]string{}
	ops, err := r.w.db.Operations(r.Context(), store.OperationFilter{Open: true, Limit: 1000})
	want(r, err)
	for _, o := range ops {
		if !o.Kind.Exclusive() {
			continue
		}
		if other, twice := open[o.Machine]; twice {
			r.Errorf("machine %s has the open operations %s and %s", o.Name, other, o.ID)
		}
		open[o.Machine] = o.ID
	}
}
