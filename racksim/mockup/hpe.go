package mockup

import "net/http"

// hpe is iLO 5 and 6:
//   - weak ETags; a session's Location is a whole URL
//   - a reset that does not fit is 400 InvalidOperationForSystemState (sushy connector.py)
//   - eject wants an empty JSON object, and nothing is refused (sushy, release note
//     fix-hpe-eject)
//   - /cgi-bin/uploadFile is no push of Redfish's kind: it wants iLO's own form
//   - an update is answered with 200 and no task; the state stands in the service's Oem
func hpe(h *habits) {
	h.weakTags, h.fullLocation, h.resetAnswer = true, true, http.StatusOK
	h.full = refuse(http.StatusServiceUnavailable, "iLO.2.24.SessionLimitExceeded", "No more sessions can be opened.")
	h.badLogin = refuse(http.StatusBadRequest, "iLO.2.24.UnauthorizedLoginAttempt", "The login attempt was unsuccessful.")
	h.alreadySo = refuse(http.StatusBadRequest, "iLO.2.24.InvalidOperationForSystemState", "The operation was not successful due to the current power state.")
	h.noPush = refuse(http.StatusBadRequest, "Base.1.18.GeneralError", "The form has no sessionKey.")
	h.refuse = func(b *BMC, c *call) *refusal {
		if a, ok := b.actions[c.uri]; ok && c.r.Method == http.MethodPost && a.name == "#VirtualMedia.EjectMedia" && c.bare {
			return refuse(http.StatusBadRequest, "MalformedJSON", "The request body submitted was malformed JSON.")
		}
		return nil
	}
	h.updateAnswer = func(*BMC, string) reply { return reply{status: http.StatusOK, body: noted("Success")} }
}
