package mockup

import "net/http"

// lenovo is XCC:
//   - drives have no InsertMedia: a PATCH of Image with Inserted (sushy, release note
//     fix-virtual-media-fallback)
//   - a read of the monitor deletes a finished task (bmclib providers/lenovo)
//   - overrides are Once or Disabled
//   - HttpPushUriTargetsBusy is claimed before a push and released after it
func lenovo(h *habits) {
	h.monitorForgets, h.monitorBelow, h.needsClaim = true, true, true
	h.full = refuse(http.StatusForbidden, "CreateLimitReachedForResource", "The create operation failed because the resource has reached the limit of possible resources.")
	h.refuse = func(b *BMC, c *call) *refusal {
		if c.r.Method != http.MethodPatch || typeOf(b.get(c.uri)) != "VirtualMedia" {
			return nil
		}
		if _, told := c.body["Inserted"]; !told && textAt(c.body, "Image") != "" {
			return refuse(http.StatusBadRequest, "PropertyMissing", "The property 'Inserted' is a required property and must be included in the request.")
		}
		return nil
	}
}
