package agent

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rackwright/inventory"
)

// listening is how often is looked whether a switch was heard: they speak every 30 s
// (IEEE 802.1AB-2016 section 9.2.5.7), so rarely before check-in.
const listening = 5 * time.Second

// observe sends the facts again whenever the neighbours the machine hears have changed.
// It is best effort: what cannot be sent is sent with the next change.
func (a *agent) observe(ctx context.Context) {
	var told []inventory.Neighbor
	for a.Pause(ctx, listening) == nil {
		facts := a.Facts()
		if slices.Equal(facts.LLDP, told) {
			continue
		}
		if _, err := a.client.call(ctx, http.MethodPost, "/agent/v1/facts", facts, nil); err == nil {
			told = facts.LLDP
		}
	}
}
