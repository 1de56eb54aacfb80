package burn

import (
	"slices"
	"strings"
	"testing"

	"rackwright/inventory"
)

// sick is a machine whose counters the test turns.
func sick(t *testing.T) (root string, w *watch, found *findings, facts *inventory.Facts) {
	t.Helper()
	root, found = t.TempDir(), &findings{}
	facts = &inventory.Facts{Disks: []inventory.Disk{{Serial: "S1", Health: &inventory.DiskHealth{Passed: true, Reallocated: 5}}, {Serial: "S2"}}}
	for name, text := range map[string]string{
		"sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count": "2", "sys/devices/system/edac/mc/mc0/dimm0/dimm_ue_count": "0", "sys/devices/system/edac/mc/mc0/dimm0/dimm_label": "CPU0_A1\n",
		"sys/devices/system/edac/mc/mc1/ce_count": "0", "sys/devices/system/edac/mc/mc1/ue_count": "0",
		"proc/interrupts":            "            CPU0  CPU1\n  0:   5  6  IO-APIC timer\nMCE:  0  0   Machine check exceptions\nMCP:  9  9  Machine check polls\n",
		"sys/class/net/eth0/address": "52:54:00:00:00:01", "sys/class/net/eth0/statistics/rx_crc_errors": "100", "sys/class/net/lo/address": "00:00:00:00:00:00", "sys/class/net/lo/statistics/rx_errors": "0",
		"sys/bus/pci/devices/0000:01:00.0/aer_dev_correctable": "RxErr 1\nTOTAL_ERR_COR 1\n", "sys/bus/pci/devices/0000:01:00.0/aer_dev_fatal": "TOTAL_ERR_FATAL 0\n",
		"sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count": "0", "sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq": "2400000",
		"sys/class/hwmon/hwmon0/name": "coretemp", "sys/class/hwmon/hwmon0/temp1_input": "61500", "sys/class/hwmon/hwmon0/temp1_crit": "100000", "sys/class/hwmon/hwmon0/temp1_label": "Package id 0",
	} {
		lay(t, root, name, text)
	}
	w = newWatch(root, func() inventory.Facts { return *facts }, found)
	return root, w, found, facts
}

func TestWhatWasCountedBeforeIsHeldAgainstNobody(t *testing.T) {
	_, w, found, _ := sick(t)
	w.begin(false)
	w.look()
	w.end()
	if errs, notes := found.told(); len(errs)+len(notes) > 0 {
		t.Errorf("%q %q", errs, notes)
	}
	got := map[string]float64{}
	for _, f := range w.figures() {
		got[f.Name] = f.Value
	}
	if got["hottest"] != 61.5 || got["clock"] != 2400 {
		t.Errorf("%v", got)
	}
}

func TestEachCounterThatGrowsIsNamedWithItsPart(t *testing.T) {
	root, w, found, facts := sick(t)
	w.begin(false)
	for name, text := range map[string]string{
		"sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count": "9", "sys/devices/system/edac/mc/mc1/ue_count": "1",
		"proc/interrupts": "MCE:  0  3   Machine check exceptions\n", "sys/class/net/eth0/statistics/rx_crc_errors": "112", "sys/class/net/lo/statistics/rx_errors": "7",
		"sys/bus/pci/devices/0000:01:00.0/aer_dev_correctable": "RxErr 5\nTOTAL_ERR_COR 5\n", "sys/bus/pci/devices/0000:01:00.0/aer_dev_fatal": "TOTAL_ERR_FATAL 1\n",
		"sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count": "4", "sys/class/hwmon/hwmon0/temp1_input": "101000",
	} {
		lay(t, root, name, text)
	}
	facts.Disks = []inventory.Disk{{Serial: "S1", Health: &inventory.DiskHealth{Passed: true, Reallocated: 8}}, {Serial: "S2", Health: &inventory.DiskHealth{}}}
	w.look()
	w.end()
	errs, notes := found.told()
	for _, want := range []string{"memory module CPU0_A1: corrected errors (ECC): 7", "memory controller mc1: errors that ECC could not correct: 1", "machine check exceptions: 3",
		"network port eth0: rx crc errors: 12", "PCI device 0000:01:00.0: fatal errors of its link: 1", "coretemp Package id 0: 101 °C, made for at most 100 °C",
		"disk S1: 3 more reallocated sectors than before (SMART)", "disk S2: it says that it is failing (SMART)"} {
		if i := slices.Index(errs, want); i < 0 {
			t.Errorf("no %q", want)
		} else {
			errs = slices.Delete(errs, i, i+1)
		}
	}
	if len(errs) > 0 {
		t.Errorf("and %q", errs)
	}
	if strings.Join(notes, "; ") != "processor cpu3 was slowed down by heat: 4; PCI device 0000:01:00.0: corrected errors of its link: 4" {
		t.Errorf("%q", notes)
	}
}

func TestACrashInTheMiddleIsAnErrorAndAnOldOneANote(t *testing.T) {
	for _, again := range []bool{false, true} {
		root, w, found, _ := sick(t)
		lay(t, root, "sys/fs/pstore/dmesg-efi-1", "<6>[ 1.0] hello\n<0>[ 9.9] Kernel panic - not syncing: Fatal machine check\n")
		w.begin(again)
		errs, notes := found.told()
		said := append(errs, notes...)
		if len(said) != 1 || (len(errs) == 1) != again || !strings.Contains(said[0], "Kernel panic - not syncing: Fatal machine check") {
			t.Errorf("again %v: %q %q", again, errs, notes)
		}
	}
}

// What the kernel writes is read without a slip, whatever it is.
func FuzzCounters(f *testing.F) {
	f.Add("MCE: 1 2 x\n", "TOTAL_ERR_COR 7\n")
	f.Add("MCE:", "\x00\n \n9999999999999999999999 1")
	f.Fuzz(func(t *testing.T, a, b string) {
		interrupts(a, "MCE")
		total(b, "TOTAL_ERR_COR")
	})
}
