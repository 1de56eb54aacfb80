package mockup

import "net/http"

// supermicro is X11 and X12:
//   - an override without a mode is Legacy (OpenStack Ironic, drivers/modules/redfish)
//   - InsertMedia refuses Inserted and WriteProtected (sushy virtual_media.py)
//   - the virtual CD is UsbCd
//   - the answer to an upload is JSON that is no Task; Location names it (bmclib firmware.go)
//   - on and off to the same state are done again, and say so with 200
func supermicro(h *habits) {
	h.losesMode, h.locationIsTask, h.alreadySo = true, true, nil
	h.resetAnswer = http.StatusOK
	h.full = refuse(http.StatusInternalServerError, "SessionLimitExceeded", "The session limit is exceeded.")
	h.refuse = func(b *BMC, c *call) *refusal {
		a, ok := b.actions[c.uri]
		if !ok || c.r.Method != http.MethodPost || a.name != "#VirtualMedia.InsertMedia" {
			return nil
		}
		for _, name := range []string{"Inserted", "WriteProtected"} {
			if _, sent := c.body[name]; sent {
				return unknownParameter(a.name, name)
			}
		}
		return nil
	}
	h.updateAnswer = func(b *BMC, task string) reply {
		out := b.accepted(task)
		out.body = body{"Accepted": body{"code": "Base.v1_10_3.Accepted", "Message": "Successfully Accepted Request. Please see the location header and ExtendedInfo for more information.",
			"@Message.ExtendedInfo": []any{body{"MessageId": "Base.1.10.Accepted", "Message": "The request is accepted."}}}}
		return out
	}
}
