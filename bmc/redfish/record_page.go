package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

func (w *walk) get(ctx context.Context, uri string) (map[string]any, http.Header, int, error) {
	a, err := answerOf(w.c.under(ctx).Get((&url.URL{Path: uri}).EscapedPath()))
	if err != nil {
		return nil, nil, 0, err
	}
	body, err := parseObject(a.body)
	return body, a.header, len(a.body), err
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
		a, err := answerOf(w.c.under(ctx).Get(pathOf(next)))
		if err != nil {
			return err
		}
		more, err := parseObject(a.body)
		if err != nil {
			return err
		}
		w.bytes += int64(len(a.body))
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
			for _, k := range slices.Sorted(maps.Keys(v)) {
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
