package mockup

import "net/http"

// ami is MegaRAC: a write needs If-Match (428), resets are tasks, and a PATCH is answered
// with 204.
func ami(h *habits) {
	h.needsMatch, h.resetAnswer, h.patchAnswer, h.monitorBelow = true, http.StatusAccepted, http.StatusNoContent, true
	h.full = refuse(http.StatusServiceUnavailable, "CreateLimitReachedForResource", "The create operation failed because the resource has reached the limit of possible resources.")
	h.badLogin = refuse(http.StatusUnauthorized, "Security.1.0.AuthenticationFailed", "Authentication failed.")
	h.alreadySo = refuse(http.StatusConflict, "ResourceInUse", "The host is in that state already.")
}
