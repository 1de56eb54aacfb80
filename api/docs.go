package api

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
)

//go:embed docs.html
var docsPage string

// docs registers the description as a page to read. It is one file: no script, nothing from
// elsewhere.
func (s *server) docs() {
	o := op("GET", "/docs", "docs", "This description, as a page to read")
	o.Security = []map[string][]string{}
	o.Tags = []string{"server"}
	o.Responses = map[string]*huma.Response{"200": {Description: "HTML", Content: map[string]*huma.MediaType{"text/html": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	page := sync.OnceValues(s.page)
	route(s, o, func(context.Context, *struct{}) (*drawing, error) {
		text, err := page()
		return drawn("text/html; charset=utf-8", text, err)
	})
}

// chapter is the routes of a tag.
type chapter struct {
	Tag    string
	Routes []routeText
}

// routeText is a route in words.
type routeText struct {
	ID, Method, Path, Summary, Right, Reach string
	Old                                     bool
	Params                                  []paramText
	Body                                    []paramText
	Answers                                 []answerText
	Example                                 string
}

type paramText struct{ Name, In, Kind, Doc string }

type answerText struct{ Status, Doc string }

// page writes the description out.
func (s *server) page() ([]byte, error) {
	t, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, err
	}
	doc := s.huma.OpenAPI()
	chapters := map[string]*chapter{}
	for path, item := range doc.Paths {
		for method, o := range map[string]*huma.Operation{"GET": item.Get, "HEAD": item.Head, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if o == nil {
				continue
			}
			tag := "other"
			if len(o.Tags) > 0 {
				tag = o.Tags[0]
			}
			if chapters[tag] == nil {
				chapters[tag] = &chapter{Tag: tag}
			}
			chapters[tag].Routes = append(chapters[tag].Routes, s.routeText(method, path, o))
		}
	}
	list := make([]*chapter, 0, len(chapters))
	for _, c := range chapters {
		slices.SortFunc(c.Routes, func(a, b routeText) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chapter) int { return strings.Compare(a.Tag, b.Tag) })
	var problems []map[string]any
	for _, p := range shapes() {
		problems = append(problems, map[string]any{"Status": p.status, "Code": p.code, "Title": p.title, "Hint": p.hint})
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"Title": doc.Info.Title, "About": doc.Info.Description, "Prefix": wire.Prefix, "Chapters": list, "Problems": problems})
	return out.Bytes(), err
}

func (s *server) routeText(method, path string, o *huma.Operation) routeText {
	r := routeText{ID: o.OperationID, Method: method, Path: path, Summary: o.Summary, Old: o.Deprecated}
	r.Right, _ = o.Extensions["x-right"].(string)
	r.Reach, _ = o.Extensions["x-reach"].(string)
	for _, p := range o.Parameters {
		r.Params = append(r.Params, paramText{p.Name, p.In, kindText(p.Schema), p.Description})
	}
	body := s.bodySchema(o)
	if body != nil {
		for name, p := range body.Properties {
			kind := kindText(p)
			if slices.Contains(body.Required, name) {
				kind += ", required"
			}
			r.Body = append(r.Body, paramText{name, "body", kind, p.Description})
		}
		slices.SortFunc(r.Body, func(a, b paramText) int { return strings.Compare(a.Name, b.Name) })
	}
	for status, a := range o.Responses {
		r.Answers = append(r.Answers, answerText{status, a.Description})
	}
	slices.SortFunc(r.Answers, func(a, b answerText) int { return strings.Compare(a.Status, b.Status) })
	r.Example = s.example(method, path, o, body)
	return r
}

func (s *server) bodySchema(o *huma.Operation) *huma.Schema {
	if o.RequestBody == nil || o.RequestBody.Content["application/json"] == nil {
		return nil
	}
	return s.resolve(o.RequestBody.Content["application/json"].Schema)
}

func kindText(p *huma.Schema) string {
	switch {
	case p == nil:
		return ""
	case len(p.Enum) > 0:
		words := make([]string, len(p.Enum))
		for i, e := range p.Enum {
			words[i] = fmt.Sprint(e)
		}
		return strings.Join(words, " | ")
	case p.Ref != "":
		return p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]
	case p.Items != nil:
		return "list of " + kindText(p.Items)
	}
	return p.Type
}

// example is a call with curl, as it is typed.
func (s *server) example(method, path string, o *huma.Operation, body *huma.Schema) string {
	path = strings.NewReplacer("{machine}", "n1", "{rack}", "r1", "{image}", "debian-13", "{u}", "12", "{step}", "mount", "{id}", "ID", "{", "", "}", "").Replace(path)
	var b strings.Builder
	b.WriteString("curl")
	if len(o.Security) > 0 {
		b.WriteString(` -H "Authorization: Bearer $TOKEN"`)
	}
	switch method {
	case "GET":
	case "HEAD":
		b.WriteString(" -I")
	default:
		b.WriteString(" -X " + method)
	}
	if method == "POST" {
		b.WriteString(` -H "Idempotency-Key: $(uuidgen)"`)
	}
	if (method == "PUT" || method == "PATCH" || method == "DELETE") && s.hasReader(path) {
		b.WriteString(" -H 'If-Match: *'")
	}
	b.WriteString(` "$SERVER` + path)
	var query []string
	for _, p := range o.Parameters {
		if p.In == "query" && p.Required {
			query = append(query, p.Name+"="+strings.ToUpper(p.Name))
		}
	}
	if len(query) > 0 {
		b.WriteString("?" + strings.Join(query, "&"))
	}
	b.WriteString(`"`)
	if body != nil {
		text, _ := json.Marshal(s.sample(body, 0))
		b.WriteString(" \\\n  -H 'Content-Type: application/json' -d '" + string(text) + "'")
	}
	return b.String()
}

// sample is the least that a schema takes.
func (s *server) sample(schema *huma.Schema, depth int) any {
	if schema == nil || depth > deepestName {
		return nil
	}
	if schema.Ref != "" {
		return s.sample(s.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref), depth+1)
	}
	if len(schema.Enum) > 0 {
		return schema.Enum[0]
	}
	switch schema.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for _, name := range schema.Required {
			out[name] = s.sample(schema.Properties[name], depth+1)
		}
		return out
	case huma.TypeArray:
		return []any{s.sample(schema.Items, depth+1)}
	case huma.TypeInteger, huma.TypeNumber:
		if schema.Minimum != nil {
			return *schema.Minimum
		}
		return 1
	case huma.TypeBoolean:
		return true
	}
	return "..."
}
