package mockup

import (
	"net/http"
	"strings"
)

// dell is iDRAC9, and iDRAC10 (17G):
//   - RAC0218 when the session table is full, 409 for a reset to the same state
//   - BIOS settings are staged, and come into force with a job only
//   - a job is 404 for a moment after it was made (sushy, release note fix-dell-bmc-404);
//     Location names the job
//   - SYS518 to the first reads after a restart (sushy connector.py)
//   - a signing request names its whole subject
//   - accounts are slots; a POST is refused
//   - Cd as an override is the physical drive; the virtual one is the OEM attribute
//     ServerBoot.1.FirstBootDevice (dell/iDRAC-Redfish-Scripting #90)
//   - an upload needs Content-Length (bmclib firmware.go)
//   - iDRAC10 takes overrides in Settings only (dell/iDRAC-Redfish-Scripting #324)
func dell(h *habits, seventeen bool) {
	h.full = refuse(http.StatusBadRequest, "IDRAC.2.8.RAC0218", "The maximum number of user sessions is reached.")
	h.alreadySo = refuse(http.StatusConflict, "IDRAC.2.8.PSU501", "The host is in the requested power state already.")
	h.emptyEject = refuse(http.StatusInternalServerError, "IDRAC.2.8.VRM0009", "No Virtual Media devices are currently connected.")
	h.sessions, h.taskID, h.freshTask, h.waking = 8, "JID_%012d", 1, 2
	h.slots, h.jobs, h.biosWaits, h.needsLength, h.locationIsTask = true, true, true, true, true
	h.bootInSettings = seventeen
	h.subject = []string{"Organization", "OrganizationalUnit", "City", "State", "Country"}
	h.booted = dellBooted
}

// dellAttributes is where the attributes of the iDRAC itself are.
func (b *BMC) dellAttributes() body {
	for uri := range b.cfg.Tree.bodies {
		if strings.HasSuffix(uri, "/DellAttributes/iDRAC.Embedded.1") {
			return asBody(b.edit(uri)["Attributes"])
		}
	}
	return nil
}

// dellBooted knows what Cd means here.
func dellBooted(b *BMC, boot *Boot) {
	if boot.Target == "Cd" {
		boot.Image = ""
	}
	own := b.dellAttributes()
	if textAt(own, "ServerBoot.1.FirstBootDevice") == "VCD-DVD" && boot.Target == "None" {
		boot.Target, boot.Image = "VCD-DVD", b.image()
	}
	if textAt(own, "ServerBoot.1.BootOnce") == "Enabled" {
		own["ServerBoot.1.FirstBootDevice"], own["ServerBoot.1.BootOnce"] = "Normal", "Disabled"
	}
}
