package redfish

import (
	"context"
	"encoding/json"

	"github.com/stmcginnis/gofish/schemas"
)

// page is a resource collection, or as much of it as one answer holds. A member is a link
// or, where the BMC expands (asked to, or always as with log entries), the whole resource.
type page struct {
	schemas.Entity
	Members []json.RawMessage
	Next    string `json:"Members@odata.nextLink"`
	Older   string `json:"@odata.nextLink"` // where BMCs before DSP0266 1.6 put it
	Count   int    `json:"Members@odata.count"`
}

// UnmarshalJSON keeps what fits.
func (p *page) UnmarshalJSON(b []byte) error {
	type plain page
	return lenient(json.Unmarshal(b, (*plain)(p)))
}

// next is where the collection goes on; empty at its end.
func (p *page) next() string { return pathOf(first2(p.Next, p.Older)) }

// first2 is a or else b, as they are: a link is no text to tidy.
func first2(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// bare reports whether the members are links only.
func (p *page) bare() bool { return len(p.Members) > 0 && !whole(p.Members[0]) }

// whole reports whether a member is more than a link.
func whole(member json.RawMessage) bool {
	var one struct{ ID, Name json.RawMessage }
	return json.Unmarshal(member, &one) == nil && (one.ID != nil || one.Name != nil)
}

// fetch reads a page as it is.
func (c *Controller) fetch(ctx context.Context, uri string) (*page, error) {
	return schemas.GetObject[page](c.client.WithContext(ctx), uri)
}

// fetchExpanded reads a page with its members in it where the BMC knows how.
func (c *Controller) fetchExpanded(ctx context.Context, uri string) (*page, error) {
	if in := c.queries.expanded(uri); in != "" {
		if p, err := c.fetch(ctx, in); err == nil || ctx.Err() != nil {
			return p, err
		}
	}
	return c.fetch(ctx, uri)
}

// resolve makes a member the whole resource; one more request when it is a link.
func resolve[T any, PT schemas.GenericSchemaObjectPointer[T]](ctx context.Context, c *Controller, member json.RawMessage) (*T, error) {
	if whole(member) {
		out := new(T)
		return out, json.Unmarshal(member, out)
	}
	var l link
	if err := lenient(json.Unmarshal(member, &l)); err != nil {
		return nil, err
	}
	return schemas.GetObject[T, PT](c.client.WithContext(ctx), l.URI)
}

// resolveAll makes at most limit members whole; those that cannot be read are left out,
// with the last error.
func resolveAll[T any, PT schemas.GenericSchemaObjectPointer[T]](ctx context.Context, c *Controller, p *page, limit int) ([]T, error) {
	var out []T
	var last error
	for _, m := range p.Members[:min(len(p.Members), limit)] {
		one, err := resolve[T, PT](ctx, c, m)
		if err != nil {
			if last = err; ctx.Err() != nil {
				return out, err
			}
			continue
		}
		out = append(out, *one)
	}
	return out, last
}
