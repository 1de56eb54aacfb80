package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"rackwright/fault"
)

func TestAFaultKeepsItsKindHintAndCauseHoweverItIsWrapped(t *testing.T) {
	for kind, make := range map[fault.Kind]func(string, ...any) *fault.Error{fault.Invalid: fault.Invalidf, fault.NotFound: fault.NotFoundf, fault.Conflict: fault.Conflictf,
		fault.Denied: fault.Deniedf, fault.Unreachable: fault.Unreachablef, fault.Internal: fault.Internalf} {
		err := fmt.Errorf("outside: %w", make("%s broke: %w", "it", io.EOF).WithHint("try %d", 2))
		if !fault.Is(err, kind) || fault.KindOf(err) != kind || fault.HintOf(err) != "try 2" || !errors.Is(err, io.EOF) || err.Error() != "outside: it broke: EOF" {
			t.Errorf("%s: %v is %s, hint %q", kind, err, fault.KindOf(err), fault.HintOf(err))
		}
	}
}

func TestTheOutermostFaultDecides(t *testing.T) {
	err := fault.Conflictf("now: %w", fault.NotFoundf("before").WithHint("old"))
	if fault.KindOf(err) != fault.Conflict || fault.HintOf(err) != "" {
		t.Errorf("%s, %q", fault.KindOf(err), fault.HintOf(err))
	}
}

func TestAnErrorNobodyClassifiedIsOurs(t *testing.T) {
	if fault.KindOf(io.EOF) != fault.Internal || fault.HintOf(io.EOF) != "" || fault.Is(nil, fault.Internal) {
		t.Error("an unknown error is not internal, or no error is one")
	}
}

func TestEveryBadFieldIsPrinted(t *testing.T) {
	err := &fault.Error{Kind: fault.Invalid, Message: "two faults", Fields: []fault.Field{{Path: "a", Message: "x"}, {Path: "b[0]", Message: "y"}}, Hint: "not here"}
	if err.Error() != "two faults: a: x; b[0]: y" {
		t.Errorf("%q", err)
	}
}

func TestKindsHaveStableNames(t *testing.T) {
	for kind, want := range map[fault.Kind]string{fault.Internal: "internal", fault.Invalid: "invalid", fault.NotFound: "not-found", fault.Conflict: "conflict",
		fault.Denied: "denied", fault.Unreachable: "unreachable"} {
		if kind.String() != want {
			t.Errorf("%s, want %s", kind, want)
		}
	}
}
