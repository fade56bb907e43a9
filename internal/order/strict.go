package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"unicode/utf8"

	"securemailid.example/internal/fault"
)

// maxApplication bounds an application, in bytes of JSON.
const maxApplication = 64 << 10

// DecodeApplication reads the JSON of a form as strictly as DecodeCommand reads a command. It checks the form of the message,
// not of what it says: that is for Validate.
func DecodeApplication(data []byte) (Application, error) {
	var a Application
	if reason := strictJSON(data, maxApplication, &a); reason != nil {
		return Application{}, reason.fault("application.malformed")
	}
	return a, nil
}

// reason says what is wrong with a message without repeating its values, which may be personal.
type reason fault.Text

func (r reason) fault(code string) error {
	return fault.New(fault.Invalid, code, "データの形式が正しくありません。"+r.JA, "The message cannot be read: "+r.EN+".")
}

func because(ja, en string, args ...any) *reason {
	return &reason{JA: fmt.Sprintf(ja, args...) + "。", EN: fmt.Sprintf(en, args...)}
}

// strictJSON decodes exactly one JSON object into v, a pointer to a struct of strings, booleans, numbers and structs. encoding/json alone
// would take an unknown, repeated or differently cased name, null, invalid UTF-8 and half a surrogate pair.
func strictJSON(data []byte, limit int, v any) *reason {
	switch trimmed := bytes.TrimSpace(data); {
	case len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null")):
		return because("内容が空です。JSONオブジェクトを送ってください", "it is empty; send a JSON object")
	case len(data) > limit:
		return because("%dバイト以内です", "it is longer than %d bytes", limit)
	case !utf8.Valid(data):
		return because("UTF-8ではありません", "it is not UTF-8")
	case trimmed[0] != '{':
		return because("JSONオブジェクトではありません", "it is not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if bad := checkValue(d, reflect.TypeOf(v).Elem(), ""); bad != nil {
		return bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return because("JSONオブジェクトの後に余分なデータがあります", "something follows the JSON object")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return jsonReason(err)
	}
	return nil
}

// checkValue reads one value that is meant for a field of type t.
func checkValue(d *json.Decoder, t reflect.Type, path string) *reason {
	token, err := d.Token()
	switch s, isText := token.(string); {
	case err != nil:
		return jsonReason(err)
	case token == nil:
		return because("項目%qがnullです", "field %q is null", path)
	case isText && strings.ContainsRune(s, utf8.RuneError):
		return because("項目%qに読めない文字があります", "field %q has a character that cannot be read", path)
	case (token == json.Delim('{')) != (t.Kind() == reflect.Struct), token == json.Delim('['):
		return wrongType(path, t)
	case t.Kind() == reflect.Struct:
		return checkMembers(d, names(t), path)
	default:
		return nil
	}
}

// checkMembers reads the members of an object, each with a known name and none twice, and its end.
func checkMembers(d *json.Decoder, known map[string]reflect.Type, path string) *reason {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return jsonReason(err)
		}
		name, _ := token.(string)
		t, ok := known[name]
		switch {
		case !ok:
			return because("項目%qは使えません", "field %q is not known", join(path, shorten(name)))
		case seen[name]:
			return because("項目%qが重複しています", "field %q is there twice", join(path, name))
		}
		seen[name] = true
		if bad := checkValue(d, t, join(path, name)); bad != nil {
			return bad
		}
	}
	if _, err := d.Token(); err != nil {
		return jsonReason(err)
	}
	return nil
}

// names returns the JSON members of a struct, those of embedded structs included, exactly as its tags write them.
func names(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			maps.Copy(out, names(f.Type))
		case name == "" || name == "-":
		case f.Type.Kind() == reflect.Pointer:
			out[name] = f.Type.Elem()
		default:
			out[name] = f.Type
		}
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shorten keeps a stranger's name for a field readable in a message.
func shorten(name string) string {
	if r := []rune(name); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return name
}

func wrongType(path string, t reflect.Type) *reason {
	kind := t.Kind().String()
	if t.Kind() == reflect.Struct {
		kind = "object"
	}
	return because("項目%qの型が違います (%s)", "field %q must be a JSON %s", path, kind)
}

func jsonReason(err error) *reason {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrongType(t.Field, t.Type)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return because("%dバイト目でJSONとして読めません", "not valid JSON at byte %d", s.Offset)
	}
	return because("JSONオブジェクトが途中で終わっています", "the JSON object ends too early")
}
