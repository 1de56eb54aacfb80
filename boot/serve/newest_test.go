package serve

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/inventory"
)

func TestAMachineIsNotSentToItsDiskByAViewThatIsOld(t *testing.T) {
	w := newWorld(t, nil)
	const path = "/boot/script?mac=" + idleMAC + "&platform=efi"
	if _, body, _ := w.do(http.MethodGet, path); strings.Contains(body, "rackwright.nonce=") {
		t.Errorf("without an operation it is told %s", body)
	}
	w.server.Newest = func(context.Context) *boot.View {
		return boot.NewView(2, nil, []*boot.Host{{Machine: "m1", Name: "idle", MAC: mac(idleMAC), Firmware: inventory.UEFI, Intent: boot.RunAgent, Operation: "op9"}})
	}
	if _, body, _ := w.do(http.MethodGet, path); !strings.Contains(body, "rackwright.nonce=") {
		t.Errorf("with an operation of a moment ago it is told %s", body)
	}
}
