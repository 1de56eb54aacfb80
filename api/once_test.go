package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

// brokenStore is a database that goes away while an operation is made: before it is, or after.
type brokenStore struct {
	*store.DB
	before, after bool
}

func (b *brokenStore) CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error) {
	gone := fault.Unreachablef("the connection to the database broke")
	if b.before {
		return nil, gone
	}
	o, err := b.DB.CreateOperation(ctx, kind, machine, order, actor)
	if err == nil && b.after {
		return nil, gone
	}
	return o, err
}

func TestAKeyIsGivenBackOnlyWhileNothingWasWritten(t *testing.T) {
	h := newHall(t)
	ops := "Authorization: Bearer " + h.token(access.Operator, "whole")
	b := &brokenStore{DB: h.db}
	url := apitest.Serve(t, api.Options{Store: b, Now: func() time.Time { return h.now }}) + wire.Prefix
	if answer, text := ask(t, "POST", url+"/operations/"+h.ops["inner"]+"/cancel", "", ops); answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	try := func(key string) (int, string) {
		answer, text := ask(t, "POST", url+"/machines/inner-machine/actions/inspect", "{}", "Idempotency-Key: "+key, ops)
		return answer.StatusCode, text
	}
	b.before = true
	if status, text := try("k1"); status != 503 {
		t.Fatalf("%d %s", status, text)
	}
	b.before, b.after = false, true
	if status, text := try("k1"); status != 503 { // tried again: it had not been done
		t.Fatalf("%d %s", status, text)
	}
	b.after = false
	if status, text := try("k1"); status != 409 || decode[wire.Problem](t, text).Code != "key-broken" {
		t.Errorf("%d %s", status, text)
	}
	if made, err := h.db.Operations(t.Context(), store.OperationFilter{}); err != nil || len(made) != 3 {
		t.Errorf("%d operations, %v", len(made), err)
	}
}

func TestASecretIsNotToldAgainForItsKey(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	body := `{"name":"ci","role":"viewer"}`
	first, text := ask(t, "POST", url+"/tokens", body, "Idempotency-Key: k1")
	secret := decode[wire.TokenGiven](t, text).Secret
	again, text := ask(t, "POST", url+"/tokens", body, "Idempotency-Key: k1")
	if first.StatusCode != 201 || again.StatusCode != 409 || decode[wire.Problem](t, text).Code != "key-told" || strings.Contains(text, secret) || again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("%s, %s %s", first.Status, again.Status, text)
	}
	if tokens, _ := s.Tokens(t.Context(), true); slices.IndexFunc(tokens, func(k access.Token) bool { return k.Name == "ci" }) < 0 || len(tokens) != 6 {
		t.Errorf("%d tokens", len(tokens))
	}
}
