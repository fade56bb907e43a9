package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"securemailid.example/internal/order"
)

// keyKind is what a key of the order file takes.
type keyKind int

const (
	textKey keyKind = iota
	numberKey
	boolKey
	groupKey
)

// key is one key of the order file; a group has members.
type key struct {
	kind    keyKind
	members keys
}

type keys map[string]key

// The keys are those of the forms, so that file and form cannot drift apart.
var (
	orderKeys   = keysOf(reflect.TypeFor[order.Application]())
	reissueKeys = keysOf(reflect.TypeFor[order.ReissueRequest]())
)

func keysOf(t reflect.Type) keys {
	out := keys{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch f.Type.Kind() {
		case reflect.Struct:
			out[name] = key{kind: groupKey, members: keysOf(f.Type)}
		case reflect.Int:
			out[name] = key{kind: numberKey}
		case reflect.Bool:
			out[name] = key{kind: boolKey}
		default:
			out[name] = key{kind: textKey}
		}
	}
	return out
}

// plainKey is a key that may be repeated in a message: too short and too plain to be a misplaced code or text.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z_ -]{0,29}$`)

func (all keys) printable(name string) string {
	if _, known := all[name]; known || plainKey.MatchString(name) {
		return name
	}
	return "?"
}

// suggestion says which key was probably meant.
func (all keys) suggestion(name, prefix string, known keys) (ja, en string) {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("「%s」のことですか。", prefix+near), fmt.Sprintf("Did you mean %s?", prefix+near)
	}
	for group, k := range all {
		if _, there := k.members[name]; there && group+"." != prefix {
			return fmt.Sprintf("「%s」の下に字下げして書く項目です。", group), fmt.Sprintf("It belongs under %s, indented.", group)
		}
	}
	if _, top := all[name]; top {
		return "字下げせずに書く項目です。", "It is written without indentation."
	}
	here := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	return "使える項目: " + here, "The keys here are: " + here
}

// nearest returns the known key that differs by the fewest letters, or "" if none is near.
func nearest(name string, known keys) string {
	best, least := "", min(2, len(name)/2)+1
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := distance(strings.ToLower(name), k, least); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's between a and b; above limit it is limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, change)
		}
	}
	return min(row[len(b)], limit)
}
