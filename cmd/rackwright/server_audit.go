package main

import (
	"context"

	"rackwright/audit"
)

// enterStart enters in the audit that this server started, and with which settings that
// concern who may do what.
func (s *server) enterStart(ctx context.Context) error {
	return s.enter(ctx, "start-server", map[string]any{"version": version(), "api": s.cfg.API.Listen, "tls": s.cfg.API.TLSCert != "" || s.cfg.API.OwnTLS(), "database": databaseName(s.cfg),
		"two_persons_over": s.cfg.Access.TwoPersonsOver, "seal_key": s.key.ID()})
}

// enter enters what the server did by itself.
func (s *server) enter(ctx context.Context, what string, facts map[string]any) error {
	_, err := s.db.AppendAudit(ctx, audit.Record{Stage: audit.Done, Actor: "server", Route: what, Target: "server/" + owner(), After: facts})
	return err
}
