// Package fault is the one error taxonomy of the system. An error that a person may see is a *fault.Error: it says what
// kind of failure it is, a stable code, and a text in Japanese and English. Everything else is internal: its details stay
// in the log. Each border translates once: activities to Temporal (activities/errors.go), the portal to HTTP, store from
// PostgreSQL codes.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what a caller can do about a failure.
type Kind string

const (
	Invalid     Kind = "invalid"     // the input breaks a rule; the fields say which. Never retried.
	NotFound    Kind = "not-found"   // what was named does not exist. Never retried.
	Conflict    Kind = "conflict"    // the state of the thing does not allow it. Never retried.
	Forbidden   Kind = "forbidden"   // the caller may not. Never retried.
	TooMany     Kind = "too-many"    // a rate limit; later may work.
	Unavailable Kind = "unavailable" // something we depend on does not answer; retried.
	Internal    Kind = "internal"    // a defect or the unknown; details are for the log only; retried.
)

// Text is one message in the two languages of the product.
type Text struct {
	JA string `json:"ja"`
	EN string `json:"en"`
}

// In returns the text in the given language, Japanese unless lang is "en".
func (t Text) In(lang string) string {
	if lang == "en" {
		return t.EN
	}
	return t.JA
}

// Field is one broken rule: which field, what the rule is and what to do about it.
type Field struct {
	Path   string `json:"path"` // in the order file's words, such as "organization.telephone"
	Code   string `json:"code"` // stable, such as "required" or "voucher.length"
	Rule   Text   `json:"rule"`
	Remedy Text   `json:"remedy"`
}

// Error is a failure fit to be shown. Cause, if any, is for the log and never part of Error's text.
type Error struct {
	Kind   Kind    `json:"kind"`
	Code   string  `json:"code"` // stable, such as "voucher.used"
	Text   Text    `json:"text"`
	Fields []Field `json:"fields,omitempty"`
	Cause  error   `json:"-"`
}

// New returns a fault of the kind with a stable code and its text.
func New(kind Kind, code, ja, en string) *Error {
	return &Error{Kind: kind, Code: code, Text: Text{JA: ja, EN: en}}
}

// InvalidFields returns the fault for a form or message that breaks the rules of the given fields, or nil without any.
func InvalidFields(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{
		Kind: Invalid, Code: "invalid-fields", Fields: fields,
		Text: Text{JA: "入力内容に誤りがあります。", EN: "Some of what was entered cannot be accepted."},
	}
}

// Because returns a copy of e that carries cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error is the English text with the code and the fields; it holds nothing internal.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", e.Text.EN, e.Code)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s %s", f.Path, f.Rule.EN, f.Remedy.EN)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is a fault of the same code, so that errors.Is works with package-level examples.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Kind == e.Kind
}

// KindOf returns the kind of the first fault in err's chain, Internal for any other error, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Internal
}

// Public returns the fault to show for err: its own, or a bare internal one that hides every detail.
func Public(err error) *Error {
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return New(Internal, "internal", "システム内部でエラーが発生しました。しばらくしてからもう一度お試しください。",
		"Something failed on our side. Please try again later.").Because(err)
}

// Permanent reports whether trying the same again cannot help.
func Permanent(err error) bool {
	switch KindOf(err) {
	case Invalid, NotFound, Conflict, Forbidden:
		return true
	default:
		return false
	}
}

// Detail is err's text with every cause, for logs and for the operator's terminal; never for strangers.
func Detail(err error) string {
	f, ok := errors.AsType[*Error](err)
	if !ok || f.Cause == nil {
		return err.Error()
	}
	return err.Error() + ": " + Detail(f.Cause)
}
