package listen

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/bmc"
)

// memory is which entries of a BMC are in the journal: the newest so many, whether they
// were pushed or read. It is the cursor that the store keeps.
type memory struct {
	Begun bool   `json:"begun,omitempty"` // the log was read once: what was in it then is history
	Told  []mark `json:"told,omitempty"`  // oldest first
	Hour  int64  `json:"hour,omitempty"`  // Unix hours: the one that Count is of
	Count int    `json:"count,omitempty"` // entries told in it
}

// mark is one entry, as little of it as tells it from others.
type mark struct {
	Key string `json:"k"`
	At  int64  `json:"t,omitempty"` // Unix seconds by the BMC's clock; 0 when it gave no time
}

// Bounds of a memory.
const (
	remembered = 300         // marks
	alike      = time.Minute // the same words within this time are the same event, told twice
	hourly     = 500         // entries of one BMC: a broken one does not fill the journal
)

func remember(cursor string) memory {
	var m memory
	if json.Unmarshal([]byte(cursor), &m) != nil {
		return memory{}
	}
	return m
}

func (m *memory) cursor() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// fresh returns the entries, oldest first as they are given, that were not told yet, and
// remembers them. When a BMC told too many in an hour, the last one says so.
func (m *memory) fresh(entries []bmc.Entry, now time.Time) []bmc.Entry {
	if hour := now.Unix() / int64(time.Hour/time.Second); hour != m.Hour {
		m.Hour, m.Count = hour, 0
	}
	var out []bmc.Entry
	for _, e := range entries {
		k := markOf(e)
		if slices.ContainsFunc(m.Told, k.same) {
			continue
		}
		m.Told = append(m.Told, k)
		switch m.Count++; {
		case m.Count <= hourly:
			out = append(out, e)
		case m.Count == hourly+1:
			out = append(out, bmc.Entry{Severity: bmc.Warning, Message: fmt.Sprintf("more than %d events in an hour: the rest of them stand in the BMC's own log only", hourly)})
		}
	}
	if over := len(m.Told) - remembered; over > 0 {
		m.Told = slices.Clone(m.Told[over:])
	}
	return out
}

// markOf leaves out what differs between an event as it is pushed and as it stands in the
// log: its id, its log, and the version of its registry (DSP0266 9.5.11.2).
func markOf(e bmc.Entry) mark {
	code := e.Code[strings.LastIndexByte(e.Code, '.')+1:]
	text := code + "\n" + e.Message
	k := mark{}
	if e.At.IsZero() {
		text += "\n" + e.Log + "\n" + e.ID
	} else {
		k.At = e.At.Unix()
	}
	sum := sha256.Sum256([]byte(text))
	k.Key = hex.EncodeToString(sum[:8])
	return k
}

func (k mark) same(o mark) bool {
	apart := k.At - o.At
	return k.Key == o.Key && max(apart, -apart) <= int64(alike/time.Second)
}
