package redfish

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"rackwright/fault"
)

const (
	maxReadRetries = 3 // of a read that failed for now
	maxTries       = 3 // of a change that the BMC refused for now
)

// pause waits, or returns the context's error.
type pause func(ctx context.Context, d time.Duration) error

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again says whether a read is worth repeating and after how long. A pause beyond the
// caller's deadline or our patience is not taken.
func (w *wire) again(ctx context.Context, resp *http.Response, err error, attempt int) (time.Duration, bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	wait := jitter(w.timing.PollMin << attempt)
	switch {
	case err != nil:
		return wait, cutOff(err)
	case !busy(resp.StatusCode, peek(resp)):
		return 0, false
	}
	if asked, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
		wait = asked
	}
	deadline, bounded := ctx.Deadline()
	return wait, wait <= w.timing.Patience && (!bounded || time.Until(deadline) > wait)
}

// cutOff is a connection that broke in the middle, as BMCs under load do. A refused
// connection or a timeout is told at once instead.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// busy is an answer that says "not now": nothing was done, and later it may be.
func busy(status int, body []byte) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return status >= 400 && notReady(body)
}

// notReady finds the vendors' words for "ask again later" among the message ids.
func notReady(body []byte) bool {
	for _, id := range notReadyMessages() {
		if bytes.Contains(body, []byte(id)) {
			return true
		}
	}
	return false
}

// peek reads a body that swallow has put into memory, and puts it back.
func peek(resp *http.Response) []byte {
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110 10.2.3).
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(0, when.Sub(now)), true
}

// jitter is d give or take a quarter, so that a thousand BMCs are not asked in step.
func jitter(d time.Duration) time.Duration {
	if d < 4 {
		return d
	}
	return d - d/4 + rand.N(d/2)
}

// budgetKey finds the number of requests left to one call.
type budgetKey struct{}

// withBudget bounds what one call may ask: a collection whose pages never end would
// otherwise hold us until the deadline.
func withBudget(ctx context.Context, requests int64) context.Context {
	left := &atomic.Int64{}
	left.Store(requests)
	return context.WithValue(ctx, budgetKey{}, left)
}

func spend(ctx context.Context) error {
	left, ok := ctx.Value(budgetKey{}).(*atomic.Int64)
	if ok && left.Add(-1) < 0 {
		return errBudget
	}
	return nil
}

// errBudget ends a call that would never end.
var errBudget = fault.Conflictf("the BMC's resources do not come to an end")
