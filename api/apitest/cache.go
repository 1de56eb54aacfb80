package apitest

import (
	"context"
	"slices"

	"rackwright/fault"
	"rackwright/images"
)

// Caches lists the caches by name.
func (s *Store) Caches(context.Context) ([]images.Cache, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.cache), err
}

// BeatCache keeps what a cache says of itself.
func (s *Store) BeatCache(_ context.Context, c images.Cache, _ string) ([]string, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	unlock, err := s.lock()
	defer unlock()
	c.Seen, c.Alive, c.Want = s.now(), true, []string{}
	for i := range s.cache {
		if s.cache[i].Name == c.Name {
			c.Want = s.cache[i].Want
			s.cache[i] = c
			return c.Want, err
		}
	}
	s.cache = append(s.cache, c)
	return c.Want, err
}

// ForgetCache forgets a cache.
func (s *Store) ForgetCache(_ context.Context, name, _ string) error {
	unlock, err := s.lock()
	defer unlock()
	n := len(s.cache)
	s.cache = slices.DeleteFunc(s.cache, func(c images.Cache) bool { return c.Name == name })
	if err == nil && len(s.cache) == n {
		err = fault.NotFoundf("there is no cache %q", name).WithHint("'rackwright cache list' shows them")
	}
	return err
}
