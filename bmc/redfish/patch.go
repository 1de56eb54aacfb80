package redfish

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/stmcginnis/gofish/schemas"
)

// elsewhere is a refusal that is about the resource and not about what was sent.
func elsewhere(err error) bool {
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusNotImplemented:
		return true
	}
	return false
}

// absent is a refusal by a BMC that has no such resource or takes no such method there.
func absent(err error) bool {
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

// illFormed is a refusal after which what was sent may be what was wrong.
func illFormed(err error) bool {
	return statusOf(err) == http.StatusBadRequest || statusOf(err) == http.StatusUnprocessableEntity
}

// places are where a change of the boot settings is written, best first: the system, or its
// Settings resource (DSP0266 "Settings resources"), which is first where it tells the
// property to change (sushy's rule: iDRAC10, AMI and Nokia have it there). gofish's SetBoot
// goes to Settings after any error, a timeout too; we only after an answer that says "not
// here", or when what was accepted has no effect.
func (c *Controller) places(ctx context.Context, sys *system, tells func(boot) bool) []string {
	pending := sys.Settings.SettingsObject.URI
	if pending == "" || pending == c.system {
		return []string{c.system}
	}
	if later := c.settingsOf(ctx, sys); c.traits.settingsFirst || later != nil && tells(later.Boot) {
		return []string{pending, c.system}
	}
	return []string{c.system, pending}
}

// patch is write for changes of which a BMC makes no task.
func (c *Controller) patch(ctx context.Context, uri string, payload any) error {
	_, err := c.write(ctx, uri, payload)
	return err
}

// write patches any resource with its current ETag and goes down the ladder when the BMC
// does not know its own tag again (412), or wants one that it does not show (428: AMI): as
// given, as a strong tag, without, and any. The same ladder as in sushy's connector. A refusal for
// the moment is repeated a few times, after the resource was read anew. It returns the
// URI of the task that the BMC made of it, if it did.
func (c *Controller) write(ctx context.Context, uri string, payload any) (task string, err error) {
	for range maxTries {
		var tag string
		if tag, err = c.etag(ctx, uri); err != nil {
			return "", err
		}
		for _, match := range rungs(tag) {
			if task, err = c.patchOnce(ctx, uri, payload, match); !tagRefused(err) {
				break
			}
		}
		if err == nil || !neverDone(err) || !notNow(err) || statusOf(err) == http.StatusConflict {
			return task, err
		}
		if pauseErr := c.pause(ctx, jitter(c.timing.PollMax)); pauseErr != nil {
			return "", pauseErr
		}
	}
	return "", err
}

func tagRefused(err error) bool {
	return statusOf(err) == http.StatusPreconditionFailed || statusOf(err) == http.StatusPreconditionRequired
}

func (c *Controller) patchOnce(ctx context.Context, uri string, payload any, match string) (task string, err error) {
	var headers map[string]string
	if match != "" {
		headers = map[string]string{"If-Match": match}
	}
	resp, err := c.client.WithContext(ctx).PatchWithHeaders(uri, payload, headers)
	defer schemas.DeferredCleanupHTTPResponse(resp)
	if err != nil {
		return "", err
	}
	return taskIn(resp), nil
}

// act posts an action once and returns the task's URI, if the BMC made one. An ETag is
// not sent: it guards a resource's contents.
func (c *Controller) act(ctx context.Context, target string, payload any) (task string, err error) {
	resp, err := c.client.WithContext(ctx).Post(target, payload)
	defer schemas.DeferredCleanupHTTPResponse(resp)
	if err != nil {
		return "", err
	}
	return taskIn(resp), nil
}

// taskIn is the task that an answer promises; empty when it was all done.
func taskIn(resp *http.Response) string {
	uri := taskOf(resp.Header, peek(resp))
	if resp.StatusCode != http.StatusAccepted && !isTask(uri) {
		return ""
	}
	return uri
}

// etag reads the current tag: the header, else the body's. What cannot be read, as some
// Settings resources, has none.
func (c *Controller) etag(ctx context.Context, uri string) (string, error) {
	r, err := schemas.GetObject[tagged](c.client.WithContext(ctx), uri)
	if absent(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return r.GetETag(), nil
}

// tagged is any resource, of which only the tag is looked at.
type tagged struct{ schemas.Entity }

// UnmarshalJSON keeps what fits.
func (r *tagged) UnmarshalJSON(b []byte) error {
	type plain tagged
	return lenient(json.Unmarshal(b, (*plain)(r)))
}

// rungs are the values of If-Match to try, best first; the empty one sends none, the star
// any. A tag that could break out of its header is not sent.
func rungs(tag string) []string {
	if tag == "" || len(tag) > maxText || strings.ContainsAny(tag, "\r\n") {
		return []string{"", "*"}
	}
	if strong := strings.TrimPrefix(tag, "W/"); strong != tag {
		return []string{tag, strong, "", "*"}
	}
	return []string{tag, "", "*"}
}
