package redfish

import "net/http"

// light switches the LED where the resource has the property.
func (m *mock) light(w http.ResponseWriter, r *http.Request, uri string, active *bool, led string) {
	o := m.tree[uri]
	_, knowsActive := o["LocationIndicatorActive"]
	_, knowsLED := o["IndicatorLED"]
	switch {
	case active != nil && !knowsActive, led != "" && (!knowsLED || led == m.RefusesLED):
		m.refuse(w, http.StatusBadRequest, "Base.1.8.PropertyUnknown")
		return
	case !m.tagFits(r, uri):
		m.refuse(w, http.StatusPreconditionFailed, "Base.1.8.PreconditionFailed")
		return
	case m.deaf:
	case active != nil:
		o["LocationIndicatorActive"], m.lit = *active, *active
	default:
		o["IndicatorLED"], m.lit = led, led != "Off"
	}
	w.WriteHeader(http.StatusNoContent)
}
