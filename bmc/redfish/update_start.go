package redfish

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// When an update is applied (OperationApplyTime).
const (
	immediate = "Immediate"
	onReset   = "OnReset"
)

// StartUpdate hands a firmware file over by the best way that the BMC announces: a
// multipart push, a push of the file alone, or an address to fetch it from. One way is
// used and one time: only an answer that says "not now" before the BMC had the file is
// asked again. A refusal is Invalid, Conflict or Denied; whatever leaves open whether the
// BMC took the file is Unreachable.
func (c *Controller) StartUpdate(ctx context.Context, u bmc.Update) (bmc.Task, error) {
	done, err := c.begin(ctx)
	if err != nil {
		return bmc.Task{}, err
	}
	defer done()
	service, err := c.updateService(ctx)
	if err != nil {
		return bmc.Task{}, prepared(c.explain("read the update service", err))
	}
	if service.ServiceEnabled != nil && !*service.ServiceEnabled {
		return bmc.Task{}, fault.Conflictf("the update service of BMC %s is switched off", c.access.Address).
			WithHint("switch updates on in the BMC's settings")
	}
	targets, err := c.targets(ctx, service, u.Targets)
	if err != nil {
		return bmc.Task{}, prepared(c.explain("read the firmware inventory", err))
	}
	way := c.way(service, u)
	if way == nil {
		return bmc.Task{}, fault.Invalidf("BMC %s takes no firmware over Redfish", c.access.Address).
			WithHint("it neither takes a push nor fetches from an address (UpdateService); use the vendor's tool")
	}
	c.log.Info("bmc firmware update", "file", u.Name, "bytes", u.Size, "targets", u.Targets)
	a, err := way(ctx, service, u, targets)
	if err != nil {
		return bmc.Task{}, c.unclear(u, err)
	}
	return c.follow(ctx, a), nil
}

// handover is a way to hand a file over.
type handover func(ctx context.Context, service *updater, u bmc.Update, targets []string) (answer, error)

// way chooses one.
func (c *Controller) way(service *updater, u bmc.Update) handover {
	pushes := func(uri string) bool {
		return uri != "" && u.Open != nil && (c.traits.notPush == "" || !strings.HasPrefix(uri, c.traits.notPush))
	}
	_, fetches := withScheme(u.URI)
	switch {
	case pushes(service.Multipart):
		return c.pushMultipart
	case pushes(service.Push) && sameURI(service.Push, service.FirmwareInventory.URI):
		return c.pushToInventory
	case pushes(service.Push):
		return c.pushFile
	case fetches && service.Actions.Simple.Target != "":
		return c.simple
	}
	return nil
}

func sameURI(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

// applyTime is what to ask for; empty: say nothing, the BMC does as it does.
func (u *updater) applyTime(staged bool, supported []string) string {
	want := immediate
	if staged {
		want = onReset
	}
	if slices.Contains(supported, want) {
		return want
	}
	return ""
}

// offer pushes a parcel, again while the BMC says "not now" without having taken it all.
func (c *Controller) offer(ctx context.Context, p parcel) (answer, error) {
	for attempt := 1; ; attempt++ {
		resp, sent, err := c.wire.push(ctx, p)
		if err != nil {
			return answer{}, err
		}
		if resp.StatusCode < 300 {
			return answerOf(resp, nil)
		}
		err = refusal(resp.StatusCode, peek(resp))
		switch {
		case resp.StatusCode == http.StatusUnauthorized && sent > 0:
			return answer{}, errForgotten
		case attempt == maxTries || !forNow(resp, sent):
			return answer{}, err
		}
	}
}

// errForgotten is a session that ended while the file went out.
var errForgotten = errors.New("the BMC ended our session while it was sent the file")

// forNow reports whether a push may be repeated: the status says that the BMC did nothing,
// and either it had nothing yet or it asks to come back (Retry-After).
func forNow(resp *http.Response, sent int64) bool {
	code := resp.StatusCode
	return (code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests) && (sent == 0 || resp.Header.Get("Retry-After") != "")
}

// unclear gives the error of a handover its kind. A refusal of 4xx, 501 or 503 is
// one; a broken connection, a 500 or a silent BMC leaves it open.
func (c *Controller) unclear(u bmc.Update, err error) error {
	if f, ok := errors.AsType[*errFile](err); ok {
		return fault.Internalf("firmware file %q for BMC %s: %w", u.Name, c.access.Address, f.err).
			WithHint("import the file anew; the BMC got no whole file")
	}
	if unsent, ok := errors.AsType[*errUnsent](err); ok {
		return prepared(c.explain("take the firmware", unsent.err))
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if r, ok := errors.AsType[*schemas.Error](err); ok && (neverDone(err) || r.HTTPReturnedStatusCode == http.StatusNotImplemented) {
		f := c.refusedTo("take the firmware", r)
		if r.HTTPReturnedStatusCode == http.StatusRequestEntityTooLarge {
			return f.WithHint("the file is too large for this BMC: it may be for another model; some want room made by a restart of the BMC first")
		}
		if f.Kind == fault.Unreachable {
			f.Kind = fault.Conflict // it said no; Unreachable would say that it may have been taken
		}
		return f
	}
	cause := err
	if r, ok := errors.AsType[*schemas.Error](err); ok {
		cause = errors.New(c.refusedTo("take the firmware", r).Message)
	}
	return fault.Unreachablef("BMC %s may have taken firmware %q or not: %w", c.access.Address, u.Name, cause).
		WithHint("wait some minutes and read the versions: they tell; it is not sent again by itself")
}
