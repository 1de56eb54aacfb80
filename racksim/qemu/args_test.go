package qemu

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/racksim"
)

func TestDiskSerialsAndBootOrderReachTheCommandLine(t *testing.T) {
	rack, err := racksim.Parse([]byte(`{rack: r1, bridge: {name: br0}, machines: [{name: n1, u: 1, firmware: uefi, vendor: "A, B", bmc: {address: 127.0.0.1},
		nics: [{mac: "52:54:00:00:00:01"}, {mac: "52:54:00:00:00:02", model: e1000}],
		disks: [{size: 1GiB, serial: D1}, {size: 1GiB, serial: D2, bus: nvme}, {size: 1GiB, serial: D3, bus: ahci, wwn: "0x5000c50000000001"}, {size: 1GiB, serial: D4, bus: scsi}]}]}`))
	must(t, err)
	m := rack.Machines[0]
	args := strings.Join(arguments(m, firmware{"code.fd", "vars", true}, pathsIn("/s"), racksim.Boot{Order: []string{"disk2", "nic1"}, BIOS: "2,1"}, "/s/x,y.iso"), " ")
	for _, want := range []string{
		"-smbios type=0,uefi=on,vendor=A,, B,date=01/02/2025,version=2,,1 ", "manufacturer=A,, B", "virtio-net-pci,id=nic1,netdev=net0,mac=52:54:00:00:00:01,addr=0x10,bootindex=2,romfile=",
		"e1000,id=nic2,netdev=net1,mac=52:54:00:00:00:02,addr=0x11,romfile=",
		"virtio-blk-pci,addr=0x8,id=disk1,drive=drive0,serial=D1 ", "nvme,addr=0x9,id=disk2,drive=drive1,serial=D2,bootindex=1",
		"ide-hd,bus=ide.0,id=disk3,drive=drive2,serial=D3,wwn=0x5000c50000000001", "scsi-hd,bus=scsi.0,scsi-id=3,id=disk4,drive=drive3,serial=D4",
		"cache=unsafe,discard=unmap,file=/s/disk1.raw", "file=/s/x,,y.iso", "unit=1,format=raw,file=/s/vars.fd",
		"-machine q35,graphics=off,smm=on ", "driver=cfi.pflash01,property=secure,value=on",
	} {
		if !strings.Contains(args+" ", want) {
			t.Errorf("no %q in %s", want, args)
		}
	}
}

func TestAnARM64MachineHasTheBoardAndTheDrivesOfItsPlatform(t *testing.T) {
	rack, err := racksim.Parse([]byte(`{rack: r1, bridge: {name: br0}, machines: [{name: n1, u: 1, arch: arm64, bmc: {address: 127.0.0.1},
		nics: [{mac: "52:54:00:00:00:01"}], disks: [{size: 1GiB, serial: D1}, {size: 1GiB, serial: D2, bus: scsi}]}]}`))
	must(t, err)
	m := rack.Machines[0]
	args := strings.Join(arguments(m, firmware{"code.fd", "vars", false}, pathsIn("/s"), racksim.Boot{Order: []string{"nic1", "disk1", racksim.Media}}, "/s/x.iso"), " ") + " "
	for _, want := range []string{
		"-machine virt,gic-version=3 ", "-cpu cortex-a57 ", "virtio-net-pci,id=nic1,netdev=net0,mac=52:54:00:00:00:01,addr=0x10,bootindex=1,romfile= ",
		"-device virtio-scsi-pci,id=scsi,addr=0x4 ", "scsi-hd,bus=scsi.0,scsi-id=1,id=disk2", "file=/s/x.iso -device scsi-cd,id=cd0,bus=scsi.0,scsi-id=15,bootindex=3,drive=media ",
	} {
		if strings.Count(args, want) != 1 {
			t.Errorf("no %q in %s", want, args)
		}
	}
	if strings.Contains(args, "ide") {
		t.Errorf("IDE on a board that has none: %s", args)
	}
}

func TestEmptyFlashIsFormattedAndOtherFlashKept(t *testing.T) {
	flash := formatted(make([]byte, 64<<20))
	s, err := parseStore(flash)
	must(t, err)
	if len(s.variables) != 0 || words(flash[:72]) != 0 || s.end != flashBlock || len(flash) != 64<<20 {
		t.Errorf("%d variables, sum %d, end %d, %d bytes", len(s.variables), words(flash[:72]), s.end, len(flash))
	}
	s.set("BootNext", []byte{1, 2})
	kept, err := s.encode()
	must(t, err)
	if !bytes.Equal(formatted(kept), kept) {
		t.Error("variables were formatted away")
	}
	if made, err := os.ReadFile("/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd"); err == nil && !bytes.Equal(made[:96], flash[:96]) {
		t.Errorf("Debian's own\n% x\nours\n% x", made[:96], flash[:96])
	}
}

func TestMissingFirmwareNamesThePackage(t *testing.T) {
	_, err := findFirmware(racksim.Machine{Firmware: racksim.UEFI, Secure: true}, uefi{"ovmf", t.TempDir(), "OVMF", nil, []string{"_4M.ms"}})
	if !fault.Is(err, fault.NotFound) || !strings.Contains(fault.HintOf(err), "apt-get install ovmf") {
		t.Errorf("%v, hint %q", err, fault.HintOf(err))
	}
}

func TestDiskFileGrowsAndIsNeverCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.raw")
	must(t, makeDisk(path, 1<<20))
	must(t, makeDisk(path, 2<<20))
	if err := makeDisk(path, 1<<20); !fault.Is(err, fault.Conflict) {
		t.Errorf("cut a disk: %v", err)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Size() != 2<<20 {
		t.Errorf("size %d", info.Size())
	}
}

func TestConsoleLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	c, err := openConsole(path, 10)
	must(t, err)
	for _, s := range []string{"12345678", "abcdefgh", "ABCD"} {
		c.Write([]byte(s))
	}
	c.Close()
	c.Write([]byte("late"))
	now, _ := os.ReadFile(path)
	before, _ := os.ReadFile(path + ".1")
	if string(now) != "ABCD" || string(before) != "abcdefgh" {
		t.Errorf("now %q, before %q", now, before)
	}
}

func TestMonitorPairsRepliesAndPassesEventsOn(t *testing.T) {
	ours, theirs := net.Pipe()
	var events []string
	m := newMonitor(ours, func(e message) { events = append(events, e.Event+" "+e.Data.Reason) })
	go func() {
		buf := make([]byte, 4096)
		theirs.Read(buf)
		io.WriteString(theirs, `{"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-reset"}}`+"\n"+`{"return":{},"id":1}`+"\n")
		theirs.Read(buf)
		io.WriteString(theirs, `{"error":{"class":"GenericError","desc":"no"},"id":2}`+"\n")
		theirs.Read(buf)
		theirs.Close()
	}()
	must(t, m.run(t.Context(), "cont", nil))
	if err := m.run(t.Context(), "eject", map[string]any{"id": "cd0"}); err == nil || !strings.Contains(err.Error(), "GenericError: no") {
		t.Errorf("refused command: %v", err)
	}
	if err := m.run(t.Context(), "stop", nil); err == nil {
		t.Error("a command outlived the emulator")
	}
	<-m.done
	if !slices.Equal(events, []string{"SHUTDOWN guest-reset"}) {
		t.Errorf("events %v", events)
	}
}
