package deploy_test

import (
	"encoding/json"
	"testing"
	"time"

	"rackwright/deploy"
)

func TestAStepsLimitIsToldInSeconds(t *testing.T) {
	text, err := json.Marshal(deploy.Step{Name: "power", State: deploy.StepTodo, Budget: 3, Limit: 90 * time.Second})
	if want := `{"name":"power","title":"","state":"todo","budget":3,"limit_seconds":90}`; err != nil || string(text) != want {
		t.Errorf("%s %v", text, err)
	}
	for text, want := range map[string]time.Duration{string(text): 90 * time.Second, `{"limit_ns":600000000000}`: 10 * time.Minute, `{}`: 0} {
		var s deploy.Step
		if err := json.Unmarshal([]byte(text), &s); err != nil || s.Limit != want {
			t.Errorf("%s: %s %v", text, s.Limit, err)
		}
	}
}
