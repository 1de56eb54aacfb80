package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
)

func TestTheSchemaOfAPlanIsThereForEditors(t *testing.T) {
	answer, err := http.Get(apitest.Serve(t, api.Options{Store: apitest.New()}) + "/api/v1/schemas/plan")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var doc struct {
		Schema     string         `json:"$schema"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&doc); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status, err)
	}
	if doc.Schema != "https://json-schema.org/draft/2020-12/schema" || doc.Properties["racks"] == nil {
		t.Errorf("got %+v", doc)
	}
}
