package images

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"time"

	"rackwright/fault"
)

// Cache is a read-through cache of chunks, as it last said of itself.
type Cache struct {
	Name   string      `json:"name"`
	URL    string      `json:"url" doc:"http://host:port that agents fetch from"`
	Rack   string      `json:"rack,omitempty" doc:"Where it stands"`
	Site   string      `json:"site,omitempty" doc:"Of its rack, or as it says"`
	Report CacheReport `json:"report"`
	Want   []string    `json:"want,omitempty" nullable:"false" doc:"Digests of images that it was asked to fetch"`
	Seen   time.Time   `json:"seen_at" doc:"When it was last heard of"`
	Alive  bool        `json:"alive" doc:"Agents are told of it"`
}

// CacheReport is how a cache stands.
type CacheReport struct {
	Version  string  `json:"version,omitempty" maxLength:"64"`
	Max      int64   `json:"max_bytes" doc:"How much it keeps"`
	Held     int64   `json:"held_bytes"`
	Chunks   int     `json:"chunks"`
	Hits     int64   `json:"hits" doc:"Chunks given out that were there, since its start"`
	Misses   int64   `json:"misses" doc:"Chunks that it had to fetch, since its start"`
	Fetched  int64   `json:"fetched_bytes" doc:"From upstream, since its start"`
	Sent     int64   `json:"sent_bytes" doc:"To agents, since its start"`
	Rate     float64 `json:"rate" doc:"Bytes per second to agents, of late"`
	Sending  int     `json:"sending" doc:"Chunks on their way to agents"`
	Warming  []Warm  `json:"warming,omitempty" nullable:"false" maxItems:"100"`
	Upstream string  `json:"upstream,omitempty" maxLength:"256"`
}

// Warm is how far a cache is with fetching an image before anybody asks for it.
type Warm struct {
	Digest string `json:"digest" maxLength:"80"`
	Done   int    `json:"done" doc:"Chunks"`
	Total  int    `json:"total,omitempty"`
	Error  string `json:"error,omitempty" maxLength:"512" doc:"Why it ended"`
}

// Ended reports whether nothing more will be fetched.
func (w Warm) Ended() bool { return w.Error != "" || w.Total > 0 && w.Done == w.Total }

// How often a cache says how it stands, and after which silence nobody is sent to it.
const (
	CacheBeat = 5 * time.Second
	CacheLife = 4 * CacheBeat
)

var cacheName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Check returns Invalid for a cache that nobody could fetch from.
func (c *Cache) Check() error {
	u, err := url.Parse(c.URL)
	switch {
	case !cacheName.MatchString(c.Name):
		return fault.Invalidf("%.80q is not the name of a cache", c.Name).WithHint("use 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
	case err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || len(c.URL) > 256:
		return fault.Invalidf("%.80q is not where agents can fetch", c.URL).WithHint("write http://host:port")
	}
	return nil
}

// Nearest are the caches that a machine fetches from: those of its rack, then those of its
// site, of either the one first that sends the least.
func Nearest(all []Cache, rack, site string, now time.Time) []Cache {
	near := func(c Cache) int {
		switch {
		case rack != "" && c.Rack == rack:
			return 0
		case site != "" && c.Site == site:
			return 1
		}
		return 2
	}
	out := slices.DeleteFunc(slices.Clone(all), func(c Cache) bool { return now.Sub(c.Seen) > CacheLife || near(c) == 2 })
	slices.SortStableFunc(out, func(a, b Cache) int {
		return cmp.Or(cmp.Compare(near(a), near(b)), cmp.Compare(a.Report.Sending, b.Report.Sending), cmp.Compare(a.Name, b.Name))
	})
	return out
}
