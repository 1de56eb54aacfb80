package storetest

import (
	"testing"

	"rackwright/deploy"
	"rackwright/fault"
)

func imageRecords() chapter {
	return chapter{
		"an image is read back with every field, by name and by id": func(t *testing.T, b *bench) {
			i := debian("debian-12")
			ok(t, b.AddImage(b.ctx(), &i, "tester"))
			if i.ID == "" || !i.CreatedAt.Equal(b.clock.Now()) {
				t.Errorf("recorded as %+v", i)
			}
			same(t, "by name", *must(b.Image(b.ctx(), "debian-12"))(t), i)
			same(t, "by id", *must(b.Image(b.ctx(), i.ID))(t), i)
			_, err := b.Image(b.ctx(), "nothing")
			refused(t, err, fault.NotFound)
		},
		"the same image added again is the one that is there; another under its name is refused": func(t *testing.T, b *bench) {
			first, again, other := debian("debian-12"), debian("debian-12"), debian("debian-12")
			other.Digest = "sha256:other"
			ok(t, b.AddImage(b.ctx(), &first, "tester"))
			ok(t, b.AddImage(b.ctx(), &again, "tester"))
			same(t, "again", again, first)
			refused(t, b.AddImage(b.ctx(), &other, "tester"), fault.Conflict)
			same(t, "images", len(must(b.Images(b.ctx()))(t)), 1)
			same(t, "events", b.count("SELECT count(*) FROM event"), 1)
		},
		"racing additions of one name are one image": func(t *testing.T, b *bench) {
			race(6, func(i int) {
				img := debian("debian-12")
				if err := b.AddImage(b.ctx(), &img, "tester"); err != nil {
					t.Error(err)
				}
			})
			same(t, "images", len(must(b.Images(b.ctx()))(t)), 1)
		},
		"an image is not removed while it is being deployed": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			o := b.deployment("n1")
			_, err := b.RemoveImage(b.ctx(), "debian-12", "tester")
			refused(t, err, fault.Conflict)
			must(b.CancelOperation(b.ctx(), o.ID, "tester"))(t)
			gone := must(b.RemoveImage(b.ctx(), "debian-12", "tester"))(t)
			same(t, "gone", gone.Name, "debian-12")
			same(t, "digest used", must(b.DigestUsed(b.ctx(), gone.Digest))(t), false)
			_, err = b.RemoveImage(b.ctx(), "debian-12", "tester")
			refused(t, err, fault.NotFound)
		},
		"a removal and a deployment that race never both win": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			order := b.image("debian-12")
			var removed, deployed error
			race(2, func(i int) {
				if i == 0 {
					_, removed = b.RemoveImage(b.ctx(), "debian-12", "tester")
				} else {
					_, deployed = b.CreateOperation(b.ctx(), deploy.Deploy, "n1", order, "tester")
				}
			})
			if (removed == nil) == (deployed == nil) {
				t.Errorf("removal: %v; deployment: %v", removed, deployed)
			}
		},
	}
}
