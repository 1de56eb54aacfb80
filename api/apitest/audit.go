package apitest

import (
	"context"
	"slices"

	"rackwright/audit"
	"rackwright/fault"
	"rackwright/store"
)

// record is the audit of a Store.
type record struct {
	entries []audit.Record
	waits   []audit.Approval
	sealed  map[string][]byte
	weight  map[string]int // of callers, by name
}

func (r *record) head() audit.Head {
	if n := len(r.entries); n > 0 {
		return audit.Head{Seq: r.entries[n-1].Seq, Hash: r.entries[n-1].Hash}
	}
	return audit.Start()
}

// AppendAudit puts an entry behind the chain.
func (s *Store) AppendAudit(_ context.Context, e audit.Record) (audit.Record, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return e, err
	}
	if e.At.IsZero() {
		e.At = s.now()
	}
	e, _, err = s.record.head().Follow(e)
	if err == nil {
		s.record.entries = append(s.record.entries, e)
	}
	return e, err
}

// AppendAudits puts some behind it.
func (s *Store) AppendAudits(ctx context.Context, all []audit.Record) error {
	for _, e := range all {
		if _, err := s.AppendAudit(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// AuditHead is where the chain ends.
func (s *Store) AuditHead(context.Context) (audit.Head, error) {
	unlock, err := s.lock()
	defer unlock()
	return s.record.head(), err
}

// Audit lists entries.
func (s *Store) Audit(_ context.Context, f store.AuditFilter) ([]audit.Record, error) {
	unlock, err := s.lock()
	defer unlock()
	answered := map[int64]bool{}
	for _, e := range s.record.entries {
		answered[e.Asks] = true
	}
	out := slices.DeleteFunc(slices.Clone(s.record.entries), func(e audit.Record) bool {
		return e.Seq <= f.After || f.Below > 0 && e.Seq >= f.Below || f.Actor != "" && e.Actor != f.Actor || f.Route != "" && e.Route != f.Route || f.Request != "" && e.Request != f.Request ||
			f.Target != "" && e.Target != f.Target && e.TargetID != f.Target || !f.Since.IsZero() && e.At.Before(f.Since) || !f.Until.IsZero() && !e.At.Before(f.Until) ||
			f.Open && (e.Stage != audit.Asked || answered[e.Seq])
	})
	if f.Newest {
		slices.Reverse(out)
	}
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, err
}

// Tamper changes an entry as no program may.
func (s *Store) Tamper(seq int64, change func(*audit.Record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.record.entries {
		if s.record.entries[i].Seq == seq {
			change(&s.record.entries[i])
		}
	}
}

// Weigh counts a destructive request; the hour never ends here.
func (s *Store) Weigh(_ context.Context, a audit.Approval, over int, request []byte) (*audit.Approval, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	if s.record.weight == nil {
		s.record.weight, s.record.sealed = map[string]int{}, map[string][]byte{}
	}
	if s.record.weight[a.Actor]+a.Machines <= over {
		s.record.weight[a.Actor] += a.Machines
		return nil, nil
	}
	a.ID, a.State, a.Asked, a.Expires = s.id("approval"), audit.Waiting, s.now(), s.now().Add(audit.ApprovalTime)
	s.record.waits = append([]audit.Approval{a}, s.record.waits...)
	s.record.sealed[a.ID] = request
	return &a, nil
}

// Approvals are newest first.
func (s *Store) Approvals(_ context.Context, f store.ApprovalFilter) ([]audit.Approval, error) {
	unlock, err := s.lock()
	defer unlock()
	list := slices.DeleteFunc(slices.Clone(s.record.waits), func(a audit.Approval) bool { return f.Waiting && a.State != audit.Waiting })
	return page(list, f.Page, true, func(a audit.Approval) []string { return since(a.Asked, a.ID) }), err
}

// Approval returns one.
func (s *Store) Approval(_ context.Context, id string) (*audit.Approval, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	a, err := s.approval(id)
	if err != nil {
		return nil, err
	}
	one := *a
	return &one, nil
}

func (s *Store) approval(id string) (*audit.Approval, error) {
	for i := range s.record.waits {
		if s.record.waits[i].ID == id {
			return &s.record.waits[i], nil
		}
	}
	return nil, fault.NotFoundf("there is no approval %q", id).WithHint("'rackwright approval list' shows them")
}

// DecideApproval approves or refuses.
func (s *Store) DecideApproval(_ context.Context, id string, who audit.Person, reason string, approve bool) (*audit.Approval, []byte, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, nil, err
	}
	a, err := s.approval(id)
	if err == nil {
		err = a.Decide(who, approve)
	}
	if err != nil {
		return nil, nil, err
	}
	a.State, a.By, a.Decided, a.Decision = audit.Turned, who.Name, s.now(), reason
	if approve {
		a.State = audit.Approved
	}
	one := *a
	return &one, s.record.sealed[id], nil
}

// FinishApproval notes how it was answered.
func (s *Store) FinishApproval(_ context.Context, id string, status int, location string) (*audit.Approval, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	a, err := s.approval(id)
	if err != nil {
		return nil, err
	}
	a.State, a.Status, a.Location = audit.ApprovalDone, status, location
	one := *a
	return &one, nil
}
