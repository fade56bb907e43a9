package order

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextRules(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		alphabet  alphabet
		in        string
		want, bad string
	}{
		"Latin":                                {certificate, "Sample Trading K.K.", "Sample Trading K.K.", ""},
		"ampersand, digits, accents":           {certificate, "A&B 21 Café, Ltd.", "A&B 21 Café, Ltd.", ""},
		"Japanese, recommended against only":   {certificate, "サンプル商事株式会社", "サンプル商事株式会社", ""},
		"half-width kana become full-width":    {certificate, "ｻﾝﾌﾟﾙ", "サンプル", ""},
		"macrons of romanisation":              {certificate, "Ōsaka", "Ōsaka", ""},
		"64 characters of 3 bytes":             {certificate, strings.Repeat("商", 64), strings.Repeat("商", 64), ""},
		"64 characters after composition":      {certificate, strings.Repeat("e\u0301", 64), strings.Repeat("é", 64), ""},
		"Cyrillic a in a Latin word":           {certificate, "S\u0430mple", "", "character"},
		"a word wholly in Cyrillic":            {certificate, "\u0421\u043e\u043d\u0443", "", "character"},
		"Greek omicron in a Latin word":        {certificate, "T\u03bfkyo", "", "character"},
		"Armenian and Cherokee look-alikes":    {certificate, "\u0555\u13AA", "", "character"},
		"a phonetic letter drawn like a":       {certificate, "S\u0251mple", "", "character"},
		"a mathematical letter":                {certificate, "\U0001D412ample", "", "character"},
		"a circled number":                     {certificate, "Sample ①", "", "character"},
		"Arabic-Indic digits":                  {anyText, "Sample ٣", "", "character"},
		"a ligature":                           {certificate, "O\ufb03ce", "", "character"},
		"a leader dot for a dot":               {certificate, "K\u2024K", "", "character"},
		"a combining overlay":                  {certificate, "Sa\u0338mple", "", "character"},
		"an emoji":                             {anyText, "Sample 😀", "", "character"},
		"control character within":             {certificate, "Sample\x07Trading", "", "hidden-character"},
		"line break within":                    {certificate, "Sample\nTrading", "", "hidden-character"},
		"tab within":                           {anyText, "Sample\tTrading", "", "hidden-character"},
		"line separator within":                {anyText, "Sample\u2028Trading", "", "hidden-character"},
		"right-to-left override":               {certificate, "Sample\u202eK.K.", "", "hidden-character"},
		"right-to-left isolate":                {anyText, "Sample\u2067K.K.", "", "hidden-character"},
		"zero-width space":                     {certificate, "Sam\u200bple", "", "hidden-character"},
		"zero-width joiner":                    {japanese, "サン\u200dプル", "", "hidden-character"},
		"byte order mark":                      {anyText, "Sam\ufeffple", "", "hidden-character"},
		"soft hyphen":                          {anyText, "Sam\u00adple", "", "hidden-character"},
		"Hangul filler":                        {anyText, "Sam\u3164ple", "", "hidden-character"},
		"Braille blank":                        {anyText, "Sam\u2800ple", "", "hidden-character"},
		"variation selector":                   {anyText, "Sam\ufe0fple", "", "hidden-character"},
		"tag character":                        {anyText, "Sam\U000E0041ple", "", "hidden-character"},
		"private use":                          {japanese, "サンプル\ue000", "", "hidden-character"},
		"not assigned":                         {anyText, "Sample\U000E1000", "", "hidden-character"},
		"noncharacter":                         {anyText, "Sample\ufdd0", "", "hidden-character"},
		"replacement character":                {anyText, "Sample\ufffd", "", "hidden-character"},
		"not UTF-8":                            {anyText, "Sample\xff", "", "encoding"},
		"far too long":                         {anyText, strings.Repeat(" ", maxRaw+1), "", "length"},
		"65 characters":                        {certificate, strings.Repeat("a", 65), "", "length"},
		"a web address":                        {anyText, "Sales, see https://example.com/", "", "markup"},
		"a web address in full-width letters":  {certificate, "ｈｔｔｐ：／／example.com", "", "markup"},
		"an element":                           {japanese, "営業部<b>", "", "markup"},
		"a lone bracket":                       {anyText, "Sales > Tokyo", "", "markup"},
		"colon and slashes of a name":          {anyText, "Sales: East/West", "Sales: East/West", ""},
		"only a dot":                           {certificate, ".", "", "placeholder"},
		"only long-vowel marks of punctuation": {anyText, "ー", "ー", ""},
		"dashes of every kind":                 {anyText, "‐ – —", "", "placeholder"},
		"absent in words":                      {certificate, "なし", "", "placeholder"},
		"blanks of every kind":                 {anyText, " \u3000\u00a0", "", "required"},
		"a company sign":                       {japanese, "㈱サンプル", "㈱サンプル", ""},
		"full-width letters of the register":   {japanese, "ＡＢＣ商事", "ＡＢＣ商事", ""},
		"iteration mark and middle dot":        {japanese, "佐々・木", "佐々・木", ""},
		"no Japanese at all":                   {japanese, "ABC Inc.", "", "japanese"},
		"Hangul":                               {japanese, "サンプル\uac00", "", "character"},
		"a name with an apostrophe":            {latinName, "O'Sample-Ō", "O'Sample-Ō", ""},
		"a name with a digit":                  {latinName, "Sample 2", "", "latin"},
		"a full-width name":                    {latinName, "Ｓａｍｐｌｅ", "Sample", ""},
		"a name with markup":                   {latinName, "<b>", "", "markup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, f := textRule{max: 64, alphabet: row.alphabet}.clean("x", row.in)
			if row.bad != "" {
				require.NotNil(t, f)
				require.Equal(t, row.bad, f.Code)
				return
			}
			require.Nil(t, f, "%v", f)
			require.Equal(t, row.want, got)
		})
	}
}

func TestMultiline(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in       string
		optional bool
		bad      string
	}{
		"lines":                      {in: "登記簿で確認しました。\nConfirmed."},
		"lines as browsers send":     {in: "one\r\ntwo"},
		"an emoji is prose":          {in: "👍"},
		"2000 characters":            {in: strings.Repeat("商", maxProse)},
		"nothing, where it may":      {optional: true},
		"nothing":                    {bad: "required"},
		"blanks only":                {in: " \n ", bad: "required"},
		"blanks only, where nothing": {in: " ", optional: true, bad: "required"},
		"2001 characters":            {in: strings.Repeat("a", maxProse+1), bad: "length"},
		"escape":                     {in: "\x1b[31m", bad: "hidden-character"},
		"tab":                        {in: "a\tb", bad: "hidden-character"},
		"carriage return alone":      {in: "a\rb", bad: "hidden-character"},
		"delete":                     {in: "a\x7f", bad: "hidden-character"},
		"right-to-left override":     {in: "a\u202eb", bad: "hidden-character"},
		"replacement character":      {in: "a\ufffd", bad: "hidden-character"},
		"not UTF-8":                  {in: "a\xff", bad: "encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := multiline("x", row.in, maxProse, row.optional)
			if row.bad == "" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f)
			require.Equal(t, row.bad, f.Code)
		})
	}
}
