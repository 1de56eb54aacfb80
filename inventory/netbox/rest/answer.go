package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
)

// page reads one page, and tries again when the server is busy.
func (c *Client) page(ctx context.Context, list string, at *url.URL) (page []byte, err error) {
	for n := range tries {
		var wait time.Duration
		if page, wait, err = c.get(ctx, list, at.String()); err == nil || wait == 0 || n == tries-1 {
			return page, err
		}
		if c.o.Pause(ctx, wait<<n) != nil {
			return nil, fault.New(fault.Unreachable, "interrupted: %w", ctx.Err())
		}
	}
	return nil, err
}

// get asks once. Wait is how long to wait before another try, 0 for none.
func (c *Client) get(ctx context.Context, list, at string) (page []byte, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, perPage)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, 0, fault.Internalf("make request: %w", err)
	}
	scheme := "Token"
	if strings.HasPrefix(c.o.Token, "nbt_") { // since 4.5
		scheme = "Bearer"
	}
	r.Header.Set("Authorization", scheme+" "+c.o.Token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "rackwright")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, time.Second, c.unreachable(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		wait, err = refused(list, c.base.Host, answer)
		return nil, wait, err
	}
	if c.version == "" {
		c.version = answer.Header.Get("API-Version")
	}
	page, err = io.ReadAll(io.LimitReader(answer.Body, maxPage+1))
	if c.bytes += int64(len(page)); err == nil && (len(page) > maxPage || c.bytes > maxBytes) {
		return nil, 0, fault.Invalidf("NetBox answers more than can be imported at once").WithHint("import site by site with --site")
	}
	if err != nil {
		return nil, time.Second, c.unreachable(err)
	}
	return page, 0, nil
}

func (c *Client) unreachable(err error) error {
	cause := err
	if u, is := errors.AsType[*url.Error](err); is {
		cause = u.Err // without the address and its query
	}
	hint := "is NetBox running there? is --url right?"
	if _, is := errors.AsType[*tls.CertificateVerificationError](err); is {
		hint = "name the certificate authority that signed the server's certificate with --ca-file"
	} else if _, is := errors.AsType[*net.DNSError](err); is {
		hint = "is the name in --url right?"
	}
	return fault.New(fault.Unreachable, "no answer from NetBox at %s: %w", c.base.Host, cause).WithHint("%s", hint)
}

// refused is the fault of an answer that is no page. What it says is not repeated.
func refused(list, host string, answer *http.Response) (wait time.Duration, err error) {
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return 0, fault.Deniedf("NetBox refuses the token for %s (%s)", list, answer.Status).WithHint("is the token valid, and may its user view these objects?")
	case code == http.StatusTooManyRequests || code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout:
		wait = time.Second
		if s, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && s > 0 {
			wait = time.Duration(min(s, 30)) * time.Second
		}
		return wait, fault.Unreachablef("NetBox at %s is busy (%s)", host, answer.Status).WithHint("try again later")
	case code/100 == 3:
		return 0, fault.Invalidf("NetBox at %s sends elsewhere (%s)", host, answer.Status).WithHint("name its own address with --url, with https://")
	case code == http.StatusNotFound:
		return 0, fault.NotFoundf("there is no %s at %s", list, host).WithHint("is it a NetBox of version 3 or 4? --url has the path that it is served under")
	}
	return 0, fault.New(fault.Unreachable, "NetBox at %s answered %s for %s", host, answer.Status, list).WithHint("see NetBox's log")
}

// pause waits by the clock.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(min(d, time.Minute))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
