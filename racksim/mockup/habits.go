package mockup

import (
	"net/http"
	"strings"
)

// habits are what BMCs of one vendor do beyond, or against, the specification. Each is
// publicly known: the vendors' files name where from.
type habits struct {
	weakTags       bool // ETags are weak
	needsMatch     bool // a write without If-Match is 428
	fullLocation   bool // Location of a session is a whole URL
	losesMode      bool // an override without a mode is Legacy
	bootInSettings bool // overrides are taken in Settings only
	slots          bool // accounts are a fixed number of slots
	jobs           bool // staged BIOS settings need a job
	biosWaits      bool // a BIOS update waits for the host's reset
	needsLength    bool // an upload without Content-Length is refused
	needsClaim     bool // HttpPushUriTargetsBusy must be claimed before a push
	monitorBelow   bool // a task's monitor is Tasks/N/Monitor
	monitorForgets bool // a read of the monitor deletes a finished task
	locationIsTask bool // Location of 202 is the task, not its monitor

	sessions    int // at a time
	waking      int // reads after a restart of the BMC that are answered with SYS518
	freshTask   int // reads of a new task that are 404
	patchAnswer int // status of a PATCH: 200, 202, 204
	resetAnswer int // status of a reset: 200, 202, 204
	taskID      string
	subject     []string // what a signing request must name beside CommonName
	full        *refusal // of a login when no session is left
	badLogin    *refusal
	alreadySo   *refusal // of a reset to the state that is; nil: 204
	emptyEject  *refusal // of an eject from an empty drive; nil: 204
	noPush      *refusal // of a push to HttpPushUri, which the vendor means otherwise; nil: taken

	refuse       func(*BMC, *call) *refusal // before anything else
	booted       func(*BMC, *Boot)          // at a start
	updateAnswer func(*BMC, string) reply   // to an update that was taken, with its task
}

// standard is a BMC that follows the specification.
func standard() habits {
	return habits{
		sessions: 16, patchAnswer: http.StatusOK, resetAnswer: http.StatusNoContent,
		full:      refuse(http.StatusServiceUnavailable, "SessionLimitExceeded", "The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation."),
		badLogin:  refuse(http.StatusUnauthorized, "ResourceAtUriUnauthorized", "While accessing the resource, the service received an authorization error."),
		alreadySo: refuse(http.StatusConflict, "ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition."),
	}
}

// habitsOf are those of the vendor that the tree names.
func habitsOf(t *Tree) habits {
	h := standard()
	vendor, manager := whose(t)
	has := func(name string) bool { return strings.Contains(strings.ToLower(vendor), name) }
	switch {
	case has("dell"):
		dell(&h, strings.HasPrefix(manager, "17G"))
	case has("hpe"), has("hewlett"):
		hpe(&h)
	case has("supermicro"), has("super micro"):
		supermicro(&h)
	case has("lenovo"):
		lenovo(&h)
	case has("nvidia"):
		openBMC(&h)
		nvidia(&h)
	case has("openbmc"):
		openBMC(&h)
	case has("ami"), has("american megatrends"):
		ami(&h)
	}
	return h
}

// whose is the vendor that the service root names, in one way or another, and the model of
// the first manager.
func whose(t *Tree) (vendor, manager string) {
	top := t.bodies[root]
	vendor = textAt(top, "Vendor")
	if vendor == "" {
		for name := range asBody(top["Oem"]) {
			vendor += " " + name
		}
	}
	for _, uri := range members(t.bodies[follow(top, "Managers")], "Members") {
		if manager = textAt(t.bodies[uri], "Model"); manager != "" {
			break
		}
	}
	if strings.TrimSpace(vendor) == "" { // OpenBMC before 2022 tells none; its manager does
		vendor = manager
	}
	return vendor, manager
}
