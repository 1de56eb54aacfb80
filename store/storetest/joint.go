package storetest

import (
	"context"
	"errors"
	"testing"

	"rackwright/access"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
	"rackwright/webhook"
)

// all is what the tests of Together compare: whatever the calls in it could have changed.
func (b *bench) all() string {
	b.t.Helper()
	inv := must(b.Inventory(b.ctx()))(b.t)
	return toText([]any{inv, must(b.Operations(b.ctx(), store.OperationFilter{}))(b.t), must(b.Images(b.ctx()))(b.t), must(b.FirmwareFiles(b.ctx()))(b.t),
		must(b.Tokens(b.ctx(), true))(b.t), must(b.Webhooks(b.ctx()))(b.t), must(b.Caches(b.ctx()))(b.t), must(b.Leases(b.ctx()))(b.t),
		b.count(`SELECT count(*) FROM event`), b.count(`SELECT count(*) FROM cable_end`), b.count(`SELECT count(*) FROM slot_cell`)})
}

func joints() chapter {
	gone := inventory.Retirement{Reason: "sold"}
	return chapter{
		"what is tried only says what would be, and changes nothing": func(t *testing.T, b *bench) {
			b.apply(cabled(4))
			i, f := debian("debian-12"), biosFile("bios", "2")
			ok(t, b.AddImage(b.ctx(), &i, "ann"))
			ok(t, b.AddFirmware(b.ctx(), &f, "ann"))
			must(b.AddToken(b.ctx(), access.Grant{Name: "ci", Role: access.Viewer}, "rw_ci", "ann"))(t)
			ok(t, b.CreateWebhook(b.ctx(), &webhook.Webhook{Name: "chat", URL: "https://chat.example/hook"}, "whsec_x", "ann"))
			must(b.BeatCache(b.ctx(), images.Cache{Name: "c1", URL: "http://192.0.2.1:8080", Rack: "r1"}, "c1"))(t)
			must(b.Hold(b.ctx(), "n2", "fan", 0, "ann"))(t)
			must(b.lend(mac(900), b.provision(), addr("10.0.0.100")))(t)
			o := must(b.CreateOperation(b.ctx(), deploy.Inspect, "n3", deploy.Order{}, "ann"))(t)
			for what, try := range map[string]func(ctx context.Context) (any, error){
				"hold":    func(ctx context.Context) (any, error) { return b.Hold(ctx, "n1", "fan", 0, "ann") },
				"release": func(ctx context.Context) (any, error) { return b.ReleaseHold(ctx, "n2", "ann", false) },
				"retire":  func(ctx context.Context) (any, error) { return b.Retire(ctx, "n1", gone, "ann") },
				"replace": func(ctx context.Context) (any, error) {
					return b.Replace(ctx, "n1", inventory.Replacement{Part: "machine", Reason: "x"}, "ann")
				},
				"image":    func(ctx context.Context) (any, error) { return b.RemoveImage(ctx, "debian-12", "ann") },
				"firmware": func(ctx context.Context) (any, error) { return b.RemoveFirmware(ctx, "bios", "ann") },
				"cancel":   func(ctx context.Context) (any, error) { return b.CancelOperation(ctx, o.ID, "ann") },
				"token":    func(ctx context.Context) (any, error) { return b.RevokeToken(ctx, "ci") },
				"webhook":  func(ctx context.Context) (any, error) { return nil, b.RemoveWebhook(ctx, "chat", "ann") },
				"cache":    func(ctx context.Context) (any, error) { return nil, b.ForgetCache(ctx, "c1", "ann") },
				"lease":    func(ctx context.Context) (any, error) { return nil, b.EndLease(ctx, "provision", "10.0.0.100", "ann") },
				"work": func(ctx context.Context) (any, error) {
					return b.CreateOperation(ctx, deploy.Inspect, "n1", deploy.Order{}, "ann")
				},
			} {
				was := b.all()
				ok(t, b.Together(b.ctx(), false, func(ctx context.Context) error { _, err := try(ctx); return err }))
				same(t, what, b.all(), was)
			}
			must(b.TokenOf(b.ctx(), "rw_ci"))(t)
		},
		"a part that fails changes nothing and those beside it are kept": func(t *testing.T, b *bench) {
			b.apply(planOf(3))
			b.deployment("n2")
			var refusal error
			ok(t, b.Together(b.ctx(), true, func(ctx context.Context) error {
				must(b.Retire(ctx, "n1", gone, "ann"))(t)
				_, refusal = b.Retire(ctx, "n2", gone, "ann")
				must(b.Hold(ctx, "n3", "fan", 0, "ann"))(t)
				return nil
			}))
			refused(t, refusal, fault.Conflict)
			_, err := b.Machine(b.ctx(), "n1")
			refused(t, err, fault.NotFound)
			same(t, "n2 and n3", words(b.machine("n2").Phase, b.machine("n3").Phase), "planned maintenance")
		},
		"of what is one nothing is done when one part ends it": func(t *testing.T, b *bench) {
			b.apply(planOf(3))
			b.deployment("n2")
			was := b.all()
			err := b.Together(b.ctx(), true, func(ctx context.Context) error {
				must(b.Retire(ctx, "n1", gone, "ann"))(t)
				_, err := b.Retire(ctx, "n2", gone, "ann")
				return err
			})
			refused(t, err, fault.Conflict)
			same(t, "all", b.all(), was)
		},
		"two who change the same machines in another order both come to an end": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			var errs [4]error
			race(len(errs), func(i int) {
				order := []string{"n1", "n2"}
				if i%2 == 1 {
					order = []string{"n2", "n1"}
				}
				errs[i] = b.Together(context.WithoutCancel(b.ctx()), true, func(ctx context.Context) error {
					for _, name := range order {
						if _, err := b.Hold(ctx, name, "fan", 0, "ann"); err != nil {
							return err
						}
					}
					return nil
				})
			})
			ok(t, errors.Join(errs[:]...))
			same(t, "phase", b.machine("n2").Phase, inventory.Maintenance)
		},
	}
}
