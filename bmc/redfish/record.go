package redfish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rackwright/fault"
)

// Recording says how much of a BMC is recorded. The zero value is for most.
type Recording struct {
	Resources  int           // most; 0: 10,000, a GPU server has about 5,000
	Bytes      int64         // most in all; 0: 128 MiB
	Time       time.Duration // for reading; 0: until ctx ends
	LogEntries int           // of each log; 0: 25
	Named      bool          // keep serial numbers, addresses and names as they are
	Progress   func(done, waiting int)
}

// Recorded is what came of it.
type Recorded struct {
	Resources int      `json:"resources"`
	Bytes     int64    `json:"bytes"`
	LeftOut   []string `json:"left_out"` // what and why, in the order it was met
}

const (
	maxRecorded     = 10000
	maxRecordBytes  = 128 << 20
	maxRecordOne    = 8 << 20
	maxLogEntries   = 25
	maxRecordPages  = 100
	maxFailures     = 20 // resources in a row that cannot be read, those apart that are not there
	maxLeftOut      = 500
	maxRecordDepth  = 32 // segments of a path
	maxRecordNumber = 64 // levels of JSON
)

// Record reads the whole tree from /redfish/v1 and gives it to keep, in the layout of
// DMTF's mockups (DSP2043): PATH/index.json, and headers.json beside it. Secrets are taken
// out, and unless r is Named everything that tells whose machine it is becomes something
// made up, the same everywhere. Nothing is changed at the BMC.
func (c *Controller) Record(ctx context.Context, r Recording, keep func(name string, text []byte) error) (Recorded, error) {
	w := &walk{c: c, r: r, kept: map[string]*recorded{}, met: map[string]bool{}}
	w.r.Resources = cmp.Or(r.Resources, maxRecorded)
	w.r.Bytes = cmp.Or(r.Bytes, maxRecordBytes)
	w.r.LogEntries = cmp.Or(r.LogEntries, maxLogEntries)
	if err := w.all(ctx); err != nil {
		return w.out, err
	}
	if len(w.order) == 0 {
		return w.out, fault.Conflictf("BMC %s has nothing to record", c.access.Address).WithHint("check that the address is a BMC's")
	}
	w.prune()
	m := newMask(c.wire, r.Named)
	for _, uri := range w.order {
		m.learn(uri, w.kept[uri].body)
	}
	m.ready()
	if err := w.write(m, "/redfish", map[string]any{"v1": rootPath}, nil, keep); err != nil {
		return w.out, err
	}
	for _, uri := range w.order {
		p := w.kept[uri]
		if err := w.write(m, uri, p.body, p.headers, keep); err != nil {
			return w.out, err
		}
		w.out.Resources++
	}
	if text := w.metadata(ctx); text != nil {
		if err := keep("redfish/v1/$metadata/index.xml", []byte(m.text("", string(text)))); err != nil {
			return w.out, err
		}
	}
	w.out.LeftOut = append(w.out.LeftOut, m.left...)
	return w.out, nil
}

// walk is a recording under way.
type walk struct {
	c     *Controller
	r     Recording
	kept  map[string]*recorded
	order []string
	met   map[string]bool
	out   Recorded
	bytes int64
}

// recorded is one resource.
type recorded struct {
	body    map[string]any
	headers http.Header
}

func (w *walk) leave(what string, why string) {
	if len(w.out.LeftOut) < maxLeftOut {
		w.out.LeftOut = append(w.out.LeftOut, what+": "+why)
	}
}

// all goes breadth first, so that a bound leaves out the leaves.
func (w *walk) all(ctx context.Context) error {
	if w.r.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.r.Time, errNotYet)
		defer cancel()
	}
	queue, failures := []string{strings.TrimSuffix(rootPath, "/"), rootPath + "odata"}, 0
	w.met[queue[0]], w.met[queue[1]] = true, true
	for ; len(queue) > 0; queue = queue[1:] {
		switch {
		case len(w.order) >= w.r.Resources:
			w.leave(fmt.Sprintf("%d resources and what they lead to", len(queue)), fmt.Sprintf("more than %d resources", w.r.Resources))
			return nil
		case w.bytes >= w.r.Bytes:
			w.leave(fmt.Sprintf("%d resources and what they lead to", len(queue)), fmt.Sprintf("more than %d bytes", w.r.Bytes))
			return nil
		case errors.Is(context.Cause(ctx), errNotYet):
			w.leave(fmt.Sprintf("%d resources and what they lead to", len(queue)), fmt.Sprintf("the time of %s is over", w.r.Time))
			return nil
		}
		found, err := w.take(ctx, queue[0])
		switch {
		case err == nil:
			failures = 0
		case errors.Is(context.Cause(ctx), errNotYet):
			continue // said above
		case ctx.Err() != nil || w.c.wire.shut() || failures == maxFailures || len(w.order) == 0:
			return w.c.explain("read "+queue[0], err)
		default:
			if !absent(err) {
				failures++
			}
			w.leave(queue[0], w.c.explain("read it", err).Error())
		}
		queue = append(queue, found...)
		if w.r.Progress != nil {
			w.r.Progress(len(w.order), len(queue)-1)
		}
	}
	return nil
}

// metadata is the document that says which schemas are used (DSP0266, OData metadata); nil
// where there is none. No link leads to it, and it is no JSON.
func (w *walk) metadata(ctx context.Context) []byte {
	a, err := answerOf(w.c.under(ctx).GetWithHeaders(rootPath+"$metadata", map[string]string{"Accept": "application/xml"}))
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")) || len(a.body) > maxRecordOne {
		return nil
	}
	return a.body
}

// take reads one resource and returns where it leads that nobody went before.
func (w *walk) take(ctx context.Context, uri string) ([]string, error) {
	body, header, size, err := w.get(ctx, uri)
	if err != nil {
		return nil, err
	}
	if size > maxRecordOne {
		w.leave(uri, fmt.Sprintf("larger than %d bytes", maxRecordOne))
		return nil, nil
	}
	if err := w.pages(ctx, body); err != nil {
		w.leave(uri+", later pages", w.c.explain("read them", err).Error())
	}
	w.shorten(uri, body)
	w.bytes += int64(size)
	w.kept[uri] = &recorded{body, header}
	w.order = append(w.order, uri)
	var found []string
	for _, to := range leads(body) {
		if at, ok := place(to); ok && !w.met[at] && len(w.met) < 4*maxRecorded {
			w.met[at] = true
			if skipped(at) {
				w.leave(at, "the same for all BMCs")
				continue
			}
			found = append(found, at)
		}
	}
	return found, nil
}

// write gives one resource to keep, and those of its headers that say something.
func (w *walk) write(m *mask, uri string, body map[string]any, header http.Header, keep func(string, []byte) error) error {
	folder := strings.TrimPrefix(m.uri(uri), "/")
	text, err := encode(m.object(uri, body))
	if err != nil {
		return fault.Internalf("encode %s: %w", folder, err)
	}
	w.out.Bytes += int64(len(text))
	if err := keep(folder+"/index.json", text); err != nil {
		return err
	}
	kept := map[string]string{}
	for _, name := range []string{"Allow", "ETag", "OData-Version"} {
		if v := tidy(header.Get(name)); v != "" {
			kept[name] = m.text("", v)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	text, err = encode(map[string]any{"GET": kept})
	if err != nil {
		return fault.Internalf("encode %s: %w", folder, err)
	}
	return keep(folder+"/headers.json", text)
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.Bytes(), err
}
