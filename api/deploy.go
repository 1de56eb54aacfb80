package api

import (
	"context"
	"errors"
	"fmt"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/deploy/answer"
	"rackwright/deploy/seed"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// asked is a deployment as it was asked for, with what it is about.
type asked struct {
	order    deploy.Order
	machine  *inventory.Machine
	image    *images.Image // nil for what is on the disk
	networks []inventory.Network
}

// deployOrder fixes the image by digest, and refuses what could never boot and what a
// template lacks.
func (s *server) deployOrder(ctx context.Context, machine string, in wire.Deploy) (*asked, error) {
	keys, err := sshKeys(in.SSHKeys)
	if err != nil {
		return nil, err
	}
	a := &asked{order: deploy.Order{SSHKeys: keys, UserData: in.UserData, Seed: in.Seed, Answers: in.Answers, Vars: in.Vars, Mirror: in.Mirror,
		Kexec: in.Kexec, Overwrite: in.Overwrite}}
	if a.machine, err = s.Store.Machine(ctx, machine); err != nil {
		return nil, err
	}
	if err := s.asTheAgentSaw(ctx, a.machine); err != nil {
		return nil, err
	}
	if err := s.choose(ctx, a, in); err != nil {
		return nil, err
	}
	if err := a.sensible(); err != nil {
		return nil, err
	}
	if a.networks, err = s.Store.Networks(ctx); err != nil {
		return nil, err
	}
	if err := deploy.Clear(ctx, &deploy.Operation{Kind: deploy.Deploy, Order: a.order}, a.machine, s.Store); err != nil {
		return nil, err
	}
	_, err = a.content(placeholders("http://SERVER"))
	return a, err
}

// asTheAgentSaw gives a machine the agent's facts where there are any: it knows the disks
// better than the BMC does.
func (s *server) asTheAgentSaw(ctx context.Context, m *inventory.Machine) error {
	seen, err := s.Store.Observations(ctx, []string{m.ID})
	for _, f := range seen[m.ID] {
		if f.Source == "agent" {
			m.Facts = &f
		}
	}
	return err
}

// choose finds the image and the method.
func (s *server) choose(ctx context.Context, a *asked, in wire.Deploy) (err error) {
	if in.Local {
		a.order.Method = deploy.ByLocal
		return wrongWith(in.Image != "", "image", "is not for a boot from the disk as it is")
	}
	if err := wrongWith(in.Image == "", "image", "is missing: name an image, or say local"); err != nil {
		return err
	}
	a.image, err = s.Store.Image(ctx, in.Image)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.NotFound {
		missing := fmt.Sprintf("there is no image %q", in.Image)
		return &fault.Error{Kind: fault.Invalid, Message: missing, Hint: "name one of 'rackwright image list'",
			Fields: []fault.Field{{Path: "body.image", Message: missing}}}
	}
	if err == nil {
		err = fits(a.machine, a.image)
	}
	if err != nil {
		return err
	}
	a.order.Image, a.order.Digest, a.order.Method = a.image.Name, a.image.Digest, deploy.MethodOf(a.image)
	if in.Live {
		a.order.Method = deploy.ByLive
		return wrongWith(a.image.Kind != images.KindRootFS, "live", "is of root file systems; a netboot image without answers runs in memory as it is")
	}
	return nil
}

// sensible refuses what means nothing to the method.
func (a *asked) sensible() error {
	o := &a.order
	written := o.Method == deploy.ByDisk || o.Method == deploy.ByRootFS
	for _, c := range []struct {
		wrong     bool
		path, why string
	}{
		{o.Answers != "" && o.Method != deploy.ByInstall, "answers", "are for an installer: a netboot image with answers"},
		{o.Mirror && !written, "mirror", "is for images that the agent writes"},
		{o.Kexec && !written, "kexec", "is for images that the agent writes"},
		{o.Seed != "" && !written && o.Method != deploy.ByLive, "seed", "is for images that the agent writes"},
	} {
		if err := wrongWith(c.wrong, c.path, c.why); err != nil {
			return err
		}
	}
	return nil
}

func wrongWith(wrong bool, path, why string) error {
	if !wrong {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Message: path + " " + why, Hint: "see 'rackwright deploy --help'",
		Fields: []fault.Field{{Path: "body." + path, Message: why}}}
}

// templates refuses an image whose templates no machine could be told by.
func templates(o images.ImportOrder) error {
	return answer.Sheet{Form: answer.Form(o.Answers), Template: o.Template, Args: o.Args}.Check()
}

// content is what a deployment would give to a machine besides its image.
type content struct {
	args  string // of the kernel
	files []wire.PreviewFile
}

// secrets stand for what is made when the operation is.
const secretWord = "SECRET"

func placeholders(base string) answer.URLs {
	return answer.URLs{Answers: base + "/boot/a/" + secretWord, PhoneHome: base + "/phone-home/" + secretWord}
}

// content renders it, and so finds what is wrong with templates before anything boots.
func (a *asked) content(urls answer.URLs) (c content, err error) {
	switch a.order.Method {
	case deploy.ByInstall, deploy.ByNetboot:
		sheet := answer.SheetOf(a.image, a.order)
		if err := sheet.Check(); err != nil {
			return c, err
		}
		d := answer.NewData(answer.Subject{Machine: a.machine, Networks: a.networks, Order: a.order, ID: secretWord, URLs: urls, Parts: answer.PartNames(a.image)})
		if c.args, err = sheet.KernelArgs(d); err != nil {
			return c, err
		}
		files, err := sheet.Answers(d)
		for _, f := range files {
			c.files = append(c.files, wire.PreviewFile{Name: f.Name, Where: urls.Answers + "/" + f.Name, Content: f.Content})
		}
		return c, err
	case deploy.ByMedia, deploy.ByLocal:
		return c, nil
	}
	first, err := seed.New(seed.Subject{ID: secretWord, Order: a.order, Machine: a.machine, Networks: a.networks, PhoneHome: urls.PhoneHome})
	if err != nil {
		return c, err
	}
	for _, f := range first.Files {
		c.files = append(c.files, wire.PreviewFile{Name: f.Name, Where: "file system " + first.Label, Content: f.Content})
	}
	for _, f := range first.Placed {
		c.files = append(c.files, wire.PreviewFile{Name: f.Path, Where: "file system " + f.Label, Content: f.Content})
	}
	return c, nil
}
