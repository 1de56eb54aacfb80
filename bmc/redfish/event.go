package redfish

import (
	"encoding/json"
	"strconv"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// Bounds of an event that a BMC sends. DSP0266 sets none; real ones are some KiB.
const (
	maxEvent  = 1 << 20 // bytes
	maxEvents = 256     // event records in one body
)

// event is what we use of the Event schema (DSP0266 14.2).
type event struct {
	Type    string `json:"@odata.type"`
	ID      string `json:"Id"`
	Context string
	Events  []eventRecord
}

// eventRecord is one of its events. The old EventType says nothing that MessageId does not.
type eventRecord struct {
	EventID, MemberID         string
	EventTimestamp            string
	Severity, MessageSeverity string
	Message, MessageID        string
	Context                   string // where it was before Event 1.1
	LogEntry                  link
}

// ParseEvents reads the body of what a BMC pushes to a subscription's destination, or of
// one server-sent event, and the context that was said when subscribing. An event whose
// log entry is named has the log and id that Log gives it. What is no Redfish Event, and
// what is larger than 1 MiB, is Invalid; metric reports, which come by the same way, have
// no entries.
func ParseEvents(b []byte) ([]bmc.Entry, string, error) {
	invalid := func(why string) ([]bmc.Entry, string, error) {
		return nil, "", fault.Invalidf("this is no Redfish event: %s", why).
			WithHint("look at what sends it: subscriptions are for Redfish events in JSON (EventFormatType Event)")
	}
	if len(b) > maxEvent {
		return invalid("it is larger than 1 MiB")
	}
	var in event
	if err := lenient(json.Unmarshal(b, &in)); err != nil {
		return invalid("it is not a JSON object")
	}
	if strings.Contains(in.Type, "MetricReport") {
		return nil, tidy(in.Context), nil
	}
	if in.Events == nil {
		return invalid("it has no Events")
	}
	mark := tidy(in.Context)
	out := make([]bmc.Entry, 0, min(len(in.Events), maxEvents))
	for i, r := range in.Events[:min(len(in.Events), maxEvents)] {
		mark = first(mark, r.Context)
		out = append(out, r.entry(tidy(in.ID), i))
	}
	return out, mark, nil
}

// entry makes an event record a log's entry.
func (r eventRecord) entry(body string, number int) bmc.Entry {
	e := bmc.Entry{ID: first(r.EventID, r.MemberID), At: timeOf(r.EventTimestamp), Severity: healthOf(first(r.MessageSeverity, r.Severity)),
		Code: tidy(r.MessageID), Message: tidy(withoutPaths(r.Message))}
	if log, id, ok := entryOf(r.LogEntry.URI); ok {
		e.Log, e.ID = log, id
	}
	if e.ID == "" {
		e.ID = strings.TrimPrefix(body+"."+strconv.Itoa(number), ".")
	}
	if e.Message == "" {
		e.Message = e.Code
	}
	return e
}

// entryOf reads log and id out of .../LogServices/LOG/Entries/ID.
func entryOf(uri string) (log, id string, ok bool) {
	_, rest, ok := strings.Cut(uri, "/LogServices/")
	if !ok {
		return "", "", false
	}
	log, _, ok = strings.Cut(rest, "/Entries/")
	id = lastOf(uri)
	return lastOf(log), id, ok && log != "" && id != ""
}
