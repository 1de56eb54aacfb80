package api_test

import (
	"strings"
	"testing"

	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
)

// kinds is a rack with an image of each kind and a machine whose disk was seen.
func kinds(t *testing.T) (*apitest.Store, string) {
	t.Helper()
	s, url := rack(t)
	both := []inventory.Firmware{inventory.BIOS, inventory.UEFI}
	parts := []images.Part{{Name: "kernel", Digest: "sha256:k"}, {Name: "initrd", Digest: "sha256:i"}}
	for _, i := range []images.Image{
		{Name: "installer", Kind: images.KindNetboot, Digest: "sha256:1", Arch: "amd64", Firmware: both, Parts: parts, Answers: "preseed"},
		{Name: "broken", Kind: images.KindNetboot, Digest: "sha256:2", Arch: "amd64", Firmware: both, Parts: parts, Answers: "preseed", Template: "a\n{{.Machine.Colour}}"},
		{Name: "live", Kind: images.KindNetboot, Digest: "sha256:3", Arch: "amd64", Firmware: both, Parts: parts, Args: "quiet {{part \"initrd\"}}"},
		{Name: "cd", Kind: images.KindISO, Digest: "sha256:4", Arch: "amd64", Firmware: both},
		{Name: "root", Kind: images.KindRootFS, Digest: "sha256:5", Arch: "amd64", Firmware: both},
	} {
		if err := s.AddImage(t.Context(), &i, "test"); err != nil {
			t.Fatal(err)
		}
	}
	s.Change("m1", func(m *inventory.Machine) {
		m.Facts = &inventory.Facts{Source: "agent", Disks: []inventory.Disk{{Path: "/dev/vda", Serial: "D1", Bytes: 1 << 30}}}
	})
	return s, url
}

func TestAMachineIsToldHowItsImageComes(t *testing.T) {
	_, url := kinds(t)
	for body, want := range map[string]deploy.Method{
		`{"image":"debian"}`:           deploy.ByDisk,
		`{"image":"root"}`:             deploy.ByRootFS,
		`{"image":"root","live":true}`: deploy.ByLive,
		`{"image":"installer"}`:        deploy.ByInstall,
		`{"image":"live"}`:             deploy.ByNetboot,
		`{"image":"cd"}`:               deploy.ByMedia,
		`{"local":true}`:               deploy.ByLocal,
	} {
		answer, text := ask(t, "POST", url+"/machines/m1/preview", body)
		p := decode[wire.Preview](t, text)
		if answer.StatusCode != 200 || p.Method != want || len(p.Steps) == 0 || p.Overwrites == "" {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
		if (want.Loads() || want == deploy.ByDisk) && !strings.HasPrefix(p.Script, "#!ipxe") {
			t.Errorf("%s: its loader is told %q", body, p.Script)
		}
	}
}

func TestAPreviewShowsAllThatAMachineWouldGet(t *testing.T) {
	s, url := kinds(t)
	_, text := ask(t, "POST", url+"/machines/m1/preview", `{"image":"installer","vars":{"mirror":"mirror.example"}}`)
	p := decode[wire.Preview](t, text)
	if p.Disk == nil || p.Disk.Serial != "D1" || !strings.Contains(p.KernelArgs, "preseed/url=http://SERVER/boot/a/SECRET/preseed.cfg") || len(p.Files) != 2 {
		t.Fatalf("%s", text)
	}
	if f := p.Files[0]; f.Name != "preseed.cfg" || !strings.Contains(f.Content, "mirror.example") || !strings.Contains(f.Content, "/dev/disk/by-id/virtio-D1") {
		t.Errorf("%s:\n%s", f.Where, f.Content)
	}
	if !strings.Contains(p.Script, "/boot/k/SECRET/part/kernel initrd=initrd "+p.KernelArgs) {
		t.Errorf("the script is not with those arguments:\n%s", p.Script)
	}
	_, text = ask(t, "POST", url+"/machines/m1/preview", `{"image":"debian","user_data":"#cloud-config\n"}`)
	if p := decode[wire.Preview](t, text); len(p.Files) == 0 || !strings.Contains(text, "network-config") {
		t.Errorf("a disk image's first boot: %s", text)
	}
	if ops, _ := s.Operations(t.Context(), store.OperationFilter{}); len(ops) != 0 {
		t.Errorf("a preview began %d operations", len(ops))
	}
}

func TestWhatATemplateLacksIsSaidBeforeAnythingBoots(t *testing.T) {
	s, url := kinds(t)
	for body, want := range map[string]string{
		`{"image":"broken"}`: "template line 2: <.Machine.Colour>",
		`{"image":"installer","answers":"{{var \"site\"}}"}`:               `the variable \"site\" is not given`,
		`{"image":"installer","answers":"{{"}`:                             "template line 1",
		`{"image":"debian","answers":"x"}`:                                 "are for an installer",
		`{"image":"root","mirror":true}`:                                   "not unpacked to a mirror",
		`{"image":"debian","overwrite":["D1","D9"]}`:                       "no disk \\\"D9\\\" to overwrite; seen: D1",
		`{"image":"cd","mirror":true}`:                                     "that the agent writes",
		`{"image":"installer","seed":"nocloud"}`:                           "that the agent writes",
		`{"image":"debian","live":true}`:                                   "is of root file systems",
		`{"image":"debian","local":true}`:                                  "is not for a boot from the disk",
		`{}`:                                                               "name an image, or say local",
		`{"image":"debian","seed":"ignition","user_data":"#cloud-config"}`: "no Ignition configuration",
	} {
		for _, path := range []string{"/machines/m1/actions/deploy", "/machines/m1/preview"} {
			answer, text := ask(t, "POST", url+path, body)
			if answer.StatusCode != 422 && answer.StatusCode != 400 || !strings.Contains(text, want) {
				t.Errorf("%s %s: %s %s", path, body, answer.Status, text)
			}
		}
	}
	s.Change("m1", func(m *inventory.Machine) { m.Facts = nil })
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/deploy", `{"image":"installer"}`); answer.StatusCode != 409 || !strings.Contains(text, "rackwright inspect m1") {
		t.Errorf("a disk nobody saw: %s %s", answer.Status, text)
	}
	s.Change("m1", func(m *inventory.Machine) {
		m.Facts = &inventory.Facts{Source: "agent", Disks: []inventory.Disk{{Path: "/dev/vda", Serial: "D1", Bytes: 1 << 30, Holds: []string{"LVM2"}}}}
	})
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/deploy", `{"image":"installer"}`); answer.StatusCode != 409 || !strings.Contains(text, "LVM2") {
		t.Errorf("foreign data: %s %s", answer.Status, text)
	}
}

func TestValuesForTemplatesAreNotGivenOutAgain(t *testing.T) {
	s, url := kinds(t)
	answer, text := ask(t, "POST", url+"/machines/m1/actions/deploy", `{"image":"installer","answers":"x {{var \"hash\"}} answer-secret","vars":{"hash":"var-secret"}}`)
	if answer.StatusCode != 202 || strings.Contains(text, "-secret") || !strings.Contains(text, `"hash":"(hidden)"`) {
		t.Errorf("%s %s", answer.Status, text)
	}
	o := decode[deploy.Operation](t, text)
	if kept, err := s.Operation(t.Context(), o.ID); err != nil || kept.Order.Vars["hash"] != "var-secret" {
		t.Errorf("the values were lost: %+v, %v", kept, err)
	}
}

func TestTheBuiltInTemplatesCanBeRead(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "GET", url+"/templates", "")
	list := decode[wire.List[wire.Template]](t, text)
	if answer.StatusCode != 200 || len(list.Items) < 10 || list.Items[0].Name != "preseed.cfg.tmpl" || list.Items[0].Text == "" {
		t.Errorf("%s %s", answer.Status, text)
	}
}

func TestAnImageWhoseTemplateCannotBeReadIsRefused(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "POST", url+"/images/imports", `{"name":"bad","kind":"netboot","answers":"preseed","template":"{{nothing}}","parts":[{"name":"kernel","url":"http://mirror.example/linux"}]}`)
	if answer.StatusCode != 422 && answer.StatusCode != 400 || !strings.Contains(text, "template line 1") {
		t.Errorf("%s %s", answer.Status, text)
	}
}
