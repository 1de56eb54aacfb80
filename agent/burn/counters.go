package burn

import (
	"cmp"
	"path/filepath"
	"strings"
)

// counter is something the kernel counts that should not grow.
type counter struct {
	name  string
	value int64
	grave bool // an error of the machine; else worth a note
	words string
}

// counters reads all counters.
func (w *watch) counters() (out []counter) {
	grave := func(name, words string) {
		if n, ok := number(w.root, name); ok {
			out = append(out, counter{name, n, true, words})
		}
	}
	for _, dir := range matches(w.root, "sys/devices/system/edac/mc/mc*") {
		dimms := matches(w.root, dir+"/dimm[0-9]*")
		for _, dimm := range dimms {
			label := cmp.Or(text(w.root, dimm+"/dimm_label"), filepath.Base(dir)+"/"+filepath.Base(dimm))
			grave(dimm+"/dimm_ce_count", "memory module "+label+": corrected errors (ECC)")
			grave(dimm+"/dimm_ue_count", "memory module "+label+": errors that ECC could not correct")
		}
		if len(dimms) == 0 {
			grave(dir+"/ce_count", "memory controller "+filepath.Base(dir)+": corrected errors (ECC)")
			grave(dir+"/ue_count", "memory controller "+filepath.Base(dir)+": errors that ECC could not correct")
		}
	}
	out = append(out, counter{"mce", interrupts(text(w.root, "proc/interrupts"), "MCE"), true, "machine check exceptions"})
	out = append(out, w.throttles()...)
	out = append(out, w.pci()...)
	for _, dir := range matches(w.root, "sys/class/net/*") {
		port := filepath.Base(dir)
		if text(w.root, dir+"/address") == "" || port == "lo" {
			continue
		}
		for _, name := range []string{"rx_errors", "tx_errors", "rx_crc_errors", "rx_frame_errors", "tx_carrier_errors"} {
			grave(dir+"/statistics/"+name, "network port "+port+": "+strings.ReplaceAll(name, "_", " "))
		}
	}
	return out
}

// throttles count how often processors were slowed down by heat.
func (w *watch) throttles() (out []counter) {
	for _, name := range matches(w.root, "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count") {
		if n, ok := number(w.root, name); ok {
			cpu := filepath.Base(filepath.Dir(filepath.Dir(name)))
			out = append(out, counter{name, n, false, "processor " + cpu + " was slowed down by heat"})
		}
	}
	return out
}

// pci counts errors of PCI Express links (Advanced Error Reporting).
func (w *watch) pci() (out []counter) {
	for _, c := range []struct {
		file, line, words string
		grave             bool
	}{
		{"aer_dev_fatal", "TOTAL_ERR_FATAL", "fatal errors of its link", true}, {"aer_dev_nonfatal", "TOTAL_ERR_NONFATAL", "uncorrected errors of its link", true},
		{"aer_dev_correctable", "TOTAL_ERR_COR", "corrected errors of its link", false},
	} {
		for _, name := range matches(w.root, "sys/bus/pci/devices/*/"+c.file) {
			out = append(out, counter{name, total(text(w.root, name), c.line), c.grave, "PCI device " + filepath.Base(filepath.Dir(name)) + ": " + c.words})
		}
	}
	return out
}
