package answer

import (
	"cmp"

	"rackwright/deploy"
	"rackwright/images"
)

// SheetOf is what an image and an order say together: the order's template goes before
// the image's, and that before the built-in one.
func SheetOf(img *images.Image, o deploy.Order) Sheet {
	return Sheet{Form: cmp.Or(Form(img.Answers), None), Template: cmp.Or(o.Answers, img.Template), Args: img.Args}
}

// PartNames are the names of an image's parts.
func PartNames(img *images.Image) []string {
	var out []string
	for _, p := range img.Parts {
		out = append(out, p.Name)
	}
	return out
}
