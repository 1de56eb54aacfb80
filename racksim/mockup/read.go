package mockup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// read answers GET and HEAD.
func (b *BMC) read(c *call) reply {
	if c.uri == "/redfish" && b.get(c.uri) == nil {
		return reply{status: http.StatusOK, body: body{"v1": root + "/"}}
	}
	if text := b.cfg.Tree.other[c.uri]; text != nil {
		return reply{status: http.StatusOK, raw: text, header: map[string]string{"Content-Type": "application/xml;charset=utf-8"}}
	}
	if out, ok := b.monitor(c.uri); ok {
		return out
	}
	if b.waking > 0 && c.uri != root {
		b.waking--
		return refuse(http.StatusServiceUnavailable, "IDRAC.2.8.SYS518", "iDRAC is currently unable to display any information because data sources are unavailable.").reply()
	}
	found := b.get(c.uri)
	if found == nil || b.fresh[c.uri] > 0 {
		if b.fresh[c.uri]--; b.fresh[c.uri] <= 0 {
			delete(b.fresh, c.uri)
		}
		return missing(c.uri).reply()
	}
	shown, p := b.queried(b.shown(c.uri, found), c.r.URL.Query())
	if p != nil {
		return p.reply()
	}
	tag := b.etag(c.uri)
	out := reply{status: http.StatusOK, body: shown, header: map[string]string{"ETag": tag}}
	if c.r.Header.Get("If-None-Match") == tag {
		out.status, out.body = http.StatusNotModified, nil
		return out
	}
	if shown["@odata.etag"] != nil {
		shown["@odata.etag"] = tag
	}
	return out
}

// shown is a resource as it is told: with the time that it is now.
func (b *BMC) shown(uri string, found body) body {
	out := make(body, len(found))
	for k, v := range found {
		out[k] = v
	}
	if at := textAt(found, "DateTime"); at != "" && typeOf(found) == "Manager" {
		out["DateTime"] = b.clock().Format(time.RFC3339)
	}
	return out
}

// clock is what the BMC takes for the time, in its own zone.
func (b *BMC) clock() time.Time {
	zone, err := time.Parse("-07:00", textAt(b.get(b.manager), "DateTimeLocalOffset"))
	now := b.cfg.Now().Add(b.skew).UTC()
	if err != nil {
		return now
	}
	return now.In(zone.Location())
}

// etag is over the resource's content, without the time.
func (b *BMC) etag(uri string) string {
	found := b.get(uri)
	plain := make(body, len(found))
	for k, v := range found {
		if k != "@odata.etag" && k != "DateTime" {
			plain[k] = v
		}
	}
	text, err := json.Marshal(plain)
	if err != nil {
		panic(err) // it was JSON when it came
	}
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:6]) + `"`
	if b.habits.weakTags {
		return "W/" + tag
	}
	return tag
}

// match judges If-Match of a write (DSP0266 6.5).
func (b *BMC) match(c *call) *refusal {
	want := strings.TrimPrefix(c.r.Header.Get("If-Match"), "W/")
	switch {
	case want == "" && b.habits.needsMatch:
		return refuse(http.StatusPreconditionRequired, "PreconditionRequired", "A precondition header or annotation is required to change this resource.")
	case want == "" || want == "*" || want == strings.TrimPrefix(b.etag(c.uri), "W/"):
		return nil
	}
	return refuse(http.StatusPreconditionFailed, "PreconditionFailed", "The ETag supplied did not match the ETag required to change this resource.")
}

// queried does what the service root says it can: $top and $skip of a collection, and
// $expand of one level. Any other query that begins with $ is 501 (DSP0266 7.3).
func (b *BMC) queried(found body, q url.Values) (body, *refusal) {
	can := at(b.get(root), "ProtocolFeaturesSupported")
	list, _ := found["Members"].([]any)
	for name, values := range q {
		n, err := strconv.Atoi(values[0])
		switch expand, _ := at(can, "ExpandQuery", "NoLinks").(bool); {
		case !strings.HasPrefix(name, "$"), name == "$expand" && expand, name == "$levels":
		case (name == "$top" || name == "$skip") && at(can, "TopSkipQuery") == true && err == nil && n >= 0:
		default:
			return nil, refuse(http.StatusNotImplemented, "QueryNotSupported", "Querying is not supported by the implementation.")
		}
	}
	if list == nil || len(q) == 0 {
		return found, nil
	}
	if n, err := strconv.Atoi(q.Get("$skip")); err == nil {
		list = list[min(n, len(list)):]
	}
	if n, err := strconv.Atoi(q.Get("$top")); err == nil {
		list = list[:min(n, len(list))]
	}
	if q.Has("$expand") {
		full := make([]any, len(list))
		for i, v := range list {
			if full[i] = v; b.get(follow(v)) != nil {
				full[i] = b.shown(follow(v), b.get(follow(v)))
			}
		}
		list = full
	}
	found["Members"] = list
	return found, nil
}
