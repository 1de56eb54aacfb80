package mockup

import "net/http"

// openBMC is bmcweb: 204 to writes, monitors at Tasks/N/Monitor (bmclib firmware.go), 64
// sessions, and a reset to the same state is done again.
func openBMC(h *habits) {
	h.monitorBelow, h.sessions, h.patchAnswer, h.alreadySo = true, 64, http.StatusNoContent, nil
}

// nvidia is DGX and GB300, OpenBMC below: InsertMedia wants a user and a password even of a
// plain server (sushy virtual_media.py).
func nvidia(h *habits) {
	h.refuse = func(b *BMC, c *call) *refusal {
		a, ok := b.actions[c.uri]
		if !ok || c.r.Method != http.MethodPost || a.name != "#VirtualMedia.InsertMedia" {
			return nil
		}
		for _, name := range []string{"UserName", "Password", "TransferProtocolType"} {
			if textAt(c.body, name) == "" {
				return missingParameter(a.name, name)
			}
		}
		return nil
	}
}
