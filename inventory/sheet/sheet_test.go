package sheet_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/sheet"
)

func read(t *testing.T, text string, o sheet.Options) *sheet.Sheet {
	t.Helper()
	s, err := sheet.Read(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func good(t *testing.T, text string, o sheet.Options) plan.Plan {
	t.Helper()
	s := read(t, text, o)
	if err := s.Fault(); err != nil {
		t.Fatal(err)
	}
	return s.Plan
}

func TestARowBecomesAMachineWithAllItsCells(t *testing.T) {
	text, err := os.ReadFile("testdata/machines.csv")
	if err != nil {
		t.Fatal(err)
	}
	p := good(t, string(text), sheet.Options{Site: "dc1", Username: "root", Password: "s3cret", Ignore: []string{"Bought by"}, Map: map[string]string{"Responsible": "label.owner"}})
	if len(p.Racks) != 1 || len(p.Racks[0].Machines) != 2 || len(p.Racks[0].Devices) != 1 {
		t.Fatalf("got %+v", p)
	}
	want := plan.Machine{Name: "web01", U: 10, Height: 2, Face: inventory.Both, Model: "PowerEdge R660", Serial: "ABC0001", AssetTag: "A-17",
		Labels: map[string]string{"owner": "Ada, Ops"}, Tags: []string{"gpu", "lab"},
		NICs: []plan.NIC{
			{Name: "nic1", MAC: "52:54:00:00:00:01", Network: "net-10-0-0-0-24", Address: "10.0.0.11", Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "14"}, LengthM: 2.5, Label: "C-14"}},
			{Name: "nic2", MAC: "5254.0000.0002", Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-2", Port: "Ethernet1/14"}}}},
		PSUs: []inventory.PSU{{Name: "psu1", Cable: &inventory.Cable{To: inventory.End{Owner: "pdu-a", Port: "7"}}}, {Name: "psu2", Cable: &inventory.Cable{To: inventory.End{Owner: "pdu-b", Port: "7"}}}},
		BMC:  &plan.BMC{Address: "https://10.1.0.11", Username: "root", Password: "s3cret", MAC: "52:54:00:01:00:01"}}
	if got := p.Racks[0].Machines[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if m := p.Racks[0].Machines[1]; m.U != 12 || m.NICs[0].Network != "net-10-0-0-0-24" || m.BMC != nil {
		t.Errorf("the second is %+v", m)
	}
	if d := p.Racks[0].Devices[0]; d.Name != "leaf-1" || d.Kind != inventory.KindSwitch || d.U != 42 {
		t.Errorf("the switch is %+v", d)
	}
	if p.Racks[0].Name != "r-12" || p.Racks[0].Room != "Hall 2" || p.Racks[0].Units != 48 || p.Networks[0].CIDR != "10.0.0.0/24" {
		t.Errorf("the rack is %+v, networks %+v", p.Racks[0], p.Networks)
	}
	if _, err := p.Resolve(); err != nil && fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestSheetsOfEverySpreadsheetAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"semicolons": "Rack;U;Name\r\nr1;1;a\r\n", "tabs": "rack\tu\tname\nr1\t1\ta\n", "byte order mark": "\xef\xbb\xbfRack,U,Name\nr1,1,a\n", "sep line": "sep=|\r\nRack|U|Name\r\nr1|1|a\r\n",
		"quotes": "\"Rack\",\"U\",\"Name\"\n\"r1\",\"1\",\"a\"\n", "no newline at the end": "Rack,U,Name\nr1,1,a", "empty rows": "\n,,\nRack,U,Name\n\n,,\nr1,1,a\n,,\n",
		"other titles": "CABINET,Start U,Host_Name\nR1,U1,A\n", "a quoted line end": "Rack,U,Name,\"Asset\nTag\"\nr1,1.0,a,\n", "empty columns behind": "Rack,U,Name,,\nr1,1,a,,\n",
		"semicolons and commas": "Rack;U;Name;Tags\nr1;1;a;\"x,y,z\"\n",
	} {
		p := good(t, text, sheet.Options{})
		if len(p.Racks) != 1 || p.Racks[0].Name != "r1" || len(p.Racks[0].Machines) != 1 || p.Racks[0].Machines[0].Name != "a" || p.Racks[0].Machines[0].U != 1 {
			t.Errorf("%s: got %+v", name, p.Racks)
		}
	}
}

func TestUnitsAreReadAsPeopleWriteThem(t *testing.T) {
	for cell, want := range map[string][2]int{"10": {10, 0}, "U10": {10, 0}, "10u": {10, 0}, "RU 10": {10, 0}, "10.0": {10, 0}, "10-11": {10, 2}, "U11 - U10": {10, 2}} {
		m := good(t, "rack,u,name\nr1,"+cell+",a\n", sheet.Options{}).Racks[0].Machines[0]
		if m.U != want[0] || m.Height != want[1] {
			t.Errorf("%s is u%d height %d", cell, m.U, m.Height)
		}
	}
	for _, cell := range []string{"ten", "\"10,5\"", "10.5", "-1", "1000", "10-"} {
		if read(t, "rack,u,name\nr1,"+cell+",a\n", sheet.Options{}).Fault() == nil {
			t.Errorf("%s passed", cell)
		}
	}
}

func TestEveryBadCellIsNamedByLineAndColumnAtOnce(t *testing.T) {
	s := read(t, `Rack,U,Name,Height,MAC,IP,Face,Switch,Switch port,Kind
r1,1,a,1,52:54:00:00:00:01,10.0.0.1/24,front,leaf-1,1,
r1,two,b,big,not-a-mac,10.0.0.300,sideways,leaf-1,,
,3,c,,,,,,,
r1,,d,,,,,,,
r1,5,a,,,,,,,
r1,6,f,,,10.0.0.9,,,,
r1,7,g,,,10.9.0.9,,,,
r1,8,h,,,10.0.0.8/16,,,,
r1,9,sw,,52:54:00:00:00:09,,,,,switch
R_1,9,z,,,,,,,
r1,10,i,,,,,,,,,more
`, sheet.Options{})
	var got []string
	for _, f := range s.Bad {
		got = append(got, f.Path)
	}
	want := []string{"line 3, Face", "line 3, Height", "line 3, IP", "line 3, MAC", "line 3, Switch", "line 3, U", "line 4, Rack", "line 5, U", "line 6, Name",
		"line 8, IP", "line 10, MAC", "line 12"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if err := s.Fault(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `line 8, IP: no network holds 10.9.0.9`) {
		t.Error(err)
	}
}

func TestAnAddressOfAnotherMaskIsRefused(t *testing.T) {
	o := sheet.Options{Have: plan.Plan{Networks: []plan.Network{{Name: "prov", CIDR: "10.0.0.0/24"}}}}
	s := read(t, "Rack,U,Name,IP,Network\nr1,1,a,10.0.0.7,\nr1,2,b,10.0.0.8/24,\nr1,3,c,10.0.0.9/25,prov\n", o)
	if len(s.Bad) != 1 || s.Bad[0].Path != "line 4, IP" || !strings.Contains(s.Bad[0].Message, "prov, which is 10.0.0.0/24") {
		t.Errorf("got %v", s.Bad)
	}
	for _, m := range s.Plan.Racks[0].Machines[:2] {
		if m.NICs[0].Network != "prov" {
			t.Errorf("%s is in %q", m.Name, m.NICs[0].Network)
		}
	}
	if len(s.Plan.Networks) != 0 {
		t.Errorf("a network that is there is made again: %+v", s.Plan.Networks)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	text := "Rack,U,Name\n" + strings.Repeat("r1,x,a\n", 900)
	err := read(t, text, sheet.Options{}).Fault()
	f := err.(*fault.Error)
	if len(f.Fields) != 500 || !strings.Contains(f.Message, "900 bad cells") || !strings.Contains(f.Hint, "400 more") {
		t.Errorf("%d fields, %s, %s", len(f.Fields), f.Message, f.Hint)
	}
}

func TestColumnsThatCannotBeUsedAreNamed(t *testing.T) {
	for _, c := range []struct {
		header string
		o      sheet.Options
		want   string
	}{
		{"Rack,U,Name,Colour", sheet.Options{}, "column Colour: is not known"},
		{"U,Serial", sheet.Options{}, "column rack: no column says it: call one rack, cabinet"},
		{"Rack,Name", sheet.Options{}, "column u: no column says it"},
		{"Rack,U,Unit,Name", sheet.Options{}, "column Unit: says u, as column U does"},
		{"Rack,U,Name,NIC2 MAC,mac_2", sheet.Options{}, "column mac_2: says nic2_mac, as column NIC2 MAC does"},
		{"Rack,U,Name,BMC Password", sheet.Options{}, "passwords are not read from a sheet"},
		{"Rack,U,Name,X", sheet.Options{Map: map[string]string{"X": "colour"}}, `there is no field "colour"`},
		{"Rack,U,Name", sheet.Options{Map: map[string]string{"Y": "serial"}}, "column Y: no column has this name, but it is mapped"},
		{"Rack,U,Name,MAC 99", sheet.Options{}, "column MAC 99: is not known"},
	} {
		_, err := sheet.Read(strings.NewReader(c.header+"\n"), c.o)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) || fault.HintOf(err) == "" {
			t.Errorf("%s: got %v, want %s", c.header, err, c.want)
		}
	}
	s := read(t, "Rack,U,Name,Colour,BMC Password\nr1,1,a,red,x\n", sheet.Options{Ignore: []string{"*", "bmc password"}})
	if !reflect.DeepEqual(s.Ignored, []string{"Colour", "BMC Password"}) || s.Fault() != nil {
		t.Errorf("ignored %q, %v", s.Ignored, s.Fault())
	}
}

func TestWhatIsNoSheetIsRefused(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "a workbook": "PK\x03\x04rest", "UTF-16": "\xff\xfeR\x00", "latin 1": "Rack,U,Name\nr1,1,Z\xfcrich\n",
		"an open quote": "Rack,U,Name\nr1,1,\"a\n", "200 columns": strings.Repeat("a,", 250) + "\n"} {
		if _, err := sheet.Read(strings.NewReader(text), sheet.Options{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := sheet.Read(bytes.NewReader(make([]byte, sheet.MaxBytes+1)), sheet.Options{}); err == nil || !strings.Contains(err.Error(), "larger than 32 MiB") {
		t.Errorf("33 MiB: got %v", err)
	}
	var long strings.Builder
	long.WriteString("Rack,U,Name\n")
	for i := range sheet.MaxRows + 1 {
		fmt.Fprintf(&long, "r%d,1,m%d\n", i, i)
	}
	if _, err := sheet.Read(strings.NewReader(long.String()), sheet.Options{}); err == nil || !strings.Contains(err.Error(), "more than 200000 rows") {
		t.Errorf("200,001 rows: got %v", err)
	}
}

// A title that two fields claim would be read as one of them by chance.
func TestEveryTitleMeansOneField(t *testing.T) {
	for _, twice := range sheet.TitlesTwice() {
		t.Error(twice)
	}
}

func TestFaultsOfThePlanAreFoundInTheSheet(t *testing.T) {
	s := read(t, "Rack,U,Name,NIC2 MAC,PSU2 PDU,PSU2 outlet\nr1,1,a,52:54:00:00:00:02,pdu-a,1\nr1,2,b,52:54:00:00:00:03,,\n", sheet.Options{Site: "dc1"})
	p := s.Plan
	p.Racks[0].Machines = append([]plan.Machine{{Name: "there", U: 9}}, p.Racks[0].Machines...)
	p.Racks[0].Machines[1].NICs = append([]plan.NIC{{Name: "nic1"}}, p.Racks[0].Machines[1].NICs...)
	lines := s.Lines(p)
	for path, want := range map[string]string{"racks[0].machines[1]": "line 2", "racks[0].machines[1].u": "line 2, U", "racks[0].machines[1].nics[1].mac": "line 2, NIC2 MAC",
		"racks[0].machines[1].psus[0].cable": "line 2, PSU2 outlet", "racks[0].machines[2].name": "line 3, Name", "machine b": "line 3", "racks[0].machines[0]": "", "racks[0].machines[1].nics[0]": ""} {
		if lines[path] != want && !(path == "racks[0].machines[1].psus[0].cable" && lines[path] == "line 2, PSU2 PDU") {
			t.Errorf("%s is at %q, want %q", path, lines[path], want)
		}
	}
}

// The page shows a sheet that is read, and names every title of its table truly.
func TestThePageAboutImportsIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/running/import.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n    Cabinet;")
	example, _, _ := strings.Cut("Cabinet;"+rest, "\n\n")
	m := good(t, strings.ReplaceAll(example, "\n    ", "\n"), sheet.Options{}).Racks[0].Machines[0]
	if !found || m.Name != "web01" || m.U != 10 || m.Height != 2 || len(m.NICs) != 2 || m.NICs[0].Cable == nil || m.PSUs[0].Cable == nil || m.BMC == nil {
		t.Errorf("the example became %+v", m)
	}
	table, _, _ := strings.Cut(string(page), "An address with its mask")
	_, table, _ = strings.Cut(table, "|---|---|---|\n")
	for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for _, title := range strings.FieldsFunc(cells[0]+";"+cells[2], func(r rune) bool { return r == ',' || r == ';' }) {
			title = strings.TrimSpace(title)
			if title == "" || strings.HasPrefix(title, "Label:") {
				continue
			}
			_, err := sheet.Read(strings.NewReader("Rack,U,Name,"+title+"\n"), sheet.Options{})
			if err != nil && !strings.Contains(err.Error(), "says") {
				t.Errorf("the page names %q: %v", title, err)
			}
		}
	}
}

// Whatever the bytes, reading ends, and a plan that comes of it names its site and lines.
func FuzzRead(f *testing.F) {
	text, err := os.ReadFile("testdata/machines.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("sep=;\nRack;U;Name;label:x\nr1;10-11;a;y\n")
	f.Add("rack,u,name,mac #2,ip,switch,switch port,psu1 outlet\nr1,1,a,52:54:00:00:00:01,10.0.0.1/8,leaf:1,,pdu:7\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sheet.Read(strings.NewReader(text), sheet.Options{Site: "s", Ignore: []string{"*"}})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if n := s.Plan; n.Site != "s" {
			t.Fatal("the site is gone")
		}
		lines := s.Lines(s.Plan)
		for i, r := range s.Plan.Racks {
			if r.Name == "" {
				t.Fatal("a rack without a name")
			}
			for j, m := range r.Machines {
				if m.Name == "" || lines[fmt.Sprintf("racks[%d].machines[%d]", i, j)] == "" {
					t.Fatalf("machine %q of %q stands nowhere", m.Name, r.Name)
				}
			}
		}
	})
}
