package mockup

import (
	"net/http"
	"time"
)

// maxEntries is how many entries a log keeps.
const maxEntries = 256

// clearLog is LogService.ClearLog.
func (b *BMC) clearLog(_ *call, a action) reply {
	list := follow(b.get(a.owner), "Entries")
	for _, uri := range members(b.get(list), "Members") {
		b.changed[uri] = nil
	}
	if c := b.edit(list); c != nil {
		c["Members"], c["Members@odata.count"] = []any{}, number(0)
	}
	return none()
}

// note writes into the first log that can be cleared, and sends the event.
func (b *BMC) note(says, severity string) {
	at := b.clock().Format(time.RFC3339)
	if list := b.logEntries(); list != "" {
		if all := members(b.get(list), "Members"); len(all) >= maxEntries {
			b.remove(all[0])
		}
		b.add(list, b.next(list), body{
			"@odata.type": "#LogEntry.v1_16_0.LogEntry", "Name": "Log Entry", "EntryType": "Event", "Created": at,
			"Severity": severity, "MessageId": "ResourceEvent.1.3.ResourceChanged", "Message": says,
		})
	}
	b.announce(body{"EventType": "Alert", "EventTimestamp": at, "Severity": severity, "MessageSeverity": severity,
		"MessageId": "ResourceEvent.1.3.ResourceChanged", "Message": says, "OriginOfCondition": link(b.host)})
}

// logEntries is the collection that note writes into; empty: the tree has none.
func (b *BMC) logEntries() string {
	for _, owner := range []string{b.host, b.manager} {
		for _, uri := range members(b.get(follow(b.get(owner), "LogServices")), "Members") {
			if list := follow(b.get(uri), "Entries"); b.get(list) != nil && at(b.get(uri), "Actions", "#LogService.ClearLog") != nil {
				return list
			}
		}
	}
	return ""
}

// Note makes the BMC write a log entry and send it as an event; severity is OK, Warning or
// Critical.
func (b *BMC) Note(says, severity string) { b.mu.Lock(); defer b.mu.Unlock(); b.note(says, severity) }

// testEvent is EventService.SubmitTestEvent.
func (b *BMC) testEvent(c *call) reply {
	e := body{"EventType": "Alert", "EventTimestamp": b.clock().Format(time.RFC3339), "Severity": "OK", "MessageSeverity": "OK",
		"MessageId": registry + "TestMessage", "Message": "Test Event"}
	merge(e, c.body)
	b.announce(e)
	if b.habits.patchAnswer == http.StatusOK {
		return reply{status: http.StatusOK, body: noted("Success")}
	}
	return none()
}
