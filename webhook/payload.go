package webhook

import (
	"encoding/json"
	"time"

	"rackwright/journal"
)

// Payload is the body of a delivery, as Standard Webhooks 1.0.0 has it.
type Payload struct {
	Type      string         `json:"type"` // the event's kind
	Timestamp time.Time      `json:"timestamp"`
	Data      journal.Placed `json:"data"`
}

// TestKind is the type of what a test sends.
const TestKind journal.Kind = "webhook.test"

// PayloadOf is what is sent of an event.
func PayloadOf(e journal.Placed) ([]byte, error) {
	return json.Marshal(Payload{Type: string(e.Kind), Timestamp: e.At.UTC(), Data: e})
}

// TestEvent is what a test sends.
func TestEvent(w *Webhook, at time.Time) journal.Placed {
	return journal.Placed{Event: journal.Event{At: at, Kind: TestKind, Actor: "server", Summary: "this is a test of webhook " + w.Name}}
}
