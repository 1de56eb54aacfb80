package redfish

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// refusal is a BMC's answer of 300 or above as gofish's error.
func refusal(status int, body []byte) error { return schemas.ConstructError(status, body) }

// explain gives an error of the wire or of gofish its kind and its words. Nothing that a
// BMC says reaches a log or an operator before it went through here.
func (c *Controller) explain(doing string, err error) error {
	if all, ok := errors.AsType[*schemas.CollectionError](err); ok {
		err = worst(all)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if r, ok := errors.AsType[*schemas.Error](err); ok {
		return c.refusedTo(doing, r)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, shape := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case syntax || shape:
		return fault.Conflictf("BMC %s answers with something that is not Redfish", c.access.Address).
			WithHint("check that bmc.address is the BMC's and not a proxy's; restart the BMC if it is")
	case errors.Is(err, errTooLarge):
		return fault.Conflictf("BMC %s: %w", c.access.Address, err).WithHint("restart the BMC or update its firmware")
	case errors.Is(err, context.Canceled):
		return fault.Unreachablef("gave up on BMC %s: %w", c.access.Address, err)
	}
	return bmc.NoAnswer(c.access, err)
}

// worst is one error to tell of a collection's: a fault of ours, else the first by URI.
func worst(all *schemas.CollectionError) error {
	var told error
	for _, uri := range slices.Sorted(maps.Keys(all.Failures)) {
		err := all.Failures[uri]
		if isFault(err) {
			return err
		}
		if told == nil {
			told = err
		}
	}
	return told
}

// refusedTo tells what the BMC said, by its status (DSP0266 table 8).
func (c *Controller) refusedTo(doing string, r *schemas.Error) *fault.Error {
	kind, hint := fault.Conflict, "look at the BMC's own event log; restart the BMC if it stays so"
	switch code := r.HTTPReturnedStatusCode; {
	case code == http.StatusForbidden || code == http.StatusUnauthorized:
		kind, hint = fault.Denied, "give the BMC's user the role Operator or Administrator"
	case code == http.StatusBadRequest || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented:
		kind, hint = fault.Invalid, "the BMC cannot do this; a newer BMC firmware may"
	case code == http.StatusTooManyRequests || code >= 500:
		kind, hint = fault.Unreachable, "the BMC is busy or broken: it is tried again later; restart the BMC if it stays so"
	}
	return fault.New(kind, "BMC %s refuses to %s: HTTP %d%s", c.access.Address, doing, r.HTTPReturnedStatusCode, c.words(r)).
		WithHint("%s", hint)
}

// words is what the BMC said, short and without secrets; empty when it said nothing.
func (c *Controller) words(r *schemas.Error) string {
	var said []string
	for _, info := range r.ExtendedInfos {
		if m := tidy(c.wire.scrub(info.Message)); m != "" && !slices.Contains(said, m) && len(said) < 2 {
			said = append(said, m)
		}
	}
	if len(said) == 0 && r.Code != "" { // without a code it is no Redfish error but a page
		said = append(said, tidy(c.wire.scrub(r.Message)))
	}
	out := withoutPaths(strings.Join(said, " ")) // scrubbed before it was cut: half a password would not be found
	if out == "" {
		return ""
	}
	return ": " + out
}

// neverDone says that a refusal is definite: the BMC did nothing of the request. A
// timeout, a broken connection and most 5xx are not: it may have done all of it.
func neverDone(err error) bool {
	code := statusOf(err)
	return code >= 300 && code < 500 || code == http.StatusServiceUnavailable
}

// decided says that a write failed and that there is no effect to look for: it was refused,
// was never sent, or its caller gave up.
func decided(err error) bool {
	if err == nil {
		return false
	}
	return isFault(err) || neverDone(err) || errors.Is(err, context.Canceled)
}

// isFault says that an error has its words already: it is ours.
func isFault(err error) bool {
	_, ours := errors.AsType[*fault.Error](err)
	return ours
}

// elsewhere is a refusal that is about the resource and not about what was sent.
func elsewhere(err error) bool {
	return absent(err) || statusOf(err) == http.StatusBadRequest || statusOf(err) == http.StatusConflict
}

// absent is a refusal by a BMC that has no such resource or takes no such method there.
func absent(err error) bool {
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

// gone is a refusal by a BMC that has the resource no more.
func gone(err error) bool {
	return statusOf(err) == http.StatusNotFound || statusOf(err) == http.StatusGone
}

// illFormed is a refusal after which what was sent may be what was wrong.
func illFormed(err error) bool {
	return statusOf(err) == http.StatusBadRequest || statusOf(err) == http.StatusUnprocessableEntity
}

// tagRefused is a refusal of the ETag that was sent, or of none.
func tagRefused(err error) bool {
	return statusOf(err) == http.StatusPreconditionFailed || statusOf(err) == http.StatusPreconditionRequired
}

// notNow says that a refusal is about the moment, not about the request.
func notNow(err error) bool {
	switch statusOf(err) {
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked,
		http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return statusOf(err) != 0 && notReady([]byte(err.Error()))
}

// statusOf is the HTTP status of a refusal, 0 for other errors.
func statusOf(err error) int {
	if r, ok := errors.AsType[*schemas.Error](err); ok {
		return r.HTTPReturnedStatusCode
	}
	return 0
}
