package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory/schema"
	"rackwright/journal"
)

// Document returns the OpenAPI 3.1 description of the interface, as it is checked in as
// openapi.json.
func Document() ([]byte, error) {
	_, api := build(Options{})
	text, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fault.Internalf("describe the interface: %w", err)
	}
	return append(text, '\n'), nil
}

// schema is a reference to the schema of v's type.
func (s *server) schema(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return s.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// schemaName is the name of a type in the document.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name := schema.Name(t); name != t.Name() {
		return name
	}
	switch t { // beside nouns of these names
	case reflect.TypeFor[images.Part]():
		return "ImagePart"
	case reflect.TypeFor[journal.Place]():
		return "EventPlace"
	case reflect.TypeFor[images.Import](), reflect.TypeFor[images.ImportOrder](), reflect.TypeFor[images.Damage](), reflect.TypeFor[images.Health](), reflect.TypeFor[images.Collected]():
		return "Image" + t.Name()
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// jsonResponse describes an answer of type T.
func jsonResponse[T any](s *server, description string) *huma.Response {
	var zero T
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: s.schema(zero)}}}
}

// describe adds what every route has: what it needs, the token, and problems for errors.
func (s *server) describe(o *huma.Operation) {
	s.governed(o)
	if o.Security == nil {
		o.Security = []map[string][]string{{"token": {}}}
	}
	if o.Responses == nil {
		o.Responses = map[string]*huma.Response{}
	}
	o.Responses["default"] = &huma.Response{Description: "Any error (RFC 9457)",
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: s.schema(wire.Problem{})}}}
	s.courteous(o)
}

// describeUpload describes the one route that huma does not serve, because huma reads
// bodies into memory.
func (s *server) describeUpload() {
	o := op(http.MethodPost, "/images", "add-image", "Add an image: raw, qcow2, or either in gzip, xz or zstd")
	o.Tags = []string{"images"}
	s.describe(&o)
	o.Responses["201"] = jsonResponse[images.Image](s, "The image, ready to deploy")
	text := &huma.Schema{Type: huma.TypeString}
	o.Parameters = []*huma.Param{
		{Name: "name", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(63)}, Description: "Unique name"},
		{Name: "sha256", In: "query", Schema: text, Description: "SHA-256 of the body in hexadecimal; the upload is refused when it is another"},
		{Name: "kind", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"disk", "rootfs", "iso"}}, Description: "What the file is; disk when it is missing"},
		{Name: "arch", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"amd64", "arm64"}}, Description: "Of what does not tell it"},
	}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	s.huma.OpenAPI().AddOperation(&o)
}

// finishDocument sets what concerns the whole.
func (s *server) finishDocument() {
	doc := s.huma.OpenAPI()
	doc.Info.Description = "Bare-metal provisioning: racks, machines, images, and the operations on them. " +
		"Paths take ids or unique names. Unknown parameters and properties are refused; unknown properties of answers must be ignored."
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer",
		Description: "The role of a token must have the right that stands at a route as x-right, and its scope must hold what x-reach says"}}
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own shape of errors, replaced by Problem
	delete(schemas, "ErrorDetail")
	if order := schemas["Order"]; order != nil {
		delete(order.Properties, "user_data") // never given out
	}
	asked := s.asked()
	for name, schema := range schemas {
		if !asked[name] {
			schema.AdditionalProperties = nil // answers may gain properties later
		}
	}
}

// asked are the names of the schemas that a request body is made of. What they do not
// know is refused: a misspelt property would be silently left out else.
func (s *server) asked() map[string]bool {
	found := map[string]bool{}
	for _, item := range s.huma.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Post, item.Put, item.Patch, item.Delete} {
			if o == nil || o.RequestBody == nil {
				continue
			}
			for _, media := range o.RequestBody.Content {
				s.gather(media.Schema, found)
			}
		}
	}
	return found
}

// gather follows a schema's references.
func (s *server) gather(schema *huma.Schema, found map[string]bool) {
	if schema == nil {
		return
	}
	if schema.Ref != "" {
		name := schema.Ref[strings.LastIndexByte(schema.Ref, '/')+1:]
		if !found[name] {
			found[name] = true
			s.gather(s.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref), found)
		}
		return
	}
	for _, p := range schema.Properties {
		s.gather(p, found)
	}
	s.gather(schema.Items, found)
	if of, ok := schema.AdditionalProperties.(*huma.Schema); ok {
		s.gather(of, found)
	}
}
