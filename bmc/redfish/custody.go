package redfish

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
)

// maxCustodyReads bounds one call of the Custodian: a BMC has some dozens of accounts.
const maxCustodyReads = 300

// services are the links of the ServiceRoot that the Custodian goes by.
type services struct {
	Managers, Chassis  link
	AccountService     link
	CertificateService link
	EventService       link
	SessionService     link
	UpdateService      link
	Links              struct{ Sessions link }
	RedfishVersion     string
	Vendor, Product    string
}

func (c *Controller) services(ctx context.Context) (services, error) {
	s, _, err := fetch[services](ctx, c, rootPath)
	return s, err
}

const rootPath = "/redfish/v1/"

// fetch reads a resource into T as far as it fits, and the tag it has now.
func fetch[T any](ctx context.Context, c *Controller, uri string) (T, string, error) {
	var out T
	resp, err := c.client.WithContext(ctx).Get(uri)
	if err != nil {
		return out, "", err
	}
	body := peek(resp)
	schemas.DeferredCleanupHTTPResponse(resp)
	var tagged struct {
		Tag string `json:"@odata.etag"`
	}
	_ = json.Unmarshal(body, &tagged) // without one the header's is used
	return out, cmp.Or(resp.Header.Get("ETag"), tagged.Tag), lenient(json.Unmarshal(body, &out))
}

// amend writes properties of a resource with its tag, down the same ladder as patch, and
// returns what the BMC says. A tag that does not fit is the only refusal it goes on after.
func (c *Controller) amend(ctx context.Context, uri, tag string, payload any) (said []byte, err error) {
	for _, match := range rungs(tag) {
		var headers map[string]string
		if match != "" {
			headers = map[string]string{"If-Match": match}
		}
		resp, patchErr := c.client.WithContext(ctx).PatchWithHeaders(uri, payload, headers)
		if resp != nil {
			said = peek(resp)
			schemas.DeferredCleanupHTTPResponse(resp)
		}
		if err = patchErr; !tagRefused(err) {
			break
		}
	}
	if err == nil {
		err = halfHearted(said)
	}
	return said, err
}

// post calls an action or creates a member, once, and returns what the BMC says.
func (c *Controller) post(ctx context.Context, uri string, payload any) ([]byte, error) {
	resp, err := c.client.WithContext(ctx).Post(uri, payload)
	if resp == nil {
		return nil, err
	}
	defer schemas.DeferredCleanupHTTPResponse(resp)
	return peek(resp), err
}

// halfHearted is the refusal inside a success: a BMC may answer 200 and annotate the
// properties it did not take (DSP0266, modification success responses).
func halfHearted(said []byte) error {
	var answer map[string]json.RawMessage
	if json.Unmarshal(said, &answer) != nil {
		return nil
	}
	for key, raw := range answer {
		if !strings.HasSuffix(key, "@Message.ExtendedInfo") {
			continue
		}
		var infos []struct{ MessageId, MessageSeverity, Severity string } //nolint:revive // Redfish's name
		if lenient(json.Unmarshal(raw, &infos)) != nil {
			continue
		}
		for _, info := range infos {
			_, id, _ := cutLast(info.MessageId, ".")
			bad := !slices.Contains([]string{"", "OK"}, cmp.Or(info.MessageSeverity, info.Severity))
			if bad && (strings.HasPrefix(id, "Property") || key != "@Message.ExtendedInfo") {
				return refusal(http.StatusBadRequest, []byte(`{"error":{"code":"`+plainID(id)+`","@Message.ExtendedInfo":`+string(raw)+`}}`))
			}
		}
	}
	return nil
}

// plainID keeps of a message id what can stand in JSON.
func plainID(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r < ' ' {
			return -1
		}
		return r
	}, id)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// readBack reads until ok says so twice in a row. A change that does not show is Conflict
// with what was asked for; wrote is how the write went, told when nothing came of it.
func (c *Controller) readBack(ctx context.Context, asked string, wrote error, ok func(context.Context) (bool, error)) error {
	_, err := await(ctx, c, c.timing.Boot, func(ctx context.Context) (struct{}, bool, error) {
		is, err := ok(withBudget(ctx, maxCustodyReads)) // each look has its own
		return struct{}{}, is && err == nil, err
	})
	switch {
	case err == nil:
		return nil
	case wrote != nil:
		return c.explain(asked, wrote)
	case errors.Is(err, errNotYet):
		return fault.Conflictf("BMC %s said yes when told to %s, and it does not read back", c.access.Address, asked).
			WithHint("look at the BMC itself; some need a restart of the BMC, some newer firmware")
	}
	return c.explain("read back whether it did "+asked, err)
}

// overseer is what the Custodian uses of the Manager schema.
type overseer struct {
	tag string

	DateTime, DateTimeLocalOffset string
	NetworkProtocol               link
	SerialConsole, CommandShell   *shell
	Location                      *location
	Links                         struct {
		Oem struct {
			Dell struct {
				DellAttributes  []link
				DellTimeService link
			}
		}
	}
	Oem struct {
		Hpe, Hp struct {
			Links struct{ DateTimeService link }
		}
		Supermicro struct{ NTP link }
	}
}

// overseer reads the manager that is our BMC.
func (c *Controller) overseer(ctx context.Context) (overseer, error) {
	if c.manager == "" {
		if _, err := c.read(ctx); err != nil { // denied, perhaps: that is the thing to tell
			return overseer{}, err
		}
		return overseer{}, c.lacks("manager resource")
	}
	k, tag, err := fetch[overseer](ctx, c, c.manager)
	k.tag = tag
	return k, err
}

// lacks is what a BMC that has no such thing gets.
func (c *Controller) lacks(what string) *fault.Error {
	return fault.Invalidf("BMC %s has no %s", c.access.Address, what).
		WithHint("a newer BMC firmware or licence may have it; otherwise do it in the BMC's own pages")
}
