package redfish

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"
)

// writeBoot patches the override into the system, or into its Settings resource where
// the BMC takes settings only there (iDRAC10), and returns the URI it was written to.
// gofish's SetBoot goes to Settings after any error, a timeout too; this one only after
// an answer that says "not here".
func (c *Controller) writeBoot(ctx context.Context, sys *system, b boot) (at string, err error) {
	places := []string{c.system}
	if s := sys.Settings.SettingsObject.URI; s != "" && s != c.system {
		places = append(places, s)
	}
	if c.traits.settingsFirst {
		slices.Reverse(places)
	}
	for _, at = range places {
		if err = c.patch(ctx, at, b.payload()); err == nil || !elsewhere(err) {
			return at, err
		}
	}
	return at, err
}

// elsewhere is a refusal that is about the resource and not about what was sent.
func elsewhere(err error) bool {
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusNotImplemented:
		return true
	}
	return false
}

// patch writes with the resource's current ETag and goes down the ladder when the BMC
// does not know its own tag again (412, or 428 when it wants one): as given, as a strong
// tag, without. The same ladder as in sushy's connector. A refusal for the moment is
// repeated a few times, after the resource was read anew.
func (c *Controller) patch(ctx context.Context, uri string, payload any) error {
	var err error
	for range maxTries {
		var tag string
		if tag, err = c.etag(ctx, uri); err != nil {
			return err
		}
		for _, match := range rungs(tag) {
			if err = c.patchOnce(ctx, uri, payload, match); statusOf(err) != http.StatusPreconditionFailed {
				break
			}
		}
		if err == nil || !neverDone(err) || !notNow(err) || statusOf(err) == http.StatusConflict {
			return err
		}
		if pauseErr := c.pause(ctx, jitter(c.timing.PollMax)); pauseErr != nil {
			return pauseErr
		}
	}
	return err
}

func (c *Controller) patchOnce(ctx context.Context, uri string, payload any, match string) error {
	var headers map[string]string
	if match != "" {
		headers = map[string]string{"If-Match": match}
	}
	resp, err := c.client.WithContext(ctx).PatchWithHeaders(uri, payload, headers)
	schemas.DeferredCleanupHTTPResponse(resp)
	return err
}

// etag reads the current tag: the header, else the body's.
func (c *Controller) etag(ctx context.Context, uri string) (string, error) {
	sys, err := c.readAt(ctx, uri)
	if err != nil {
		return "", err
	}
	return sys.GetETag(), nil
}

// rungs are the values of If-Match to try, best first; the empty one sends none. A tag
// that could break out of its header is not sent.
func rungs(tag string) []string {
	if tag == "" || len(tag) > maxText || strings.ContainsAny(tag, "\r\n") {
		return []string{""}
	}
	if strong := strings.TrimPrefix(tag, "W/"); strong != tag {
		return []string{tag, strong, ""}
	}
	return []string{tag, ""}
}
