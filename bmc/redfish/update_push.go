package redfish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// pushMultipart sends parameters and file in one body (DSP0266, multipart HTTP push
// update): UpdateParameters first, then UpdateFile.
func (c *Controller) pushMultipart(ctx context.Context, service *updater, u bmc.Update, targets []string) (answer, error) {
	targets, err := c.pushTargets(ctx, targets)
	if err != nil {
		return answer{}, prepared(c.explain("read what the firmware is for", err))
	}
	supported := slices.Concat(service.MultipartApply.SupportedValues, service.Actions.Simple.Apply.SupportedValues)
	parameters := map[string]any{"Targets": append([]string{}, targets...)}
	if when := service.applyTime(u.OnReset, supported); when != "" {
		parameters["@Redfish.OperationApplyTime"] = when
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		return answer{}, err
	}
	p, err := form(u, formPart{"UpdateParameters", "application/json", text}, "UpdateFile")
	if err != nil {
		return answer{}, err
	}
	p.uri = service.Multipart
	return c.offer(ctx, p)
}

// formPart is a part of a form that fits into memory; without a name there is none.
type formPart struct {
	name, kind string
	text       []byte
}

// form makes the parcel of a form with one part before the file.
func form(u bmc.Update, before formPart, file string) (parcel, error) {
	var text bytes.Buffer
	m := multipart.NewWriter(&text)
	if before.name != "" {
		w, err := m.CreatePart(partHeader(before.kind, before.name, ""))
		if err != nil {
			return parcel{}, err
		}
		if _, err := w.Write(before.text); err != nil {
			return parcel{}, err
		}
	}
	if _, err := m.CreatePart(partHeader("application/octet-stream", file, fileName(u.Name))); err != nil {
		return parcel{}, err
	}
	head := bytes.Clone(text.Bytes())
	text.Reset()
	if err := m.Close(); err != nil {
		return parcel{}, err
	}
	return parcel{header: http.Header{"Content-Type": {m.FormDataContentType()}},
		before: head, after: bytes.Clone(text.Bytes()), size: u.Size, open: u.Open}, nil
}

func partHeader(kind, name, file string) textproto.MIMEHeader {
	disposition := fmt.Sprintf(`form-data; name="%s"`, name)
	if file != "" {
		disposition += fmt.Sprintf(`; filename="%s"`, file)
	}
	return textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {kind}}
}

// fileName is a name that cannot break out of its header or its folder.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '/' {
			return '_'
		}
		return r
	}, path.Base(name))
	return name[:min(len(name), maxText)]
}

// pushFile posts the file alone. What it is for is written before, and claimed against
// other clients where the BMC has the flag for it (Lenovo's XCC; UpdateService 1.4,
// HttpPushUriTargetsBusy). The claim ends when the file is handed over: it guards the
// targets, which are read with it.
func (c *Controller) pushFile(ctx context.Context, service *updater, u bmc.Update, targets []string) (answer, error) {
	claims := service.PushBusy != nil
	if claims && *service.PushBusy {
		return answer{}, fault.Conflictf("somebody else is updating the firmware of BMC %s", c.access.Address).
			WithHint("try again when that update is done; clear HttpPushUriTargetsBusy at the BMC if nobody is")
	}
	before := map[string]any{}
	if claims {
		before["HttpPushUriTargetsBusy"] = true
	}
	if claims || len(targets) > 0 {
		before["HttpPushUriTargets"] = append([]string{}, targets...)
	}
	options := service.PushOptions.ApplyTime
	if when := service.applyTime(u.OnReset, options.Allowed); when != "" && when != options.ApplyTime {
		before["HttpPushUriOptions"] = map[string]any{"HttpPushUriApplyTime": map[string]any{"ApplyTime": when}}
	}
	if len(before) > 0 {
		if _, err := c.write(ctx, c.root.Updates.URI, before); err != nil {
			return answer{}, prepared(c.explain("be told what the firmware is for", err))
		}
	}
	if claims {
		defer c.releaseClaim(ctx)
	}
	return c.offer(ctx, parcel{uri: service.Push, header: http.Header{"Content-Type": {"application/octet-stream"}}, size: u.Size, open: u.Open})
}

// prepared makes an error before the file was sent one that says so.
func prepared(err error) error {
	if fault.Is(err, fault.Unreachable) {
		return fault.Conflictf("%w; no firmware was sent", err).WithHint("try again: nothing was changed at the machine")
	}
	return err
}

// releaseClaim also works when ctx is over: a claim that stays keeps everybody out.
func (c *Controller) releaseClaim(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timing.Request)
	defer cancel()
	if _, err := c.write(ctx, c.root.Updates.URI, map[string]any{"HttpPushUriTargetsBusy": false}); err != nil {
		c.log.Warn("bmc update service stays claimed", "err", c.explain("release the update service", err))
	}
}

// pushToInventory is Dell's way before multipart pushes (iDRAC9 of 2019): the file is
// uploaded into the inventory, with the collection's ETag, and then applied by SimpleUpdate
// (dell/iDRAC-Redfish-Scripting, DeviceFirmwareSimpleUpdateREDFISH.py).
func (c *Controller) pushToInventory(ctx context.Context, service *updater, u bmc.Update, targets []string) (answer, error) {
	tag, err := c.etag(ctx, service.Push)
	if err != nil {
		return answer{}, prepared(c.explain("read the firmware inventory", err))
	}
	p, err := form(u, formPart{}, "file")
	if err != nil {
		return answer{}, err
	}
	p.uri = service.Push
	if match := rungs(tag)[0]; match != "" {
		p.header.Set("If-Match", match)
	}
	a, err := c.offer(ctx, p)
	if err != nil {
		return answer{}, err
	}
	uploaded := cmp.Or(pathOf(a.header.Get("Location")), pathOf(odataID(a.body)))
	if uploaded == "" || isTask(uploaded) {
		return a, nil // newer firmware applies it at once
	}
	u.URI = uploaded
	return c.simple(ctx, service, u, targets)
}
