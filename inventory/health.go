package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DiskHealth is what a disk says of its own state (SMART). What it does not say is absent.
type DiskHealth struct {
	Passed       bool     `json:"passed" doc:"Its own verdict"`
	Temperature  int      `json:"celsius,omitempty"`
	Wear         *int     `json:"wear_percent,omitempty" doc:"Of the writes it is made for, those that are used up; may pass 100"`
	Spare        *int     `json:"spare_percent,omitempty" doc:"Spare blocks that are left"`
	PowerOnHours int64    `json:"power_on_hours,omitempty"`
	MediaErrors  int64    `json:"media_errors,omitempty" doc:"Reads or writes that it could not correct"`
	Reallocated  int64    `json:"reallocated,omitempty" doc:"Sectors that were replaced by spare ones"`
	Pending      int64    `json:"pending,omitempty" doc:"Sectors that it could not read and waits to replace"`
	Warnings     []string `json:"warnings,omitempty" nullable:"false" doc:"What it warns of"`
}

// Warning says in a few words why a disk should not be trusted, "" when nothing speaks
// against it.
func (h *DiskHealth) Warning() string {
	if h == nil {
		return ""
	}
	words := slices.Clone(h.Warnings)
	if !h.Passed && len(words) == 0 {
		words = append(words, "it says that it is failing")
	}
	if h.Wear != nil && *h.Wear >= 100 {
		words = append(words, fmt.Sprintf("%d %% worn", *h.Wear))
	}
	if h.Pending > 0 {
		words = append(words, fmt.Sprintf("%d unreadable sectors", h.Pending))
	}
	return strings.Join(words, ", ")
}

// PCIDevice is a device on the PCI bus, bridges left out.
type PCIDevice struct {
	Address   string `json:"address" doc:"domain:bus:device.function"`
	ID        string `json:"id" doc:"vendor:device"`
	Subsystem string `json:"subsystem,omitempty" doc:"vendor:device of the board's maker"`
	Class     string `json:"class" doc:"Class and subclass, e.g. 0200 for Ethernet"`
	Driver    string `json:"driver,omitempty"`
	Speed     string `json:"speed,omitempty" doc:"Of its link, e.g. 8.0 GT/s"`
	MaxSpeed  string `json:"max_speed,omitempty" doc:"What the device and its slot can do"`
	Width     int    `json:"width,omitempty" doc:"Lanes of its link"`
	MaxWidth  int    `json:"max_width,omitempty"`
}

// Degraded reports whether a network or storage controller runs with fewer lanes or a
// lower speed than it and its slot can do. Others lower theirs to save power.
func (d PCIDevice) Degraded() bool {
	if !strings.HasPrefix(d.Class, "01") && !strings.HasPrefix(d.Class, "02") {
		return false
	}
	return d.Width > 0 && d.Width < d.MaxWidth || rate(d.Speed) > 0 && rate(d.Speed) < rate(d.MaxSpeed)
}

// rate reads "8.0 GT/s".
func rate(s string) float64 {
	number, _, _ := strings.Cut(s, " ")
	v, _ := strconv.ParseFloat(number, 64)
	return v
}

// Controller is the machine's BMC as the system on it sees it (IPMI).
type Controller struct {
	Firmware     string `json:"firmware,omitempty"`
	IPMI         string `json:"ipmi,omitempty" doc:"Version of IPMI it speaks"`
	Manufacturer int    `json:"manufacturer,omitempty" doc:"IANA enterprise number"`
	Product      int    `json:"product,omitempty"`
	Address      string `json:"address,omitempty"`
	FRU          *FRU   `json:"fru,omitempty"`
}

// FRU is what a board's own memory says of it (Platform Management FRU Information
// Storage Definition 1.3).
type FRU struct {
	ChassisPart   string    `json:"chassis_part,omitempty"`
	ChassisSerial string    `json:"chassis_serial,omitempty"`
	BoardMade     time.Time `json:"board_made,omitzero"`
	BoardVendor   string    `json:"board_vendor,omitempty"`
	BoardName     string    `json:"board_name,omitempty"`
	BoardSerial   string    `json:"board_serial,omitempty"`
	BoardPart     string    `json:"board_part,omitempty"`
	Vendor        string    `json:"vendor,omitempty"`
	Product       string    `json:"product,omitempty"`
	Part          string    `json:"part,omitempty"`
	Version       string    `json:"version,omitempty"`
	Serial        string    `json:"serial,omitempty"`
	AssetTag      string    `json:"asset_tag,omitempty"`
}

// MemoryErrors are counted by the memory controllers since the system started (EDAC).
type MemoryErrors struct {
	Corrected   int64 `json:"corrected"`
	Uncorrected int64 `json:"uncorrected"`
}

// Warnings are what a person should know of the parts before trusting the machine with
// work, one line each.
func (f *Facts) Warnings() (lines []string) {
	for _, d := range f.Disks {
		if w := d.Health.Warning(); w != "" {
			lines = append(lines, fmt.Sprintf("disk %s: %s", cmp.Or(d.Serial, d.Path), w))
		}
	}
	for _, d := range f.PCI {
		if d.Degraded() {
			lines = append(lines, fmt.Sprintf("PCI device %s (%s) runs at x%d %s and could at x%d %s", d.Address, d.ID, d.Width, d.Speed, d.MaxWidth, d.MaxSpeed))
		}
	}
	if e := f.Memory; e != nil && e.Uncorrected > 0 {
		lines = append(lines, fmt.Sprintf("%d memory errors that could not be corrected since it started", e.Uncorrected))
	}
	return lines
}
