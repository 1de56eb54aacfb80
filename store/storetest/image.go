package storetest

import (
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
)

func imageRecords() chapter {
	return chapter{
		"an image is read back with every field, by name and by id": func(t *testing.T, b *bench) {
			i := debian("debian-12")
			ok(t, b.AddImage(b.ctx(), &i, "tester"))
			same(t, "kind", i.Kind, images.KindDisk)
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
		"an image of parts is read back with its template by name and without it in a list": func(t *testing.T, b *bench) {
			i := debian("installer")
			i.Kind, i.Args, i.Answers, i.Template, i.Signed = images.KindNetboot, "auto=true", "preseed", "d-i {{ .Name }}", "minisign:01"
			i.Parts = []images.Part{{Name: "kernel", Digest: "sha256:k", Bytes: 5}, {Name: "initrd", Digest: "sha256:i", Bytes: 6}}
			ok(t, b.AddImage(b.ctx(), &i, "tester"))
			same(t, "by name", *must(b.Image(b.ctx(), "installer"))(t), i)
			for digest, used := range map[string]bool{"sha256:k": true, "sha256:i": true, i.Digest: true, "sha256:x": false} {
				same(t, digest, must(b.DigestUsed(b.ctx(), digest))(t), used)
			}
			listed := i
			listed.Template = ""
			same(t, "in a list", must(b.Images(b.ctx()))(t), []images.Image{listed})
			must(b.RemoveImage(b.ctx(), "installer", "tester"))(t)
			same(t, "part used", must(b.DigestUsed(b.ctx(), "sha256:k"))(t), false)
			same(t, "parts", b.count("SELECT count(*) FROM image_part"), 0)
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
			same(t, "digest listed", must(b.DigestListed(b.ctx(), gone.Digest))(t), false)
			_, err = b.RemoveImage(b.ctx(), "debian-12", "tester")
			refused(t, err, fault.NotFound)
		},
		"one of two names of a digest may go while it is deployed; the other is refused with the operation's id": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			o := b.deployment("n1")
			second := debian("debian-12")
			second.Name = "debian-stable"
			ok(t, b.AddImage(b.ctx(), &second, "tester"))
			must(b.RemoveImage(b.ctx(), "debian-stable", "tester"))(t)
			_, err := b.RemoveImage(b.ctx(), "debian-12", "tester")
			refused(t, err, fault.Conflict)
			if !strings.Contains(err.Error(), o.ID) || !strings.Contains(err.Error(), "n1") || !strings.Contains(fault.HintOf(err), "parked") {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
			ok(t, b.AddImage(b.ctx(), &second, "tester"))
			must(b.RemoveImage(b.ctx(), "debian-12", "tester"))(t)
			_, err = b.RemoveImage(b.ctx(), "debian-stable", "tester")
			refused(t, err, fault.Conflict)
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
