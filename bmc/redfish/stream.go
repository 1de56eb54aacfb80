package redfish

import (
	"context"
	"io"
	"net/http"
	"time"

	"rackwright/fault"
)

// stream reads an answer that does not end and hands it on as it comes. Only asking takes
// a turn, and Timing.Request bounds only that: other requests pass beside what is read.
// It ends with ctx, with the session, or when read returns.
func (w *wire) stream(ctx context.Context, uri, accept string, read func(*http.Response) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	resp, err := w.openStream(ctx, stop, uri, accept)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-w.ended:
			stop()
		case <-done:
		}
	}()
	err = read(resp)
	select {
	case <-w.ended:
		return fault.Unreachablef("the session at BMC %s was ended, and what was streamed in it", w.access.Address).
			WithHint("open the stream again in another session")
	default:
		return err
	}
}

func (w *wire) openStream(ctx context.Context, stop func(), uri, accept string) (*http.Response, error) {
	if err := w.take(ctx); err != nil {
		return nil, err
	}
	defer w.release()
	for again := true; ; again = false {
		if err := w.ready(ctx); err != nil {
			return nil, err
		}
		resp, err := w.askStream(ctx, stop, uri, accept)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, nil
		}
		if err := swallow(resp); err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusUnauthorized || w.kind != byToken || !again {
			return nil, refusal(resp.StatusCode, peek(resp))
		}
		w.kind = anonymous
	}
}

func (w *wire) askStream(ctx context.Context, stop func(), uri, accept string) (*http.Response, error) {
	req, err := w.request(ctx, http.MethodGet, uri, accept, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	late := time.AfterFunc(w.timing.Request, stop)
	resp, err := w.raw.RoundTrip(req)
	if !late.Stop() && err == nil { // it answered as the time ran out: the stream is cut already
		resp.Body.Close()
		err = io.ErrUnexpectedEOF
	}
	return resp, err
}

// endStreams ends what is being read; the caller holds the turn.
func (w *wire) endStreams() {
	select {
	case <-w.ended:
	default:
		close(w.ended)
	}
}
