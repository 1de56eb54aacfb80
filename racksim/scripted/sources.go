package scripted

import (
	"context"
	nethttp "net/http"
	"net/url"

	"rackwright/agent/wire"
	"rackwright/images"
)

// source is a place to fetch chunks from besides the server.
type source struct {
	wire.Source
	failed int
}

// sourceTries is how often a source may fail an agent before it is passed over.
const sourceTries = 2

// server is the last resort: the server itself, by TLS.
const server = -1

// use makes the sources of an order those that are asked.
func (a *agent) use(list []wire.Source) {
	a.sources = nil
	for _, s := range list {
		a.sources = append(a.sources, source{Source: s})
	}
}

// blame counts a failure of a source and reports whether it was one that can be passed over.
func (a *agent) blame(from int) bool {
	if from == server {
		return false
	}
	a.sources[from].failed++
	return true
}

// ask asks the nearest source that did not fail for a chunk, the server last, and says whom
// it asked.
func (a *agent) ask(ctx context.Context, c images.Chunk) (response *nethttp.Response, from int, again bool, err error) {
	for i := range a.sources {
		if a.sources[i].failed >= sourceTries {
			continue
		}
		if response := a.askSource(ctx, a.sources[i].Source, c); response != nil {
			return response, i, true, nil
		}
		a.m.say("agent: %s did not give a chunk", hostOf(a.sources[i].URL))
		a.blame(i)
	}
	response, again, err = a.do(ctx, nethttp.MethodGet, "/agent/v1/chunk/"+url.PathEscape(c.Blob), nil)
	return response, server, again, err
}

// askSource is nil when the source does not give the chunk.
func (a *agent) askSource(ctx context.Context, s wire.Source, c images.Chunk) *nethttp.Response {
	request, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodGet, s.URL+"/"+c.Blob, nil)
	if err != nil {
		return nil
	}
	request.Header.Set("Authorization", "Bearer "+s.Ticket)
	response, err := a.plain.Do(request)
	if err != nil {
		return nil
	}
	if response.StatusCode != nethttp.StatusOK || response.ContentLength != c.Packed {
		response.Body.Close()
		return nil
	}
	return response
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a source"
	}
	return u.Host
}
