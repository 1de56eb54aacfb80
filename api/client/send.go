package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"rackwright/fault"
)

// sendTries bounds how often a request is sent that got no answer.
const sendTries = 4

type seenKey struct{}

// Seen makes the next change depend on what its caller looked at: tag is the ETag of an
// answer, see Tag. The server answers Conflict when the thing is another by then.
func Seen(ctx context.Context, tag string) context.Context {
	return context.WithValue(ctx, seenKey{}, tag)
}

// Tag returns the ETag of what stands at a path such as /machines/n1.
func (c *Client) Tag(ctx context.Context, path string) (string, error) {
	r, err := c.request(ctx, http.MethodHead, path, nil, nil)
	if err != nil {
		return "", err
	}
	answer, err := c.do(r)
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	return answer.Header.Get("ETag"), nil
}

// MachineTag returns the ETag of a machine.
func (c *Client) MachineTag(ctx context.Context, machine string) (string, error) {
	return c.Tag(ctx, machinePath(machine, ""))
}

// letter is a request that can be sent again.
type letter struct {
	method, path string
	query        url.Values
	body         []byte // nil: none
	key          string // Idempotency-Key of a POST
	seen         string // If-Match
}

// send sends a request until it is answered. A POST has a key: when its answer is lost it is
// sent again, and still done once. What the server wants an ETag for is looked at first.
func (c *Client) send(ctx context.Context, l letter) (*http.Response, error) {
	if l.method == http.MethodPost {
		l.key = uuid.NewString()
	}
	l.seen, _ = ctx.Value(seenKey{}).(string)
	for try := 1; ; try++ {
		answer, err := c.sendOnce(ctx, l)
		switch {
		case err != nil:
			if l.key == "" || !perhapsDone(err) || try == sendTries || c.pause(ctx, try) != nil {
				return nil, c.unreachable(ctx, err)
			}
		case answer.StatusCode == http.StatusPreconditionRequired && l.seen == "" && try < sendTries:
			answer.Body.Close()
			if l.seen = answer.Header.Get("ETag"); l.seen == "" {
				return nil, fault.Internalf("the server wants an ETag of %s and tells none", l.path)
			}
		case answer.StatusCode == http.StatusConflict && answer.Header.Get("Retry-After") != "" && try < 2*sendTries: // our own, sent before
			answer.Body.Close()
			if c.pause(ctx, try) != nil {
				return nil, c.unreachable(ctx, ctx.Err())
			}
		case answer.StatusCode/100 != 2:
			defer answer.Body.Close()
			return nil, problem(answer)
		default:
			return answer, nil
		}
	}
}

func (c *Client) sendOnce(ctx context.Context, l letter) (*http.Response, error) {
	var body io.Reader
	if l.body != nil {
		body = bytes.NewReader(l.body)
	}
	r, err := c.request(ctx, l.method, l.path, l.query, body)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Idempotency-Key": l.key, "If-Match": l.seen} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if l.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.http.Do(r)
}

// perhapsDone reports whether the server may have seen a request that got no answer.
func perhapsDone(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if _, ok := errors.AsType[*fault.Error](err); ok { // our own, such as of the client certificate
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return !ok || op.Op != "dial"
}

// encoded is a body as JSON; nil for none.
func encoded(in any) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fault.Internalf("encode request: %w", err)
	}
	return text, nil
}
