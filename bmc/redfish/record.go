package redfish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stmcginnis/gofish/schemas"

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
	maxFailures     = 20 // resources in a row that cannot be read
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
	queue, failures := []string{strings.TrimSuffix(rootPath, "/")}, 0
	w.met[queue[0]] = true
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
			failures++
			w.leave(queue[0], w.c.explain("read it", err).Error())
		}
		queue = append(queue, found...)
		if w.r.Progress != nil {
			w.r.Progress(len(w.order), len(queue)-1)
		}
	}
	return nil
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

func (w *walk) get(ctx context.Context, uri string) (map[string]any, http.Header, int, error) {
	resp, err := w.c.client.WithContext(ctx).Get((&url.URL{Path: uri}).EscapedPath())
	if err != nil {
		return nil, nil, 0, err
	}
	text := peek(resp)
	schemas.DeferredCleanupHTTPResponse(resp)
	body, err := parseObject(text)
	return body, resp.Header, len(text), err
}

// parseObject reads one JSON object, numbers as they are written.
func parseObject(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var body map[string]any
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	return body, nil
}

// pages puts the members of later pages into the first.
func (w *walk) pages(ctx context.Context, body map[string]any) error {
	for range maxRecordPages {
		next, _ := body["Members@odata.nextLink"].(string)
		delete(body, "Members@odata.nextLink")
		members, _ := body["Members"].([]any)
		if next == "" || len(members) > w.r.Resources {
			return nil
		}
		resp, err := w.c.client.WithContext(ctx).Get(pathOf(next))
		if err != nil {
			return err
		}
		text := peek(resp)
		schemas.DeferredCleanupHTTPResponse(resp)
		more, err := parseObject(text)
		if err != nil {
			return err
		}
		w.bytes += int64(len(text))
		others, _ := more["Members"].([]any)
		body["Members"] = append(members, others...)
		if after, ok := more["Members@odata.nextLink"]; ok && after != next {
			body["Members@odata.nextLink"] = after
		}
	}
	return nil
}

// shorten cuts what has no end or is nobody's business: logs and sessions.
func (w *walk) shorten(uri string, body map[string]any) {
	members, ok := body["Members"].([]any)
	if !ok {
		return
	}
	kind, _ := body["@odata.type"].(string)
	most := len(members)
	switch {
	case strings.Contains(kind, "SessionCollection"):
		most = 0
	case strings.Contains(kind, "LogEntryCollection") || strings.Contains(uri, "/LogServices/") && path.Base(uri) == "Entries":
		most = min(most, w.r.LogEntries)
	case skipped(uri + "/x"):
		most = 0
	}
	if most < len(members) {
		w.leave(uri, fmt.Sprintf("%d of %d members", len(members)-most, len(members)))
		body["Members"], body["Members@odata.count"] = members[:most:most], most
	}
}

// skipped are schemas, which are DMTF's and the same everywhere.
func skipped(uri string) bool {
	for _, prefix := range []string{"/redfish/v1/JsonSchemas/", "/redfish/v1/SchemaStore/", "/redfish/v1/Schemas/"} {
		if strings.HasPrefix(uri, prefix) {
			return true
		}
	}
	return false
}

// leads lists the links of a resource. Of the registries only those of attributes are
// followed to their files: messages are DMTF's.
func leads(body map[string]any) []string {
	var out []string
	var look func(v any, depth int)
	look = func(v any, depth int) {
		if depth > maxRecordNumber {
			return
		}
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				look(e, depth+1)
			}
		case map[string]any:
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				s, isText := v[k].(string)
				switch {
				case isText && (k == "@odata.id" || k == "@Redfish.ActionInfo" || k == "Uri" && strings.Contains(s, "Attribute")):
					out = append(out, s)
				case !isText:
					look(v[k], depth+1)
				}
			}
		}
	}
	look(body, 0)
	return out
}

// place is a link's path as a folder: below /redfish/v1, without a fragment, a trailing
// slash or anything that leads out of a folder.
func place(link string) (string, bool) {
	u, err := url.Parse(link)
	if err != nil || u.Host != "" || u.RawQuery != "" || len(link) > 1000 {
		return "", false
	}
	at := strings.TrimRight(u.Path, "/")
	if path.Clean(at) != at || !strings.HasPrefix(at+"/", rootPath) || strings.ContainsAny(at, "\\\x00") {
		return "", false
	}
	segments := strings.Split(at, "/")
	bad := slices.ContainsFunc(segments, func(s string) bool {
		return len(s) > 200 || s == "index.json" || s == "headers.json" || tidy(s) != s
	})
	return at, !bad && len(segments) <= maxRecordDepth
}

// prune takes out of collections what a bound left out, so that every member that was
// recorded as one can be read.
func (w *walk) prune() {
	for _, uri := range w.order {
		members, ok := w.kept[uri].body["Members"].([]any)
		if !ok {
			continue
		}
		there := slices.DeleteFunc(slices.Clone(members), func(m any) bool {
			o, _ := m.(map[string]any)
			to, _ := o["@odata.id"].(string)
			at, ok := place(to)
			return ok && w.kept[at] == nil && len(o) == 1
		})
		if len(there) < len(members) {
			w.leave(uri, fmt.Sprintf("%d members that were not recorded", len(members)-len(there)))
			w.kept[uri].body["Members"], w.kept[uri].body["Members@odata.count"] = there, len(there)
		}
	}
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
