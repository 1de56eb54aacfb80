package api

import (
	"context"
	"encoding/json"

	"rackwright/inventory/schema"
)

// schemas answers descriptions of files. They need no token: editors fetch them.
func (s *server) schemas() {
	o := op("GET", "/schemas/plan", "plan-schema", "JSON Schema of a rack plan, for editors")
	o.Security = []map[string][]string{}
	o.Tags = []string{"plans"}
	route(s, o, func(context.Context, *struct{}) (*body[json.RawMessage], error) {
		text, err := schema.Plan()
		if err != nil {
			return nil, err
		}
		return &body[json.RawMessage]{text}, nil
	})
}
