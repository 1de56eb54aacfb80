package journal

import (
	"slices"
	"strings"
)

// Kinds are all there are.
func Kinds() []Kind {
	return []Kind{DHCPAnswered, DHCPIgnored, DHCPConflict, DHCPMoved, DHCPRogue, LeaseQuery, TFTPSent, TFTPFailed, HTTPSent, HTTPRefused, LoaderRung, AgentEvent, AgentCheckIn, AgentRefused, PhoneHome, FirstBoot, MachineSeen, PhaseMoved, MachinePlan, Condition, BMCAction, BMCFailed, BMCEvent, OpStep, OpState, ImageAdded, ImageRemoved, ImageJob, FirmwareFile, FirmwareSent, Campaign, DiskErased, Rollout, RackStep, RackScan, RackSigned, Approval, Webhook, ServerEvent}
}

// Families are what stands before the dots of kinds, each once.
func Families() (out []string) {
	for _, k := range Kinds() {
		if family, _, _ := strings.Cut(string(k), "."); !slices.Contains(out, family) {
			out = append(out, family)
		}
	}
	return out
}

// Known reports whether a word picks any kind of event: one of them, or a family.
func Known(word string) bool {
	return slices.Contains(Kinds(), Kind(word)) || slices.Contains(Families(), word)
}
