package redfish_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/redfish"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/racksim"
	"rackwright/racksim/mockup"
)

// record records what access leads to, into memory.
func record(t *testing.T, access bmc.Access, r redfish.Recording) (fstest.MapFS, redfish.Recorded) {
	t.Helper()
	c := dialReplay(t, access, swift()).(*redfish.Controller)
	files := fstest.MapFS{}
	got, err := c.Record(t.Context(), r, func(name string, text []byte) error {
		if files[name] != nil || !strings.HasPrefix(name, "redfish/") || path.Clean(name) != name {
			return fmt.Errorf("%s was written before, or leads out", name)
		}
		files[name] = &fstest.MapFile{Data: text}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, got
}

// reopen serves a recording and returns how to reach it.
func reopen(t *testing.T, files fstest.MapFS) bmc.Access {
	t.Helper()
	tree, err := mockup.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mockup.New(mockup.Config{Tree: tree, Username: mockupUser, Password: mockupPassword})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(m.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(m.Close)
	return bmc.Access{Address: server.URL, Username: mockupUser, Password: mockupPassword}
}

func facts(t *testing.T, access bmc.Access) inventory.Facts {
	t.Helper()
	f, err := dialReplay(t, access, swift()).Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Observed = time.Time{}
	return f
}

func all(files fstest.MapFS) string {
	var out strings.Builder
	for name, f := range files {
		out.WriteString(name + "\n" + string(f.Data))
	}
	return out.String()
}

func TestARecordedBMCIsServedAgainAndTellsNothingOfItsOwner(t *testing.T) {
	_, _, access := simulate(t, racksim.UEFI)
	before := facts(t, access)
	files, got := record(t, access, redfish.Recording{})
	after := facts(t, reopen(t, files))
	text := all(files)
	for _, secret := range []string{"racked-and-stacked", "RS0001", "DISK0001", "A-7\"", "52:54:00:77:00:01", "52:54:00:77:ff:01", "52540077", before.System.UUID, strings.ToUpper(before.System.UUID), "node1-bmc", `"UserName": "root"`} {
		if strings.Contains(text, secret) {
			at := strings.Index(text, secret)
			t.Errorf("%q is in the recording: %.120q", secret, text[max(0, at-60):])
		}
	}
	if got.Resources < 20 || len(files) < got.Resources || files["redfish/index.json"] == nil || files["redfish/v1/index.json"] == nil || files["redfish/v1/$metadata/index.xml"] == nil {
		t.Errorf("%d resources, %d files", got.Resources, len(files))
	}
	if len(after.CPUs) != len(before.CPUs) || len(after.DIMMs) != len(before.DIMMs) || len(after.Disks) != len(before.Disks) || len(after.NICs) != len(before.NICs) ||
		len(after.PSUs) != len(before.PSUs) || after.MemoryMiB != before.MemoryMiB || after.System.Product != before.System.Product || !slices.Equal(after.Versions, before.Versions) {
		t.Errorf("recorded %+v\nserved again %+v", before, after)
	}
	if n := after.NICs[0].MAC; n == before.NICs[0].MAC || n[0] != before.NICs[0].MAC[0] || n[2] != before.NICs[0].MAC[2] {
		t.Errorf("the port's address %s became %s; its vendor should stay", before.NICs[0].MAC, n)
	}
	if len(after.System.Serial) != len(before.System.Serial) || inventory.JunkSerial(after.System.Serial) {
		t.Errorf("the serial number %q became %q", before.System.Serial, after.System.Serial)
	}
}

func TestANamedRecordingKeepsWhatIsNoSecret(t *testing.T) {
	_, _, access := simulate(t, racksim.UEFI)
	files, _ := record(t, access, redfish.Recording{Named: true})
	before, after := facts(t, access), facts(t, reopen(t, files))
	if after.System != before.System || !slices.Equal(after.NICs, before.NICs) || !reflect.DeepEqual(after.Disks, before.Disks) {
		t.Errorf("recorded %+v\nserved again %+v", before, after)
	}
	if strings.Contains(all(files), access.Password) {
		t.Error("the password is in the recording")
	}
}

func TestEveryVendorsTreeIsRecordedAndServedAgain(t *testing.T) {
	for _, name := range mockup.Vendors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, access := replay(t, name)
			before := facts(t, access)
			files, got := record(t, access, redfish.Recording{})
			after := facts(t, reopen(t, files))
			if len(after.CPUs) != len(before.CPUs) || len(after.DIMMs) != len(before.DIMMs) || len(after.Disks) != len(before.Disks) || len(after.NICs) != len(before.NICs) ||
				len(after.PSUs) != len(before.PSUs) || len(after.Versions) != len(before.Versions) || len(after.BIOS) != len(before.BIOS) || after.MemoryMiB != before.MemoryMiB ||
				after.System.Product != before.System.Product || after.System.BIOSVersion != before.System.BIOSVersion {
				t.Errorf("recorded %+v\nserved again %+v\nleft out %v", before, after, got.LeftOut)
			}
			tree, err := mockup.Load(files)
			if err != nil || len(tree.Dangling()) > 0 {
				t.Errorf("links lead nowhere: %v, %v", tree.Dangling(), err)
			}
			text := all(files)
			found := []string{mockupPassword}
			if !inventory.JunkSerial(before.System.Serial) {
				found = append(found, before.System.Serial)
			}
			for _, nic := range before.NICs {
				found = append(found, nic.MAC.String(), strings.ToUpper(nic.MAC.String()), strings.ReplaceAll(nic.MAC.String(), ":", ""))
			}
			for _, d := range before.Disks {
				if len(d.Serial) >= 6 && !inventory.JunkSerial(d.Serial) {
					found = append(found, d.Serial)
				}
			}
			for _, secret := range found {
				if at := strings.Index(text, secret); at >= 0 {
					t.Errorf("%q is in the recording: %q", secret, text[max(0, at-80):min(len(text), at+60)])
				}
			}
		})
	}
}

func TestARecordingKeepsItsBoundsAndItsLinks(t *testing.T) {
	_, _, access := replay(t, "dell-idrac9")
	files, got := record(t, access, redfish.Recording{Resources: 12})
	if got.Resources != 12 || len(got.LeftOut) == 0 {
		t.Errorf("%d resources, left out %v", got.Resources, got.LeftOut)
	}
	for name, f := range files {
		for _, line := range strings.Split(string(f.Data), "\n") {
			_, member, found := strings.Cut(line, `"Members@odata.count": `)
			if found && strings.Contains(name, "Systems/index.json") && strings.Trim(member, ",") != "1" && strings.Trim(member, ",") != "0" {
				t.Errorf("%s says %s", name, line)
			}
		}
	}
	_, none := record(t, access, redfish.Recording{Bytes: 1})
	if none.Resources != 1 || len(none.LeftOut) == 0 {
		t.Errorf("of one byte: %d resources, left out %v", none.Resources, none.LeftOut)
	}
	c := dialReplay(t, access, swift()).(*redfish.Controller)
	full := fault.Conflictf("the disk is full")
	if _, err := c.Record(t.Context(), redfish.Recording{}, func(string, []byte) error { return full }); err != error(full) {
		t.Errorf("a disk that is full: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Record(ctx, redfish.Recording{}, func(string, []byte) error { return nil }); err == nil {
		t.Error("a recording in a context that is over succeeded")
	}
}
