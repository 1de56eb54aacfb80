package serve

import (
	"context"
	"os"

	"rackwright/boot"
	"rackwright/deploy"
	answers "rackwright/deploy/answer"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
)

// System implements boot/serve.Systems.
func (s *Server) System(ctx context.Context, h *boot.Host, base string) (*boot.System, bool, error) {
	op, err := s.Store.Operation(ctx, h.Operation)
	if err != nil || op.Kind != deploy.Deploy || !op.Order.Method.Loads() {
		return nil, false, err
	}
	if fed, err := s.fed(ctx, op); err != nil || fed {
		return nil, fed, err
	}
	img, _, d, err := s.data(ctx, op, base)
	if err != nil {
		return nil, false, err
	}
	args, err := answers.SheetOf(img, op.Order).KernelArgs(d)
	if err != nil {
		return nil, false, s.troubled(ctx, op, err)
	}
	out := boot.SystemOf(img)
	out.Args = args
	return &out, false, nil
}

// fed reports whether the installer had its answers since the machine was started for
// this turn of the operation: it is not started again then.
func (s *Server) fed(ctx context.Context, op *deploy.Operation) (bool, error) {
	if op.Order.Method != deploy.ByInstall {
		return false, nil
	}
	seen, err := s.Store.EvidenceOf(ctx, op.ID)
	if err != nil {
		return false, err
	}
	for _, kind := range []string{store.SawAnswers, store.SawInstalled} {
		if at := seen[kind].At; !at.IsZero() && !at.Before(op.Since()) {
			return true, nil
		}
	}
	return false, nil
}

// Part implements boot/serve.Systems.
func (s *Server) Part(ctx context.Context, operation, name string) (*os.File, error) {
	op, err := s.Store.Operation(ctx, operation)
	if err != nil {
		return nil, err
	}
	return s.partOf(ctx, op, name)
}

func (s *Server) partOf(ctx context.Context, op *deploy.Operation, name string) (*os.File, error) {
	img, err := s.imageOf(ctx, op)
	if err != nil {
		return nil, err
	}
	for _, p := range img.Parts {
		if p.Name == name {
			return s.Bytes.OpenFile(p.Digest)
		}
	}
	return nil, fault.NotFoundf("image %s has no such part", img.Name)
}

// Sent implements boot/serve.Systems: once the last file of a live system went out, it is
// loaded.
func (s *Server) Sent(ctx context.Context, operation, name string) error {
	op, err := s.Store.Operation(ctx, operation)
	if err != nil || op.Order.Method != deploy.ByNetboot {
		return err
	}
	img, err := s.imageOf(ctx, op)
	if err != nil {
		return err
	}
	files := boot.SystemOf(img).Files()
	if name != files[len(files)-1] {
		return nil
	}
	return s.Store.AddEvidence(ctx, op.ID, store.SawLoaded, map[string]any{"part": name})
}

// imageOf is the image of an operation, as it was when the operation was made.
func (s *Server) imageOf(ctx context.Context, op *deploy.Operation) (*images.Image, error) {
	img, err := s.Store.Image(ctx, op.Order.Image)
	if err != nil {
		return nil, err
	}
	if img.Digest != op.Order.Digest {
		return nil, fault.Conflictf("image %s is another than the operation was made for", img.Name).WithHint("cancel the operation and deploy again")
	}
	return img, nil
}

// data are the values of an operation's templates. The machine is as its agent saw it
// last, where one did.
func (s *Server) data(ctx context.Context, op *deploy.Operation, base string) (*images.Image, *inventory.Machine, answers.Data, error) {
	var d answers.Data
	img, err := s.imageOf(ctx, op)
	if err != nil {
		return nil, nil, d, err
	}
	m, err := s.Store.Machine(ctx, op.Machine)
	if err != nil {
		return nil, nil, d, err
	}
	seen, err := s.seenBy(ctx, m)
	if err != nil {
		return nil, nil, d, err
	}
	if len(seen.Disks) > 0 {
		m.Facts = &seen
	}
	networks, err := s.Store.Networks(ctx)
	if err != nil {
		return nil, nil, d, err
	}
	return img, m, answers.NewData(answers.Subject{Machine: m, Networks: networks, Order: op.Order, ID: op.ID, Parts: answers.PartNames(img),
		URLs: answers.URLs{Answers: base + answerPrefix + s.answerToken(op.ID), PhoneHome: base + "/phone-home/" + s.phoneToken(op.ID)}}), nil
}
