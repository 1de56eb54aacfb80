package redfish

import (
	"net/url"
	"strings"
)

// rung is one way to say what to insert. BMCs differ in which parameters they want, take
// and refuse, and tell which in the refusal; sushy and bmclib climb the same ladder.
type rung struct {
	patch     bool // write the drive: XCC has no action
	inserted  bool // say Inserted
	protected bool // say WriteProtected; X11 and X12 refuse both
	protocol  bool // say TransferProtocolType (Nokia, AMI)
	method    bool // say TransferMethod
	login     bool // say UserName and Password, although there are none (NVIDIA DGX)
}

// firstRung says all that the schema of the first version has.
func firstRung(d *drive) rung {
	return rung{patch: d.Actions.Insert.Target == "", inserted: true, protected: true}
}

// payload is what is sent.
func (r rung) payload(image *url.URL) map[string]any {
	out := map[string]any{"Image": image.String()}
	if r.inserted {
		out["Inserted"] = true
	}
	if r.protected {
		out["WriteProtected"] = true
	}
	if r.protocol {
		out["TransferProtocolType"] = strings.ToUpper(image.Scheme)
	}
	if r.method {
		out["TransferMethod"] = "Stream"
	}
	if r.login {
		out["UserName"], out["Password"] = "none", "none"
	}
	return out
}

// after is the rung to try after a refusal; not ok when there is none: the refusal is about
// the image, or nothing is left to say. No rung comes twice.
func (r rung) after(err error) (next rung, ok bool) {
	next = r
	if absent(err) {
		next.patch = true
		return next, !r.patch
	}
	if !illFormed(err) {
		return r, false
	}
	says := func(word string) bool { return strings.Contains(err.Error(), word) }
	switch {
	case !r.protocol && says("TransferProtocolType"):
		next.protocol = true
	case !r.method && says("TransferMethod"):
		next.method = true
	case !r.login && (says("UserName") || says("Password")):
		next.login = true
	case r.protected:
		next.protected = false
	case r.inserted:
		next.inserted = false
	default:
		return r, false
	}
	return next, true
}
