package redfish

import (
	"net/url"
	"strconv"
	"strings"
)

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

// lastOf is the last segment of a resource's path: what an id in Redfish is.
func lastOf(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	path = strings.TrimRight(path, "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return tidy(name)
}

// pathOf is the path of a link or a Location header, which some BMCs give as a full URL;
// with its query. Empty when it is none.
func pathOf(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || u.Host != "" && u.Scheme == "" {
		return ""
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}
