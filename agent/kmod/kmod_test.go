package kmod

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

func put(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADevicesModuleIsLoadedAfterWhatItNeedsAndOnce(t *testing.T) {
	root := t.TempDir()
	put(t, root, "lib/modules/6/modules.alias", "alias virtio:d00000001v* virtio_net\nalias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n")
	put(t, root, "lib/modules/6/modules.dep", "k/virtio_net.ko: k/net_failover.ko k/failover.ko\nk/net_failover.ko: k/failover.ko\nk/failover.ko:\nk/virtio_pci.ko:\n")
	put(t, root, "sys/bus/pci/devices/0000:00:03.0/modalias", "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00\n")
	put(t, root, "sys/bus/pci/devices/0000:00:04.0/modalias", "pci:v00008086d00001000sv0sd0bc02sc00i00\n")
	var got []string
	l := Open(root, "6", func(file string) error {
		got = append(got, filepath.Base(file))
		if filepath.Base(file) == "virtio_pci.ko" { // its devices appear
			put(t, root, "sys/bus/virtio/devices/virtio0/modalias", "virtio:d00000001v00001AF4\n")
		}
		if filepath.Base(file) == "failover.ko" {
			return unix.EEXIST
		}
		return nil
	}, slog.New(slog.DiscardHandler))
	for l.Scan() > 0 {
	}
	l.Load("virtio_net")
	l.Load("not_in_this_ramdisk")
	if want := []string{"virtio_pci.ko", "failover.ko", "net_failover.ko", "virtio_net.ko"}; !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %v, want %v", got, want)
	}
}

func TestARamdiskWithoutModulesLoadsNone(t *testing.T) {
	l := Open(t.TempDir(), "6", func(string) error { t.Error("loaded"); return nil }, slog.New(slog.DiscardHandler))
	if l.Scan() != 0 {
		t.Error("saw devices")
	}
}
