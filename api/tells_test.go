package api

import (
	"slices"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// TestEveryAnswerWithASecretIsKnown holds the list of once.go to the description.
func TestEveryAnswerWithASecretIsKnown(t *testing.T) {
	_, h := build(Options{})
	schemas, tell := h.OpenAPI().Components.Schemas, []string{}
	tells := func(r *huma.Response) bool {
		m := r.Content["application/json"]
		if m == nil || m.Schema == nil {
			return false
		}
		of := m.Schema
		if of.Ref != "" {
			of = schemas.SchemaFromRef(of.Ref)
		}
		return of.Properties["secret"] != nil || of.Properties["code"] != nil && of.Properties["expires_at"] != nil
	}
	for _, item := range h.OpenAPI().Paths {
		if item.Post == nil {
			continue
		}
		for status, r := range item.Post.Responses {
			if id := item.Post.OperationID; status[0] == '2' && tells(r) && !slices.Contains(tell, id) {
				tell = append(tell, id)
				if !tellsOnce(id) {
					t.Errorf("%s tells a secret, and it would be kept for a day", id)
				}
			}
		}
	}
	if len(tell) != 7 {
		t.Errorf("%v tell secrets: the list has 7", tell)
	}
}
