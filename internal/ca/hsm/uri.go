// Package hsm opens and makes keys in hardware security modules through PKCS #11, named by PKCS #11 URIs (RFC 7512). It needs a
// build with cgo; without, every call says how to get one.
package hsm

import (
	"net/url"
	"path/filepath"
	"strings"

	"securemailid.example/internal/fault"
)

// Scheme begins every PKCS #11 URI.
const Scheme = "pkcs11:"

// URI names a token, or a key in it (RFC 7512). It holds no PIN.
type URI struct {
	Token      string // token: its label
	Serial     string // serial: of the token
	Object     string // object: label of the key, CKA_LABEL
	ID         string // id: of the key, CKA_ID, as bytes
	ModulePath string // module-path: the module's shared library, absolute
	PINSource  string // pin-source: file with the PIN, absolute, mode 0600
}

// maxURI bounds a URI, bytes.
const maxURI = 2048

// ParseURI reads a PKCS #11 URI. What it does not know is refused: an attribute that were ignored could select another key. So is
// pin-value, because settings are seen by more eyes than a file of mode 0600. Faults repeat nothing of the URI.
func ParseURI(s string) (URI, error) {
	rest, ok := strings.CutPrefix(s, Scheme)
	if !ok || len(s) > maxURI {
		return URI{}, malformed("pkcs11: で始まる URI ではありません。", "It does not begin with pkcs11:.")
	}
	var u URI
	path, query, hasQuery := strings.Cut(rest, "?")
	if err := u.read(path, ";", map[string]*string{"token": &u.Token, "serial": &u.Serial, "object": &u.Object, "id": &u.ID}); err != nil {
		return URI{}, err
	}
	if hasQuery {
		if err := u.read(query, "&", map[string]*string{"module-path": &u.ModulePath, "pin-source": &u.PINSource}); err != nil {
			return URI{}, err
		}
	}
	u.PINSource = filePath(u.PINSource)
	for _, file := range []string{u.ModulePath, u.PINSource} {
		if file != "" && !filepath.IsAbs(file) {
			return URI{}, malformed("module-path と pin-source は絶対パスです。", "module-path and pin-source are absolute paths.")
		}
	}
	return u, nil
}

// read fills fields from name=value pairs, each at most once.
func (u *URI) read(list, separator string, fields map[string]*string) error {
	if list == "" {
		return nil
	}
	for pair := range strings.SplitSeq(list, separator) {
		name, value, ok := strings.Cut(pair, "=")
		field, known := fields[name]
		switch {
		case name == "pin-value":
			return malformed("pin-value は使えません。PIN は pin-source のファイル (モード 0600) に置いてください。",
				"pin-value is not accepted: put the PIN into a file of mode 0600 and name it with pin-source.")
		case !ok || !known:
			return malformed("使える属性は token、serial、object、id、module-path、pin-source です。",
				"The attributes are token, serial, object, id, module-path and pin-source.")
		case *field != "":
			return malformed("同じ属性が二度あります。", "An attribute is there twice.")
		}
		decoded, err := url.PathUnescape(value)
		if err != nil || decoded == "" || strings.ContainsRune(decoded, 0) && name != "id" {
			return malformed("属性の値を読み取れません。", "The value of an attribute cannot be read.")
		}
		*field = decoded
	}
	return nil
}

// filePath takes the file: scheme off, which RFC 7512 2.4 allows for pin-source.
func filePath(s string) string {
	if rest, ok := strings.CutPrefix(s, "file://"); ok {
		return rest
	}
	return strings.TrimPrefix(s, "file:")
}

// String is the URI in its canonical order.
func (u URI) String() string {
	var path, query []string
	add := func(list *[]string, name, value string) {
		if value != "" {
			*list = append(*list, name+"="+escape(value))
		}
	}
	add(&path, "token", u.Token)
	add(&path, "serial", u.Serial)
	add(&path, "object", u.Object)
	add(&path, "id", u.ID)
	add(&query, "module-path", u.ModulePath)
	add(&query, "pin-source", u.PINSource)
	s := Scheme + strings.Join(path, ";")
	if len(query) > 0 {
		s += "?" + strings.Join(query, "&")
	}
	return s
}

// escape percent-encodes everything but RFC 3986's unreserved characters and the slash.
func escape(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

// On returns u as it is reached from this machine: the module and the PIN's file are the machine's own where it names them.
func (u URI) On(machine URI) URI {
	if machine.ModulePath != "" {
		u.ModulePath = machine.ModulePath
	}
	if machine.PINSource != "" {
		u.PINSource = machine.PINSource
	}
	return u
}

// NamesKey reports whether u selects a key and not only a token.
func (u URI) NamesKey() bool { return u.Object != "" || u.ID != "" }

// complete refuses a URI that does not say how its token is reached.
func (u URI) complete() error {
	switch {
	case (u.Token == "") == (u.Serial == ""):
		return malformed("token と serial のどちらか一方が必要です。", "Either token or serial is needed.")
	case u.ModulePath == "" || u.PINSource == "":
		return malformed("module-path と pin-source が必要です。", "module-path and pin-source are needed.")
	default:
		return nil
	}
}

func malformed(ja, en string) error {
	return fault.New(fault.Invalid, "hsm.uri", "PKCS #11 URI の誤り: "+ja, "The PKCS #11 URI is wrong: "+en)
}
