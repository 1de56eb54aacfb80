package redfish

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/stmcginnis/gofish/schemas"
)

// collection is a resource collection, or as much of it as one answer holds. A member is a
// link or, where the BMC expands (asked to, or always as with log entries), the whole
// resource.
type collection struct {
	resource
	Members []json.RawMessage
	Next    string `json:"Members@odata.nextLink"`
	Older   string `json:"@odata.nextLink"` // where BMCs before DSP0266 1.6 put it
	Count   *int   `json:"Members@odata.count"`
}

// next is where the collection goes on; empty at its end.
func (l *collection) next() string { return pathOf(cmp.Or(l.Next, l.Older)) }

// uris are the members' addresses.
func (l *collection) uris() []string {
	out := make([]string, 0, len(l.Members))
	for _, m := range l.Members {
		out = append(out, odataID(m))
	}
	return out
}

// bare reports whether the members are links only.
func (l *collection) bare() bool { return len(l.Members) > 0 && !whole(l.Members[0]) }

// whole reports whether a member is more than a link.
func whole(member json.RawMessage) bool {
	var one struct{ ID, Name json.RawMessage }
	return lenient(json.Unmarshal(member, &one)) == nil && (one.ID != nil || one.Name != nil)
}

// odataID is the address of a resource, or of a link to it.
func odataID(text []byte) string {
	var l link
	_ = json.Unmarshal(text, &l) // no body, no address
	return l.URI
}

// expanded reads a collection with its members in it where the BMC knows how.
func (c *Controller) expanded(ctx context.Context, uri string) (*collection, error) {
	if in := c.queries.expanded(uri); in != "" {
		if l, err := get[collection](c.under(ctx), in); err == nil || ctx.Err() != nil {
			return l, err
		}
	}
	return get[collection](c.under(ctx), uri)
}

// members reads the first members of a collection, at most limit; those that cannot be
// read are left out, with the last error.
func members[T any](client schemas.Client, uri string, limit int) ([]T, error) {
	list, err := get[collection](client, uri)
	if err != nil {
		return nil, err
	}
	return resolve[T](client, list, limit)
}

// resolve makes at most limit members the whole resources, with one more request for each
// that is a link.
func resolve[T any](client schemas.Client, l *collection, limit int) (out []T, last error) {
	for _, m := range l.Members[:min(len(l.Members), limit)] {
		var one *T
		var err error
		if uri := odataID(m); whole(m) {
			one, err = parse[T](m, uri, "")
		} else {
			one, err = get[T](client, uri)
		}
		if err != nil {
			last = err
			continue
		}
		out = append(out, *one)
	}
	return out, last
}

// queries are the query parameters of DSP0266 7.3 that the BMC says it knows. Those it
// does not announce are not sent: some answer with an error, some with nothing.
type queries struct {
	expand string // value of $expand that puts the members into their collection; empty: none
	pages  bool   // $top and $skip
}

func (r serviceRoot) queries() queries {
	q := queries{pages: r.ProtocolFeaturesSupported.TopSkipQuery}
	switch expand := r.ProtocolFeaturesSupported.ExpandQuery; {
	case expand.NoLinks:
		q.expand = ".($levels=1)"
	case expand.ExpandAll:
		q.expand = "*($levels=1)"
	}
	return q
}

// expanded is a collection's URI with its members in it; empty when the BMC cannot.
func (q queries) expanded(uri string) string {
	if q.expand == "" {
		return ""
	}
	return withQuery(uri, "$expand="+q.expand)
}

// from is the part of a collection that begins behind skip members; empty when the BMC
// cannot.
func (q queries) from(uri string, skip, top int) string {
	if !q.pages {
		return ""
	}
	return withQuery(uri, "$skip="+strconv.Itoa(skip)+"&$top="+strconv.Itoa(top))
}

func withQuery(uri, query string) string {
	if strings.Contains(uri, "?") {
		return uri + "&" + query
	}
	return uri + "?" + query
}
