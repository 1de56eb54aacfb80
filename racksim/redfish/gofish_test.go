package redfish

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/schemas"

	"rackwright/racksim"
)

func (b *bench) gofish(t *testing.T, basic bool) *gofish.APIClient {
	t.Helper()
	c, err := gofish.ConnectContext(context.Background(), gofish.ClientConfig{
		Endpoint: b.url, Username: "admin", Password: testPassword, BasicAuth: basic, HTTPClient: b.client,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Logout)
	return c
}

func onlySystem(t *testing.T, c *gofish.APIClient) *schemas.ComputerSystem {
	t.Helper()
	all, err := c.Service.Systems()
	if err != nil || len(all) != 1 {
		t.Fatalf("systems: %v, %v", all, err)
	}
	return all[0]
}

func TestGofishReadsTheFactsOfAMachine(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	c := b.gofish(t, true)
	s := onlySystem(t, c)
	if s.SerialNumber != "RS0001" || s.UUID == "" || s.PowerState != schemas.OffPowerState {
		t.Errorf("serial %q, uuid %q, power %q", s.SerialNumber, s.UUID, s.PowerState)
	}
	ports, err := s.EthernetInterfaces()
	if err != nil || len(ports) != 2 || ports[1].MACAddress != "52:54:00:77:00:02" {
		t.Errorf("ports: %+v, %v", ports, err)
	}
	storage, err := s.Storage()
	if err != nil || len(storage) != 1 {
		t.Fatalf("storage: %v, %v", storage, err)
	}
	drives, err := storage[0].Drives()
	if err != nil || len(drives) != 2 || drives[0].SerialNumber != "DISK0001" || int64(*drives[1].CapacityBytes) != 4<<30 {
		t.Errorf("drives: %v, %v", drives, err)
	}
	for what, read := range map[string]func() (int, error){
		"processors": func() (int, error) { l, err := s.Processors(); return len(l), err },
		"memory":     func() (int, error) { l, err := s.Memory(); return len(l), err },
		"chassis":    func() (int, error) { l, err := c.Service.Chassis(); return len(l), err },
		"managers":   func() (int, error) { l, err := c.Service.Managers(); return len(l), err },
		"media":      func() (int, error) { l, err := s.VirtualMedia(); return len(l), err },
		"registries": func() (int, error) { l, err := c.Service.Registries(); return len(l) - 2, err }, // base, own, BIOS attributes
		"options":    func() (int, error) { l, err := s.BootOptions(); return len(l) - 3, err },        // nic1, two disks, cd
		"bios":       func() (int, error) { x, err := s.Bios(); return len(x.Attributes) - 4, err },
		"secureboot": func() (int, error) { _, err := s.SecureBoot(); return 1, err },
	} {
		if n, err := read(); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	update, err := c.Service.UpdateService()
	if err != nil {
		t.Fatal(err)
	}
	if inventory, err := update.FirmwareInventory(); err != nil || len(inventory) != 2 {
		t.Errorf("firmware: %v, %v", inventory, err)
	}
}

func TestGofishBootsOnceByPXEThenTheStandingOrderRules(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	s := onlySystem(t, b.gofish(t, false))
	err := s.SetBoot(&schemas.Boot{
		BootSourceOverrideTarget:  schemas.HddBootSource,
		BootSourceOverrideEnabled: schemas.OnceBootSourceOverrideEnabled,
		BootSourceOverrideMode:    schemas.UEFIBootSourceOverrideMode,
	})
	if err != nil {
		t.Fatal(err)
	}
	reset(t, s, schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	reset(t, s, schemas.ForceRestartResetType)
	b.machine.await(t, "restarted", func() bool { return len(b.machine.boots) == 2 })
	if got := b.machine.boots[0].Order[0]; got != "disk1" {
		t.Errorf("first boot from %s", got)
	}
	if got := b.machine.boots[1].Order[0]; got != "nic1" {
		t.Errorf("second boot from %s", got)
	}
}

func reset(t *testing.T, s *schemas.ComputerSystem, kind schemas.ResetType) {
	t.Helper()
	if _, err := s.Reset(kind); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
}

func TestGofishBootsByHTTPFromAURI(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	s := onlySystem(t, b.gofish(t, true))
	uri := "http://10.77.0.1/boot.efi"
	err := s.SetBoot(&schemas.Boot{BootSourceOverrideTarget: schemas.UefiHTTPBootSource, BootSourceOverrideEnabled: schemas.ContinuousBootSourceOverrideEnabled, HTTPBootURI: &uri})
	if err != nil {
		t.Fatal(err)
	}
	again := onlySystem(t, b.gofish(t, true))
	if again.Boot.BootSourceOverrideTarget != schemas.UefiHTTPBootSource || *again.Boot.HTTPBootURI != uri {
		t.Errorf("reads back as %+v", again.Boot)
	}
	reset(t, s, schemas.OnResetType)
	b.machine.await(t, "on", func() bool { return len(b.machine.boots) == 1 })
	if http := b.machine.boots[0].HTTP; http == nil || http.URI != uri {
		t.Errorf("boots %+v", b.machine.boots[0])
	}
}

func TestGofishGracefulRestartWaitsForTheOperatingSystem(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	s := onlySystem(t, b.gofish(t, true))
	reset(t, s, schemas.OnResetType)
	reset(t, s, schemas.GracefulRestartResetType)
	b.machine.await(t, "restarted", func() bool { return slices.Equal(b.machine.verbs, []string{"on", "button", "on"}) })
}

func TestForceOffInterruptsARestartTheSystemIgnores(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	b.machine.deaf = true
	s := onlySystem(t, b.gofish(t, true))
	reset(t, s, schemas.OnResetType)
	reset(t, s, schemas.GracefulRestartResetType)
	reset(t, s, schemas.ForceOffResetType)
	b.machine.await(t, "off", func() bool { return slices.Equal(b.machine.verbs, []string{"on", "button", "off"}) })
}

func TestGofishInsertsAndEjectsMedia(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	images := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("iso")) }))
	defer images.Close()
	media, err := onlySystem(t, b.gofish(t, true)).VirtualMedia()
	if err != nil || len(media) != 1 {
		t.Fatal(media, err)
	}
	yes := true
	if _, err := media[0].InsertMedia(&schemas.VirtualMediaInsertMediaParameters{Image: images.URL + "/x.iso", Inserted: &yes, WriteProtected: &yes}); err != nil {
		t.Fatal(err)
	}
	inserted := b.machine.image
	if text, err := os.ReadFile(inserted); err != nil || string(text) != "iso" {
		t.Errorf("in the drive: %q, %v", text, err)
	}
	if _, err := media[0].EjectMedia(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(inserted); b.machine.image != "" || err == nil {
		t.Error("the image is still there after eject")
	}
}

func TestGofishChangesThePasswordAndTheOldOneStopsWorking(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	service, err := b.gofish(t, true).Service.AccountService()
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := service.Accounts()
	if err != nil || len(accounts) != 1 {
		t.Fatal(accounts, err)
	}
	resp, err := accounts[0].GetClient().Patch(accounts[0].ODataID, map[string]string{"Password": "a-new-password"})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !slices.Equal(b.saved, []string{"a-new-password"}) {
		t.Errorf("saved %q", b.saved)
	}
	if _, err := gofish.Connect(gofish.ClientConfig{Endpoint: b.url, Username: "admin", Password: testPassword, HTTPClient: b.client}); err == nil {
		t.Error("the old password still works")
	}
	if _, err := gofish.Connect(gofish.ClientConfig{Endpoint: b.url, Username: "admin", Password: "a-new-password", HTTPClient: b.client}); err != nil {
		t.Error(err)
	}
}
