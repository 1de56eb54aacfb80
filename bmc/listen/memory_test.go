package listen

import (
	"fmt"
	"testing"
	"time"

	"rackwright/bmc"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func texts(list []bmc.Entry) (out []string) {
	for _, e := range list {
		out = append(out, e.Message)
	}
	return out
}

func TestAnEventIsToldOnceHoweverItComes(t *testing.T) {
	var m memory
	pushed := bmc.Entry{ID: "7", At: noon, Code: "Power.1.0.SupplyLost", Message: "PSU 1 lost its input"}
	logged := bmc.Entry{ID: "112", Log: "SEL", At: noon.Add(3 * time.Second), Code: "Power.1.2.SupplyLost", Message: "PSU 1 lost its input"}
	later := bmc.Entry{ID: "113", Log: "SEL", At: noon.Add(time.Hour), Code: "Power.1.2.SupplyLost", Message: "PSU 1 lost its input"}
	other := bmc.Entry{ID: "114", Log: "SEL", At: noon, Message: "PSU 2 lost its input"}
	if got := m.fresh([]bmc.Entry{pushed}, noon); len(got) != 1 {
		t.Errorf("the first time: %v", got)
	}
	again := remember(m.cursor())
	if got := again.fresh([]bmc.Entry{logged, later, other}, noon); len(got) != 2 || got[0].ID != "113" || got[1].ID != "114" {
		t.Errorf("of the log %v is new", got)
	}
}

func TestEntriesWithoutATimeAreToldApartByTheirIDs(t *testing.T) {
	var m memory
	first, second := bmc.Entry{Log: "SEL", ID: "1", Message: "reset"}, bmc.Entry{Log: "SEL", ID: "2", Message: "reset"}
	if got := m.fresh([]bmc.Entry{first, second, first}, noon); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestAMemoryAndAnHourAreBounded(t *testing.T) {
	var m memory
	var flood []bmc.Entry
	for i := range 3 * hourly {
		flood = append(flood, bmc.Entry{At: noon, Message: fmt.Sprint("event ", i)})
	}
	got := m.fresh(flood, noon)
	if len(got) != hourly+1 || got[hourly].Severity != bmc.Warning || len(m.Told) != remembered {
		t.Errorf("%d told, the last %+v, %d remembered", len(got), got[len(got)-1], len(m.Told))
	}
	if got := m.fresh([]bmc.Entry{{At: noon, Message: "one more"}}, noon); len(got) != 0 {
		t.Errorf("beyond the hour's bound: %v", texts(got))
	}
	if got := m.fresh([]bmc.Entry{{At: noon, Message: "the next hour"}}, noon.Add(time.Hour)); len(got) != 1 {
		t.Errorf("in the next hour: %v", texts(got))
	}
}

func FuzzACursorThatIsNoneIsAnEmptyMemory(f *testing.F) {
	f.Add(`{"begun":true,"told":[{"k":"00"}]}`)
	f.Add(`]`)
	f.Fuzz(func(t *testing.T, cursor string) {
		m := remember(cursor)
		m.fresh([]bmc.Entry{{At: noon, Message: "x"}}, noon)
		if len(m.Told) > remembered {
			t.Errorf("%d marks", len(m.Told))
		}
	})
}
