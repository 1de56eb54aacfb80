package draw_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/draw"
)

var update = flag.Bool("update", false, "write the golden drawings anew")

// rack is a small rack with one of everything.
func rack() *inventory.Inventory {
	slot := func(u, height int, f inventory.Face, s inventory.Side) *inventory.Slot {
		return &inventory.Slot{Rack: "r1", U: u, Height: height, Face: f, Side: s}
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return &inventory.Inventory{
		Racks:  []inventory.Rack{{Name: "r1", Site: "lab", Units: 12, Reserved: []inventory.Reservation{{U: 10, Height: 2, Face: inventory.Both, Reason: "storage <next> year & more"}}}},
		Models: []inventory.Model{{Name: "four-in-2u", Build: inventory.Build{Bays: []string{"1", "2", "3", "4"}}}},
		Devices: []inventory.Device{
			{Name: "leaf-1", Kind: inventory.KindSwitch, Slot: slot(12, 1, inventory.Rear, ""), Model: "sn2010", Serial: "MT0001"},
			{Name: "pdu-a", Kind: inventory.KindPDU, Slot: &inventory.Slot{Rack: "r1", Face: inventory.Rear}, Model: "pdu-24c13"},
			{Name: "pdu-b", Kind: inventory.KindPDU, Slot: &inventory.Slot{Rack: "r1", Face: inventory.Rear}},
			{Name: "box-1", Kind: inventory.KindChassis, Slot: slot(5, 2, inventory.Both, ""), Model: "four-in-2u"},
			{Name: "elsewhere", Kind: inventory.KindSwitch, Slot: &inventory.Slot{Rack: "r2", U: 1, Height: 1, Face: inventory.Front}},
		},
		Machines: []inventory.Machine{
			{Name: "n1", Phase: inventory.Active, Slot: slot(1, 1, inventory.Both, ""), Model: "dell-r660", Serial: "ABCDEFGHIJ"},
			{Name: "n2", Phase: inventory.Discovered, Slot: slot(2, 2, inventory.Both, ""), Model: "dell-r760", Serial: "XYZ",
				Conditions: []inventory.Condition{{Type: "dimm-missing", Subject: "A5", Hint: "seat DIMM A5"}, {Type: "psu-input-lost", Waived: inventory.Waived{By: "ann", At: at}}}},
			{Name: "left", Phase: inventory.Planned, Slot: slot(4, 1, inventory.Front, inventory.LeftHalf)},
			{Name: "right", Phase: inventory.Ready, Slot: slot(4, 1, inventory.Both, inventory.RightHalf), Serial: "R"},
			{Name: "box-1-2", Phase: inventory.Maintenance, Slot: &inventory.Slot{Rack: "r1", U: 5, Height: 2, Chassis: "box-1", Bay: "2"}, Hold: &inventory.Hold{By: "ann"}},
			{Name: "gone", Phase: inventory.Retired, Slot: slot(8, 1, inventory.Front, "")},
			{Name: "unplaced", Phase: inventory.Discovered},
		},
	}
}

func elevation(t *testing.T, inv *inventory.Inventory, f inventory.Face) string {
	t.Helper()
	svg, err := draw.Elevation(inv, "r1", f, draw.Options{Link: func(_ inventory.Kind, name string) string { return "/machines/" + name }})
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg)
	return string(svg)
}

func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is drawn otherwise; look at it and run with -update", name)
	}
}

func TestARackIsDrawnAsInTheGoldenFiles(t *testing.T) {
	inv := rack()
	golden(t, "front.svg", []byte(elevation(t, inv, inventory.Front)))
	golden(t, "both.svg", []byte(elevation(t, inv, inventory.Both)))
	inv.Racks[0].Numbering = inventory.NumberedDown
	golden(t, "down.svg", []byte(elevation(t, inv, inventory.Front)))
}

func TestWhatIsSeenFromEachFace(t *testing.T) {
	front, rear := elevation(t, rack(), inventory.Front), elevation(t, rack(), inventory.Rear)
	for _, c := range []struct {
		name        string
		front, rear bool
	}{
		{"n1", true, true}, {"leaf-1", false, true}, {"left", true, false}, {"pdu-a", false, true}, {"box-1-2", true, true},
		{"gone", false, false}, {"elsewhere", false, false}, {"unplaced", false, false},
	} {
		link := `href="/machines/` + c.name + `"`
		if strings.Contains(front, link) != c.front || strings.Contains(rear, link) != c.rear {
			t.Errorf("%s in front %t, want %t; rear %t, want %t", c.name, strings.Contains(front, link), c.front, strings.Contains(rear, link), c.rear)
		}
	}
	if strings.Contains(front, `class="h"`) || strings.Count(rear, `class="h"`) < 4 {
		t.Errorf("what takes the depth behind is hatched %d times in front, %d times at the rear", strings.Count(front, `class="h"`), strings.Count(rear, `class="h"`))
	}
}

func TestTheRearIsSeenFromTheRear(t *testing.T) {
	front, rear := elevation(t, rack(), inventory.Front), elevation(t, rack(), inventory.Rear)
	if x := boxOf(t, front, "right"); x < 200 {
		t.Errorf("the right half is drawn at x %v in front", x)
	}
	if x := boxOf(t, rear, "right"); x > 200 {
		t.Errorf("the right half is drawn at x %v at the rear", x)
	}
}

// boxOf is the left edge of a machine's box.
func boxOf(t *testing.T, svg, name string) (x float64) {
	t.Helper()
	_, rest, _ := strings.Cut(svg, "<title>"+name+",")
	_, rest, found := strings.Cut(rest, ` x="`)
	if _, err := fmt.Sscanf(rest, "%f", &x); !found || err != nil {
		t.Fatalf("no box of %s: %v", name, err)
	}
	return x
}

func TestNamesFromOutsideAreEscaped(t *testing.T) {
	inv := rack()
	inv.Machines[0].Model = `"/><script>alert(1)</script>` + "\x00\x1b\xff"
	inv.Machines[0].Conditions = []inventory.Condition{{Type: "x", Hint: `</title><image href="http://192.0.2.1/"/>`}}
	svg := elevation(t, inv, inventory.Both)
	for _, bad := range []string{"<script", "<image", "\x00", "\x1b"} {
		if strings.Contains(svg, bad) {
			t.Errorf("%q stands in the drawing", bad)
		}
	}
}

func TestConditionsAreCountedWithoutTheWaivedOnes(t *testing.T) {
	svg := elevation(t, rack(), inventory.Front)
	if !strings.Contains(svg, ">1!</text>") || strings.Contains(svg, ">2!</text>") || !strings.Contains(svg, "dimm-missing A5: seat DIMM A5") {
		t.Error("the condition that stands is not marked, or the waived one is")
	}
	if strings.Contains(svg, "psu-input-lost") {
		t.Error("a waived condition is told")
	}
}

func TestARackThatIsNotThereIsNotDrawn(t *testing.T) {
	inv := rack()
	if _, err := draw.Elevation(inv, "r9", inventory.Front, draw.Options{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("r9: %v", err)
	}
	if _, err := draw.Elevation(inv, "r1", "top", draw.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("top: %v", err)
	}
	inv.Racks[0].Units = 1 << 30
	if _, err := draw.Elevation(inv, "r1", inventory.Front, draw.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("2^30 units: %v", err)
	}
}

func FuzzElevation(f *testing.F) {
	f.Add("n1", "model", 3, 2, "both", "left", true)
	f.Add("", "\xff<&", -5, 1<<40, "rear", "middle", false)
	f.Fuzz(func(t *testing.T, name, model string, u, height int, face, side string, down bool) {
		inv := rack()
		inv.Machines[0].Name, inv.Machines[0].Model = name, model
		inv.Machines[0].Slot = &inventory.Slot{Rack: "r1", U: u, Height: height, Face: inventory.Face(face), Side: inventory.Side(side)}
		if down {
			inv.Racks[0].Numbering = inventory.NumberedDown
		}
		elevation(t, inv, inventory.Both)
	})
}

// full is a rack of 48 units with a machine in each.
func full() *inventory.Inventory {
	inv := &inventory.Inventory{Racks: []inventory.Rack{{Name: "r1", Site: "lab", Units: 48}}}
	for u := 1; u <= 48; u++ {
		inv.Machines = append(inv.Machines, inventory.Machine{Name: fmt.Sprintf("node-%02d", u), Phase: inventory.Active, Model: "dell-r660", Serial: fmt.Sprintf("SER%06d", u),
			Slot: &inventory.Slot{Rack: "r1", U: u, Height: 1, Face: inventory.Both}, Conditions: []inventory.Condition{{Type: "dimm-missing", Subject: "A5", Hint: "seat it"}}})
	}
	return inv
}

func BenchmarkElevation48U(b *testing.B) {
	inv := full()
	b.ReportAllocs()
	for b.Loop() {
		svg, err := draw.Elevation(inv, "r1", inventory.Both, draw.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(svg)))
	}
}
