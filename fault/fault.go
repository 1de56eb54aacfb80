// Package fault gives every error of the domain a kind, chosen where the fact is
// known and translated once per edge (HTTP status, exit code). It holds no logging
// and knows no transport.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what a caller can do about an error.
type Kind uint8

// The kinds. The zero value is Internal, so an error nobody classified is ours.
const (
	Internal    Kind = iota // our defect: report it
	Invalid                 // the request is wrong as written: change it
	NotFound                // the thing named does not exist
	Conflict                // true, but not now: the state of the thing forbids it
	Denied                  // the caller may not do this
	Unreachable             // something outside us did not answer: try again later
)

// String names the kind as the API's machine code does.
func (k Kind) String() string {
	return [...]string{"internal", "invalid", "not-found", "conflict", "denied", "unreachable"}[k]
}

// Error is one fault: what is wrong, and in Hint what to do next.
type Error struct {
	Kind    Kind
	Message string  // one line, names the thing and the reason; never a secret
	Hint    string  // one line, the way out; may be empty
	Fields  []Field // for Invalid: every bad field, all at once
	Err     error   // cause, may be nil
}

// Field is one bad part of a request: Path is like "racks[0].machines[2].u".
type Field struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Error prints the message and the bad fields, without the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(f.Path + ": " + f.Message)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// WithHint returns the same error with the way out.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// New makes an error of a kind; a %w argument becomes its cause.
func New(k Kind, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Kind: k, Message: wrapped.Error(), Err: errors.Unwrap(wrapped)}
}

// Invalidf is New(Invalid, ...).
func Invalidf(format string, args ...any) *Error { return New(Invalid, format, args...) }

// NotFoundf is New(NotFound, ...).
func NotFoundf(format string, args ...any) *Error { return New(NotFound, format, args...) }

// Conflictf is New(Conflict, ...).
func Conflictf(format string, args ...any) *Error { return New(Conflict, format, args...) }

// Deniedf is New(Denied, ...).
func Deniedf(format string, args ...any) *Error { return New(Denied, format, args...) }

// Unreachablef is New(Unreachable, ...).
func Unreachablef(format string, args ...any) *Error { return New(Unreachable, format, args...) }

// Internalf is New(Internal, ...).
func Internalf(format string, args ...any) *Error { return New(Internal, format, args...) }

// KindOf returns the kind of the outermost fault in err's chain, Internal if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// HintOf returns the hint of the outermost fault in err's chain, or "".
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// Is reports whether err has kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
