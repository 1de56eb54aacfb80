package redfish

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
)

// rootPath is where every Redfish service begins (DSP0266 6.3).
const rootPath = "/redfish/v1/"

// resource is what every resource has (DSP0266 9.5); our types embed it. Their other fields
// are those of the schema that we use: gofish's own types have all, and one odd field
// anywhere would make the whole resource unreadable.
type resource struct {
	ODataID  string `json:"@odata.id"`
	ID       string `json:"Id"`
	Name     string
	Tag      string  `json:"@odata.etag"`
	Settings staging `json:"@Redfish.Settings"`
}

// staging is what a resource says about changes to it (Settings schema).
type staging struct {
	Object link     `json:"SettingsObject"`
	Times  []string `json:"SupportedApplyTimes"`
}

// link is a reference to another resource.
type link struct {
	URI string `json:"@odata.id"`
}

// stand notes where a resource was read: some omit it, and none may move it.
func (r *resource) stand(uri, tag string) {
	r.ODataID, r.Tag, r.ID = uri, cmp.Or(tag, r.Tag), cmp.Or(r.ID, lastOf(uri))
}

// pending is the URI of the Settings resource, where changes wait for the next reset; empty
// where there is none.
func (r *resource) pending() string {
	if r.Settings.Object.URI == r.ODataID {
		return ""
	}
	return r.Settings.Object.URI
}

// answer is what a BMC answered with success, its body whole (wire.once).
type answer struct {
	status int
	header http.Header
	body   []byte
}

func answerOf(resp *http.Response, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: peek(resp)}, nil
}

// under is gofish's client for one call.
func (c *Controller) under(ctx context.Context) schemas.Client { return c.client.WithContext(ctx) }

// get reads a resource into T as far as it fits.
func get[T any](client schemas.Client, uri string) (*T, error) {
	a, err := answerOf(client.Get(uri))
	if err != nil {
		return nil, err
	}
	return parse[T](a.body, uri, a.header.Get("ETag"))
}

// parse makes a text the resource that stands at uri.
func parse[T any](text []byte, uri, tag string) (*T, error) {
	out := new(T)
	if err := lenient(json.Unmarshal(text, out)); err != nil {
		return nil, err
	}
	if r, ok := any(out).(interface{ stand(uri, tag string) }); ok {
		r.stand(uri, tag)
	}
	return out, nil
}

// write patches any resource with its current ETag and goes down the ladder when the BMC
// does not know its own tag again (412), or wants one that it does not show (428: AMI): as
// given, as a strong tag, without, and any. The same ladder as in sushy's connector. A
// refusal for the moment is repeated a few times, after the resource was read anew; one
// with 409 is about what was sent. It returns the URI of the task that the BMC made of it,
// if it did.
func (c *Controller) write(ctx context.Context, uri string, payload any) (task string, err error) {
	err = c.whileNotNow(ctx, func() (again bool, err error) {
		tag, err := c.etag(ctx, uri)
		if err != nil {
			return false, err
		}
		var a answer
		for _, match := range rungs(tag) {
			var headers map[string]string
			if match != "" {
				headers = map[string]string{"If-Match": match}
			}
			if a, err = answerOf(c.under(ctx).PatchWithHeaders(uri, payload, headers)); !tagRefused(err) {
				break
			}
		}
		if err == nil {
			task, err = a.task(), halfHearted(a.body)
		}
		return statusOf(err) != http.StatusConflict, err
	})
	return task, err
}

// act posts an action and returns the task's URI, if the BMC made one. An ETag is not sent:
// it guards a resource's contents.
func (c *Controller) act(ctx context.Context, target string, payload any) (task string, err error) {
	a, err := c.post(ctx, target, payload)
	return a.task(), err
}

// post calls an action or creates a member, once.
func (c *Controller) post(ctx context.Context, uri string, payload any) (answer, error) {
	return answerOf(c.under(ctx).Post(uri, payload))
}

// whileNotNow sends something again, a few times and after a pause, while the BMC refuses
// it for the moment and did nothing of it.
func (c *Controller) whileNotNow(ctx context.Context, send func() (again bool, err error)) error {
	for try := 1; ; try++ {
		again, err := send()
		if err == nil || !again || try == maxTries || !neverDone(err) || !notNow(err) {
			return err
		}
		if err := c.pause(ctx, jitter(c.timing.PollMax)); err != nil {
			return err
		}
	}
}

// task is the URI of the task that an answer promises; empty when it was all done.
func (a answer) task() string {
	uri := taskOf(a.header, a.body)
	if a.status != http.StatusAccepted && !isTask(uri) {
		return ""
	}
	return uri
}

// etag reads the current tag: the header, else the body's. What we may not read, as some
// Settings resources and an expired user's account, has none.
func (c *Controller) etag(ctx context.Context, uri string) (string, error) {
	r, err := get[resource](c.under(ctx), uri)
	if absent(err) || statusOf(err) == http.StatusForbidden {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return r.Tag, nil
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

// halfHearted is the refusal inside a success: a BMC may answer 200 and annotate the
// properties it did not take (DSP0266, modification success responses).
func halfHearted(said []byte) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(said, &all) != nil {
		return nil
	}
	for key, raw := range all {
		if !strings.HasSuffix(key, "@Message.ExtendedInfo") {
			continue
		}
		var infos []struct{ MessageID, MessageSeverity, Severity string }
		if lenient(json.Unmarshal(raw, &infos)) != nil {
			continue
		}
		for _, info := range infos {
			id, severity := messageKey(info.MessageID), cmp.Or(info.MessageSeverity, info.Severity)
			if healthOf(severity) == bmc.Critical && key != "@Message.ExtendedInfo" || ill(healthOf(severity)) && strings.HasPrefix(id, "Property") {
				return refusal(http.StatusBadRequest, []byte(`{"error":{"code":"`+plainID(id)+`","@Message.ExtendedInfo":`+string(raw)+`}}`))
			}
		}
	}
	return nil
}

// messageKey is the last part of a MessageId: REGISTRY.MAJOR.MINOR.KEY (DSP0266 9.5.11).
func messageKey(id string) string { return id[strings.LastIndexByte(id, '.')+1:] }

// plainID keeps of a message id what can stand in JSON.
func plainID(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r < ' ' {
			return -1
		}
		return r
	}, id)
}

// lenient forgives a field of the wrong type: encoding/json has read all others.
func lenient(err error) error {
	if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); wrong {
		return nil
	}
	return err
}
