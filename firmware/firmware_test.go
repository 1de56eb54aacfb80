package firmware_test

import (
	"testing"

	"rackwright/fault"
	"rackwright/firmware"
)

func TestAFileThatIsDescribedBadlyIsRefusedFieldByField(t *testing.T) {
	good := firmware.File{Name: "b2", Component: "bios", Version: "2", Vendor: "Acme", Original: `C:\fw\BIOS.bin`}
	if err := good.Complete(); err != nil || good.Original != "BIOS.bin" || good.Reset != firmware.ResetHost {
		t.Fatal(err, good)
	}
	for field, change := range map[string]func(*firmware.File){
		"name":      func(f *firmware.File) { f.Name = "../x" },
		"component": func(f *firmware.File) { f.Component = "" },
		"version":   func(f *firmware.File) { f.Version = "2\n" },
		"vendor":    func(f *firmware.File) { f.Vendor = " x" },
		"model":     func(f *firmware.File) { f.Vendor = "" },
		"from":      func(f *firmware.File) { f.From = []string{"*"} },
		"requires":  func(f *firmware.File) { f.Requires = []firmware.Need{{Component: "BIOS", AtLeast: "1"}} },
		"original":  func(f *firmware.File) { f.Original = "a b?" },
		"reset":     func(f *firmware.File) { f.Reset = "reboot" },
	} {
		f := good
		change(&f)
		err, _ := f.Complete().(*fault.Error)
		if err == nil || len(err.Fields) != 1 || err.Fields[0].Path != field {
			t.Errorf("%s: %+v", field, err)
		}
	}
	if _, err := firmware.ParseNeed("bmc"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
