package apitest

import (
	"context"
	"slices"

	"rackwright/access"
	"rackwright/fault"
)

type rackCode struct {
	access.RackCode
	code string
}

func unknownHere(what string) error {
	return &fault.Error{Kind: fault.Denied, Message: what, Hint: "log in again", Err: access.ErrUnknown}
}

// TokenOfCertificate knows the tokens that were given for a name.
func (s *Store) TokenOfCertificate(_ context.Context, names []string) (access.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.everyToken() {
		if g.Certificate != "" && g.Revoked.IsZero() && slices.Contains(names, g.Certificate) {
			return g.Token, g.Good(s.now())
		}
	}
	return access.Token{}, unknownHere("the client certificate is not known here")
}

// OpenSession opens one session for what is shown.
func (s *Store) OpenSession(_ context.Context, o access.Opening, secret string) (*access.Token, error) {
	unlock, err := s.lock()
	defer unlock()
	if err == nil && s.shown[o.Once] {
		err = unknownHere("this was shown before")
	}
	if err != nil {
		return nil, err
	}
	if s.shown == nil {
		s.shown = map[string]bool{}
	}
	s.shown[o.Once] = true
	return s.openSession(o, o.Name, secret), nil
}

func (s *Store) openSession(o access.Opening, by, secret string) *access.Token {
	t := access.Token{ID: s.id("token"), Name: o.Name, Role: o.Role, Scope: o.Scope, Created: s.now(), By: by, Expires: o.Expires, Door: o.Door, Owner: o.Owner, Subject: o.Subject}
	s.tokens = append(s.tokens, given{t, secret})
	return &t
}

// AddRackCode keeps a code.
func (s *Store) AddRackCode(ctx context.Context, c access.RackCode, code string) (*access.RackCode, error) {
	if _, err := s.Rack(ctx, c.Rack); err != nil {
		return nil, err
	}
	unlock, err := s.lock()
	defer unlock()
	c.ID, c.Created = s.id("code"), s.now()
	s.codes = append(s.codes, rackCode{c, code})
	return &c, err
}

// EndRackCodes drops those of a rack.
func (s *Store) EndRackCodes(_ context.Context, rack string) (int, error) {
	unlock, err := s.lock()
	defer unlock()
	before := len(s.codes)
	s.codes = slices.DeleteFunc(s.codes, func(c rackCode) bool { return c.Rack == rack })
	return before - len(s.codes), err
}

// RackCodeOf finds one.
func (s *Store) RackCodeOf(_ context.Context, code string) (*access.RackCode, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	for _, c := range s.codes {
		if c.code == code && s.now().Before(c.Expires) {
			return &c.RackCode, nil
		}
	}
	return nil, unknownHere("the code is good no more, or never was")
}

// OpenRackSession uses one up.
func (s *Store) OpenRackSession(_ context.Context, c access.RackCode, o access.Opening, secret string) (*access.Token, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	before := len(s.codes)
	if s.codes = slices.DeleteFunc(s.codes, func(k rackCode) bool { return k.ID == c.ID }); len(s.codes) == before {
		return nil, unknownHere("the code is good no more, or never was")
	}
	return s.openSession(o, c.By, secret), nil
}
