package deploy

import (
	"encoding/json"
	"time"
)

// MarshalJSON writes the limit in seconds, as all times of messages are; a part of one
// counts as one.
func (s Step) MarshalJSON() ([]byte, error) {
	type plain Step
	s.Limit = (s.Limit + time.Second - 1) / time.Second
	return json.Marshal(plain(s))
}

// UnmarshalJSON reads what MarshalJSON writes, and steps that were kept with the limit in
// nanoseconds.
func (s *Step) UnmarshalJSON(text []byte) error {
	type plain Step
	var kept struct {
		plain
		Nanoseconds time.Duration `json:"limit_ns"`
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	*s = Step(kept.plain)
	if s.Limit *= time.Second; s.Limit == 0 {
		s.Limit = kept.Nanoseconds
	}
	return nil
}
