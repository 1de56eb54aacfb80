package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/store"
)

func imageImports() chapter {
	const lent = 20 * time.Second
	begin := func(t *testing.T, b *bench, state images.ImportState, name string) *images.Import {
		i := &images.Import{Name: name, Kind: images.KindDisk, From: "https://mirror/disk.raw?...", State: state, Actor: "tester",
			Order: images.ImportOrder{Name: name, Kind: images.KindDisk, URL: "https://mirror/disk.raw?key=secret"}}
		ok(t, b.CreateImageImport(b.ctx(), i))
		return i
	}
	return chapter{
		"an import is read back with what was asked, which is nowhere in the clear": func(t *testing.T, b *bench) {
			i := begin(t, b, images.Queued, "debian-12")
			got := must(b.ImageImport(b.ctx(), i.ID))(t)
			same(t, "import", got, i)
			same(t, "in the clear", b.count("SELECT count(*) FROM image_import WHERE order_sealed LIKE '%secret%' OR origin LIKE '%secret%'"), 0)
			list := must(b.ImageImports(b.ctx(), store.Page{}))(t)
			if len(list) != 1 || list[0].Order.URL != "" || list[0].ID != i.ID {
				t.Errorf("listed %+v", list)
			}
			for _, id := range []string{"nothing", strings.Replace(i.ID, i.ID[30:], "000000", 1)} {
				_, err := b.ImageImport(b.ctx(), id)
				refused(t, err, fault.NotFound)
			}
		},
		"each import is in the hands of one server, and of another when that one is silent": func(t *testing.T, b *bench) {
			i := begin(t, b, images.Queued, "debian-12")
			var got [6]*images.Import
			race(6, func(n int) {
				var err error
				if got[n], err = b.ClaimImageImport(b.ctx(), string(rune('a'+n)), lent); err != nil {
					t.Error(err)
				}
			})
			owners := 0
			for n := range got {
				if got[n] != nil {
					owners++
					same(t, "order", got[n].Order, i.Order)
					i.State, i.Done, i.Bytes = images.Fetching, 5, 10
					ok(t, b.NoteImageImport(b.ctx(), i, string(rune('a'+n)), lent))
				}
			}
			same(t, "owners", owners, 1)
			b.clock.Turn(lent + time.Second)
			again := must(b.ClaimImageImport(b.ctx(), "other", lent))(t)
			same(t, "state", again.State, images.Fetching)
			refused(t, b.NoteImageImport(b.ctx(), i, "a", lent), fault.Conflict)
			again.State, again.Digest, again.Fault = images.Done, "sha256:d", "conflict" // it is kept as it comes
			ok(t, b.EndImageImport(b.ctx(), again, "other"))
			refused(t, b.EndImageImport(b.ctx(), again, "other"), fault.Conflict)
			ended := must(b.ImageImport(b.ctx(), i.ID))(t)
			same(t, "order", ended.Order, images.ImportOrder{})
			same(t, "digest", ended.Digest, "sha256:d")
			same(t, "fault", ended.Fault, "conflict")
			if more := must(b.ClaimImageImport(b.ctx(), "a", lent))(t); more != nil {
				t.Errorf("claimed %+v", more)
			}
		},
		"an upload is queued with its last byte, and fails when nothing comes": func(t *testing.T, b *bench) {
			whole, left := begin(t, b, images.Receiving, "whole"), begin(t, b, images.Receiving, "left")
			ok(t, b.NoteUpload(b.ctx(), whole.ID, 5, 10))
			if i := must(b.ClaimImageImport(b.ctx(), "a", lent))(t); i != nil {
				t.Errorf("half an upload was claimed: %+v", i)
			}
			ok(t, b.NoteUpload(b.ctx(), whole.ID, 10, 10))
			refused(t, b.NoteUpload(b.ctx(), whole.ID, 10, 10), fault.Conflict)
			same(t, "claimed", must(b.ClaimImageImport(b.ctx(), "a", lent))(t).ID, whole.ID)
			b.clock.Turn(time.Hour)
			ok(t, b.ExpireImageImports(b.ctx(), b.clock.Now().Add(-time.Minute)))
			same(t, "left", must(b.ImageImport(b.ctx(), left.ID))(t).State, images.Failed)
			b.clock.Turn(30 * 24 * time.Hour)
			ok(t, b.ExpireImageImports(b.ctx(), b.clock.Now().Add(-time.Minute)))
			_, err := b.ImageImport(b.ctx(), left.ID)
			refused(t, err, fault.NotFound)
		},
		"an import that is removed is taken from whoever does it": func(t *testing.T, b *bench) {
			i := begin(t, b, images.Queued, "debian-12")
			must(b.ClaimImageImport(b.ctx(), "a", lent))(t)
			ok(t, b.Together(b.ctx(), false, func(ctx context.Context) error { return b.RemoveImageImport(ctx, i.ID) }))
			must(b.ImageImport(b.ctx(), i.ID))(t) // that was only tried
			ok(t, b.RemoveImageImport(b.ctx(), i.ID))
			refused(t, b.NoteImageImport(b.ctx(), i, "a", lent), fault.Conflict)
			refused(t, b.RemoveImageImport(b.ctx(), i.ID), fault.NotFound)
			refused(t, b.RemoveImageImport(b.ctx(), "nothing"), fault.NotFound)
		},
		"imports without end are refused": func(t *testing.T, b *bench) {
			for range 200 {
				begin(t, b, images.Receiving, "many")
			}
			refused(t, b.CreateImageImport(b.ctx(), &images.Import{Name: "one more", Kind: images.KindDisk, State: images.Receiving}), fault.Conflict)
		},
	}
}
