package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// minimal is an order file in which every kind of value stands.
const minimal = `language: ja
voucher: 0012345678901234
type: new
validity_years: 1
organization:
  name: "Sample Trading K.K."
  postal_code: 0010001
terms_accepted: true
`

func TestOrderFileKeepsValuesAsWritten(t *testing.T) {
	t.Parallel()
	f, err := decodeOrderFile([]byte(minimal))
	require.NoError(t, err)
	require.Equal(t, "0012345678901234", f.application.Voucher, "YAML would read an octal number")
	require.Equal(t, "0010001", f.application.Organization.PostalCode)
	require.Equal(t, 1, f.application.ValidityYears)
	require.True(t, f.application.TermsAccepted)
	require.Equal(t, 6, f.lines["organization.name"])
}

func TestOrderFileRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why, text, code, path string
		line                  int
		says                  string // in the English texts
	}{
		{"a misspelt key, with the one that was meant", "organisation:\n  name: x\n", "unknown-key", "organisation", 1, "Did you mean organization?"},
		{"a misspelt key in a group", "organization:\n  telefone: x\n", "unknown-key", "organization.telefone", 2, "organization.telephone"},
		{"a key at the wrong place", "street: x\n", "unknown-key", "street", 1, "It belongs under organization"},
		{"a top key in a group", "organization:\n  voucher: x\n", "unknown-key", "organization.voucher", 2, "without indentation"},
		{"a key that nobody meant", "hovercraft: x\n", "unknown-key", "hovercraft", 1, "The keys here are"},
		{"a code in the place of a key, without repeating it", "1234567890123456: x\n", "unknown-key", "?", 1, ""},
		{"a key that is there twice", "type: new\ntype: renewal\n", "repeated-key", "type", 2, "twice"},
		{"text for a number", "validity_years: one\n", "type", "validity_years", 1, "number"},
		{"a quoted number", "validity_years: \"1\"\n", "type", "validity_years", 1, "without quotes"},
		{"a number in another notation", "validity_years: 0x1\n", "type", "validity_years", 1, "number"},
		{"yes for true", "terms_accepted: yes\n", "type", "terms_accepted", 1, "true or false"},
		{"a list for a text", "type: [new]\n", "type", "type", 1, "one value"},
		{"a text for a group", "organization: Sample\n", "type", "organization", 1, "indented"},
		{"a group for a text", "type:\n  new: x\n", "type", "type", 2, "one value"},
		{"an alias", "type: &a new\nlanguage: *a\n", "yaml-feature", "type", 1, "anchors"},
		{"a merge key", "<<: {type: new}\n", "unknown-key", "?", 1, ""},
		{"a tag", "type: !!str new\n", "yaml-feature", "type", 1, "tags"},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			f, err := decodeOrderFile([]byte(c.text))
			require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
			fields := fault.Public(err).Fields
			require.NotEmpty(t, fields, "%v", err)
			require.Equal(t, c.code, fields[0].Code)
			require.Equal(t, c.path, fields[0].Path)
			require.Equal(t, c.line, f.lines[c.path])
			require.Contains(t, fields[0].Rule.EN+" "+fields[0].Remedy.EN, c.says)
			require.NotContains(t, err.Error(), "1234567890123456")
			require.NotEmpty(t, fields[0].Rule.JA)
			require.NotEmpty(t, fields[0].Remedy.JA)
		})
	}
}

func TestOrderFileThatIsNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, text, says string }{
		{"nothing", "", "empty"},
		{"comments only", "# nothing\n", "empty"},
		{"a list", "- voucher\n", "key: value"},
		{"a word", "voucher", "key: value"},
		{"two documents", "type: new\n---\ntype: new\n", "one order"},
		{"Shift_JIS", "organization:\n  name_ja: \x83\x54\x83\x93\n", "UTF-8"},
		{"a tab as indentation", "organization:\n\tname: x\n", "Line 2"},
		{"an open quote, without repeating the value", "voucher: \"1234567890123456\n", "YAML"},
		{"an alias of nothing, without repeating it", "voucher: *1234567890123456\n", "YAML"},
		{"too long", strings.Repeat("# long\n", maxOrderFile/7+1), "64 KiB"},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			_, err := decodeOrderFile([]byte(c.text))
			require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
			require.Contains(t, err.Error(), c.says)
			require.NotContains(t, err.Error(), "1234567890123456")
		})
	}
}

func TestOrderFileNamesNoMoreThanAPersonCanRead(t *testing.T) {
	t.Parallel()
	_, err := decodeOrderFile([]byte(strings.Repeat("nonsense: x\n", 1000)))
	require.Len(t, fault.Public(err).Fields, maxBroken)
}

func TestEmptyValuesAreLeftOut(t *testing.T) {
	t.Parallel()
	f, err := decodeOrderFile([]byte("voucher:\nvalidity_years:\norganization:\nterms_accepted: ~\ntype: \"\"\n"))
	require.NoError(t, err)
	require.Equal(t, order.Application{}, f.application)
}

// Whatever text a field holds, the file brings it to the form unchanged, quoted as JSON.
func TestOrderFileCarriesAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~ぁ-ん一-龯]{0,40}`).Draw(t, "text")
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		f, err := decodeOrderFile([]byte("organization:\n  street: " + quoted + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.application.Organization.Street; got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// A stranger's file is decoded or refused by a fault with texts in both languages; it never breaks the program.
func FuzzOrderFile(f *testing.F) {
	for _, seed := range []string{minimal, exampleOrder, "", "a: *b", "? [x]\n: y", "<<: [*a]", "type: !!binary x", "{voucher: 1, voucher: 2}", "organization: {unit: {}}", "validity_years: 1e5", "\xef\xbb\xbftype: new", "- - - -", "%YAML 9.9\n---\na: 1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := decodeOrderFile(data)
		if err == nil {
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("not a fault of kind Invalid: %v", err)
		}
		for _, field := range fault.Public(err).Fields {
			if field.Path == "" || field.Rule.JA == "" || field.Rule.EN == "" {
				t.Fatalf("a field without texts: %+v", field)
			}
			if file.lines[field.Path] == 0 {
				t.Fatalf("a field without its line: %+v", field)
			}
		}
	})
}
