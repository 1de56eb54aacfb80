package agent

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"rackwright/agent/fetch"
	"rackwright/agent/wire"
	"rackwright/fault"
)

// maxSources bounds how many sources of an order are used.
const maxSources = 8

// sources are the places an order's chunks may come from, the server itself last. The
// function closes what they keep open.
func (a *agent) sources(near []wire.Source) (*fetch.Pool, func()) {
	plain := fetch.Plain()
	var list []fetch.Source
	for _, s := range near[:min(len(near), maxSources)] {
		list = append(list, fetch.HTTP{URL: s.URL, Ticket: s.Ticket, Client: plain})
	}
	return fetch.New(append(list, server{a.client}), a.Backoff, time.Now), plain.CloseIdleConnections
}

// server is the source that has every chunk: the one this conversation is with.
type server struct{ client *client }

// Get asks for the frame of a chunk.
func (s server) Get(ctx context.Context, blob string, frame []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	response, err := s.client.do(ctx, http.MethodGet, "/agent/v1/chunk/"+url.PathEscape(blob), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fault.Invalidf("the server answers %s where a chunk was asked for", response.Status)
	}
	return fetch.Body(response, frame, cancel)
}
