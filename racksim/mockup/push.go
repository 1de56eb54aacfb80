package mockup

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// pushed takes a firmware file that is sent to us: as multipart (DSP0266 12.6.2) or plain to
// HttpPushUri. It reads without the lock, and keeps no file.
func (b *BMC) pushed(w http.ResponseWriter, c *call) bool {
	b.mu.Lock()
	service := b.get(b.services.update)
	parts := c.uri == strings.TrimSuffix(textAt(service, "MultipartHttpPushUri"), "/")
	plain := c.uri == strings.TrimSuffix(textAt(service, "HttpPushUri"), "/")
	if c.r.Method != http.MethodPost || c.uri == "" || !parts && !plain {
		b.mu.Unlock()
		return false
	}
	b.tick()
	p := b.admit(c)
	if p == nil && b.habits.needsLength && c.r.ContentLength < 0 {
		p = refuse(http.StatusLengthRequired, "HeaderMissing", "Header 'Content-Length' is missing in the request.")
	}
	if p == nil && plain {
		p = b.habits.noPush
	}
	if p == nil && b.habits.needsClaim && plain && at(service, "HttpPushUriTargetsBusy") != true {
		p = refuse(http.StatusBadRequest, "ResourceInUse", "Set HttpPushUriTargetsBusy before the file is sent.")
	}
	o := order{targets: texts(service, "HttpPushUriTargets"),
		onReset: textAt(service, "HttpPushUriOptions", "HttpPushUriApplyTime", "ApplyTime") == "OnReset"}
	b.mu.Unlock()
	if p == nil && parts {
		o, p = readParts(c.r)
	} else if p == nil {
		o.file, o.size, o.err = take(c.r.Body)
	}
	if p != nil {
		p.reply().write(w)
		return true
	}
	b.took(o).write(w)
	return true
}

// took makes the task of a file that is whole.
func (b *BMC) took(o order) reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.fitTargets(o.targets); p != nil {
		return p.reply()
	}
	if b.uploaded += o.size; len(b.waiting) >= maxUpdates {
		return refuse(http.StatusServiceUnavailable, "ServiceTemporarilyUnavailable", "Other updates are under way.").reply()
	}
	o.task = b.newTask("Firmware Update", 2*b.cfg.Work+1, nil)
	b.received(o)
	return b.updating(o.task).encoded()
}

// readParts reads UpdateParameters and UpdateFile, in this order.
func readParts(r *http.Request) (o order, p *refusal) {
	bad := func(format string, args ...any) (order, *refusal) {
		return o, refuse(http.StatusBadRequest, "MalformedJSON", format, args...)
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return bad("The request is no multipart/form-data.")
	}
	mr := multipart.NewReader(r.Body, parameters["boundary"])
	for known := false; ; {
		part, err := mr.NextPart()
		switch {
		case err == io.EOF:
			return bad("The part UpdateFile is missing.")
		case err != nil:
			return bad("The multipart body breaks off.")
		case part.FormName() == "UpdateParameters":
			text, err := io.ReadAll(io.LimitReader(part, maxBody))
			if err != nil {
				return bad("The part UpdateParameters breaks off.")
			}
			sent, err := parse(text)
			if err != nil {
				return bad("The part UpdateParameters is no JSON object.")
			}
			known = true
			o.targets, o.onReset = texts(sent, "Targets"), textAt(sent, "@Redfish.OperationApplyTime") == "OnReset"
		case part.FormName() == "UpdateFile" && !known:
			return bad("The part UpdateParameters comes before UpdateFile.")
		case part.FormName() == "UpdateFile":
			o.file, o.size, o.err = take(part)
			return o, nil
		}
	}
}
