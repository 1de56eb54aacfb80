package draw_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/draw"
)

// cabled is a machine with two cables to a switch and one to a PDU.
func cabled() *inventory.Inventory {
	to := func(owner, port string) inventory.End { return inventory.End{Owner: owner, Port: port} }
	return &inventory.Inventory{
		Racks: []inventory.Rack{{Name: "r1", Site: "lab", Row: "A", Units: 42}},
		Devices: []inventory.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, AssetTag: "A-9", Slot: &inventory.Slot{Rack: "r1", U: 42, Height: 1, Face: inventory.Rear},
			Ports: []inventory.Port{{Name: "49", Cable: &inventory.Cable{To: to("spine-1", "7"), Type: "dac"}}}}},
		Machines: []inventory.Machine{
			{Name: "r1-u10", Phase: inventory.Planned, Serial: "ABC1234", Model: "dell-r660", Slot: &inventory.Slot{Rack: "r1", U: 10, Height: 1, Face: inventory.Both},
				NICs: []inventory.NIC{{Name: "nic1", Cable: &inventory.Cable{To: to("leaf-1", "14"), Type: "dac", LengthM: 1.5, Label: "C-0007"}}, {Name: "nic2"}},
				PSUs: []inventory.PSU{{Name: "psu1", Cable: &inventory.Cable{To: to("pdu-a", "7")}}}},
			{Name: "elsewhere", Slot: &inventory.Slot{Rack: "r2", U: 1, Height: 1}},
		},
	}
}

func TestEveryEndOfACableHasAFlagWithBothEnds(t *testing.T) {
	labels, err := draw.Labels(cabled(), "r1", draw.ForCables)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range labels {
		got = append(got, l.Code.String()+" | "+strings.Join(l.Lines, " | "))
	}
	want := []string{
		"rw:cable:C-0007 | r1-u10:nic1 | → leaf-1:14 | C-0007 | dac 1.5 m",
		"rw:cable:C-0007 | leaf-1:14 | → r1-u10:nic1 | C-0007 | dac 1.5 m",
		"rw:cable:r1-u10:psu1 | r1-u10:psu1 | → pdu-a:7 |  | ",
		"rw:cable:r1-u10:psu1 | pdu-a:7 | → r1-u10:psu1 |  | ",
		"rw:cable:leaf-1:49 | leaf-1:49 | → spine-1:7 |  | dac",
		"rw:cable:leaf-1:49 | spine-1:7 | → leaf-1:49 |  | dac",
	}
	if !slices.Equal(got, want) {
		t.Errorf("flags\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLabelsOfARackAreSortedByUnit(t *testing.T) {
	labels, err := draw.Labels(cabled(), "r1", draw.ForMachines)
	if err != nil {
		t.Fatal(err)
	}
	if len(labels) != 2 || labels[0].Code.String() != "rw:machine:r1-u10" || labels[1].Code.String() != "rw:machine:leaf-1" {
		t.Fatalf("labels %+v", labels)
	}
	if want := []string{"r1-u10", "r1 U10", "S/N ABC1234", "dell-r660"}; !slices.Equal(labels[0].Lines, want) {
		t.Errorf("lines %q, want %q", labels[0].Lines, want)
	}
	if want := []string{"leaf-1", "r1 U42 rear", "A-9", ""}; !slices.Equal(labels[1].Lines, want) {
		t.Errorf("lines %q, want %q", labels[1].Lines, want)
	}
}

func TestEveryUnitHasAStickerAndSharedOnesHaveOneForEachThing(t *testing.T) {
	inv := cabled()
	half := func(name string, side inventory.Side) inventory.Machine {
		return inventory.Machine{Name: name, Phase: inventory.Planned, Slot: &inventory.Slot{Rack: "r1", U: 2, Height: 1, Face: inventory.Front, Side: side}}
	}
	inv.Machines = append(inv.Machines, half("a", inventory.LeftHalf), half("b", inventory.RightHalf))
	inv.Racks[0].Units = 3
	labels, err := draw.Labels(inv, "r1", draw.ForSlots)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range labels {
		got = append(got, l.Code.String()+" | "+strings.Join(l.Lines, " | "))
		if back, err := inventory.ParseCode(l.Code.String()); err != nil || back != l.Code {
			t.Errorf("%s is read as %+v: %v", l.Code, back, err)
		}
	}
	want := []string{
		"rw:slot:r1:1 | U1 | r1 | lab / A",
		"rw:slot:r1:2:front:left | U2 left | r1 | lab / A",
		"rw:slot:r1:2:front:right | U2 right | r1 | lab / A",
		"rw:slot:r1:3 | U3 | r1 | lab / A",
	}
	if !slices.Equal(got, want) {
		t.Errorf("stickers\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLabelsAreDrawnAsInTheGoldenFiles(t *testing.T) {
	labels, err := draw.Labels(cabled(), "r1", draw.ForMachines)
	if err != nil {
		t.Fatal(err)
	}
	svg, err := draw.LabelsSVG(labels, draw.A4(3, 8))
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg)
	golden(t, "labels.svg", svg)
	pdf, err := draw.LabelsPDF(labels, draw.DefaultLabel(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := draw.LabelsPDF(labels, draw.DefaultLabel(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pdf, again) || !bytes.HasPrefix(pdf, []byte("%PDF-")) || bytes.Count(pdf, []byte("/Type /Page\n")) != 2 {
		t.Errorf("%d bytes of PDF with %d pages, the same twice: %t", len(pdf), bytes.Count(pdf, []byte("/Type /Page\n")), bytes.Equal(pdf, again))
	}
}

func TestWhatDoesNotFitOnALabelIsRefused(t *testing.T) {
	one := []draw.Label{draw.RackLabel(&inventory.Rack{Name: "r1"})}
	long := []draw.Label{draw.RackLabel(&inventory.Rack{Name: strings.Repeat("long", 60)})}
	for name, c := range map[string]struct {
		labels []draw.Label
		sheet  draw.Sheet
		want   fault.Kind
	}{
		"none":      {nil, draw.DefaultLabel(), fault.NotFound},
		"too many":  {make([]draw.Label, draw.MaxLabels+1), draw.DefaultLabel(), fault.Invalid},
		"too small": {one, draw.Single(5, 5), fault.Invalid},
		"too large": {one, draw.Single(5000, 50), fault.Invalid},
		"no column": {one, draw.A4(0, 8), fault.Invalid},
		"crowded":   {one, draw.A4(20, 100), fault.Invalid},
		"too fine":  {long, draw.Single(25, 12), fault.Invalid},
	} {
		if _, err := draw.LabelsSVG(c.labels, c.sheet); !fault.Is(err, c.want) || fault.HintOf(err) == "" {
			t.Errorf("%s: SVG %v", name, err)
		}
		if _, err := draw.LabelsPDF(c.labels, c.sheet, time.Time{}); !fault.Is(err, c.want) {
			t.Errorf("%s: PDF %v", name, err)
		}
	}
	if _, err := draw.Labels(cabled(), "r1", "shelves"); !fault.Is(err, fault.Invalid) {
		t.Errorf("labels for shelves: %v", err)
	}
	if _, err := draw.Labels(cabled(), "r9", draw.ForRack); !fault.Is(err, fault.NotFound) {
		t.Errorf("labels of r9: %v", err)
	}
}

func TestALongNameIsMadeSmallAndNeverLeavesItsLabel(t *testing.T) {
	m := inventory.Machine{Name: strings.Repeat("n", 63), Serial: strings.Repeat("W", 64)}
	svg, err := draw.LabelsSVG([]draw.Label{draw.MachineLabel(&m)}, draw.DefaultLabel())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(svg), m.Serial) || !strings.Contains(string(svg), "…") {
		t.Error("a line of 64 wide letters was not cut")
	}
}

func FuzzLabel(f *testing.F) {
	f.Add("r1-u10", "A-7", "dell", 62.0, 29.0)
	f.Add("<&\x00\xff", "机架", strings.Repeat("x", 300), 0.1, -1.0)
	f.Fuzz(func(t *testing.T, name, tag, model string, w, h float64) {
		l := []draw.Label{draw.MachineLabel(&inventory.Machine{Name: name, AssetTag: tag, Model: model})}
		if svg, err := draw.LabelsSVG(l, draw.Single(w, h)); err == nil {
			wellFormed(t, svg)
		}
		_, _ = draw.LabelsPDF(l, draw.Single(w, h), time.Time{})
	})
}

func BenchmarkLabelsPDF(b *testing.B) {
	var labels []draw.Label
	for i := range 100 {
		labels = append(labels, draw.MachineLabel(&inventory.Machine{Name: fmt.Sprintf("node-%03d", i)}))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := draw.LabelsPDF(labels, draw.A4(3, 8), time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}
