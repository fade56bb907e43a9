package order

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMailbox(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	long := strings.Join([]string{label, label, label, strings.Repeat("b", 54), "jp"}, ".") // 249
	for name, row := range map[string]struct{ in, want, bad string }{
		"plain":                                 {in: "info@example.jp", want: "info@example.jp"},
		"local part keeps its case":             {in: "Info.Desk+x@Example.CO.jp", want: "Info.Desk+x@example.co.jp"},
		"every mark of a dot-atom":              {in: "!#$%&'*+/=?^_`{|}~-@example.jp", want: "!#$%&'*+/=?^_`{|}~-@example.jp"},
		"full-width":                            {in: "ｉｎｆｏ＠ｅｘａｍｐｌｅ．ｊｐ", want: "info@example.jp"},
		"ideographic full stop":                 {in: "info@example。jp", want: "info@example.jp"},
		"internationalised domain":              {in: "info@日本語.jp", want: "info@xn--wgv71a119e.jp"},
		"Latin and kana, as Japanese does":      {in: "info@sampleサンプル.jp", want: "info@xn--sample-ns4eujmg0c.jp"},
		"A-labels":                              {in: "info@XN--WGV71A119E.jp", want: "info@xn--wgv71a119e.jp"},
		"64 characters before the @":            {in: strings.Repeat("a", 64) + "@example.jp", want: strings.Repeat("a", 64) + "@example.jp"},
		"254 characters":                        {in: "abcd@" + long, want: "abcd@" + long},
		"nothing":                               {in: "", bad: "required"},
		"blanks":                                {in: "　 ", bad: "required"},
		"no @":                                  {in: "example.jp", bad: "email"},
		"nothing before the @":                  {in: "@example.jp", bad: "email"},
		"nothing after the @":                   {in: "info@", bad: "email.domain"},
		"two @":                                 {in: "a@b@example.jp", bad: "email.domain"},
		"display name":                          {in: "Info <info@example.jp>", bad: "email"},
		"two addresses":                         {in: "a@example.jp,b@example.jp", bad: "email.domain"},
		"dot first":                             {in: ".info@example.jp", bad: "email"},
		"dot last":                              {in: "info.@example.jp", bad: "email"},
		"two dots":                              {in: "in..fo@example.jp", bad: "email"},
		"quoted local part":                     {in: `"in fo"@example.jp`, bad: "email"},
		"local part beyond ASCII":               {in: "情報@example.jp", bad: "email"},
		"Cyrillic in the local part":            {in: "inf\u043e@example.jp", bad: "email"},
		"line break, as header injection needs": {in: "info@example.jp\r\nBcc: x@example.com", bad: "email.blank"},
		"null character":                        {in: "in\x00fo@example.jp", bad: "email"},
		"not UTF-8":                             {in: "info@ex\xffample.jp", bad: "email.domain"},
		"65 characters before the @":            {in: strings.Repeat("a", 65) + "@example.jp", bad: "length"},
		"255 characters":                        {in: "abcde@" + long, bad: "length"},
		"far too long":                          {in: strings.Repeat("a", maxRaw) + "@example.jp", bad: "length"},
		"label of 64":                           {in: "info@" + label + "a.jp", bad: "email.domain"},
		"domain of 254":                         {in: "a@" + strings.Repeat("a.", 126) + "jp", bad: "email.domain"},
		"trailing dot":                          {in: "info@example.jp.", bad: "email.domain"},
		"empty label":                           {in: "info@example..jp", bad: "email.domain"},
		"leading dot":                           {in: "info@.example.jp", bad: "email.domain"},
		"single label":                          {in: "info@localhost", bad: "email.domain"},
		"underscore":                            {in: "info@_dmarc.example.jp", bad: "email.domain"},
		"hyphen first":                          {in: "info@-example.jp", bad: "email.domain"},
		"broken A-label":                        {in: "info@xn--0.jp", bad: "email.domain"},
		"IPv4 address":                          {in: "info@192.0.2.1", bad: "email.domain"},
		"IPv4 address in hex":                   {in: "info@192.0.2.0x1", bad: "email.domain"},
		"IPv4 address literal":                  {in: "info@[192.0.2.1]", bad: "email.domain"},
		"IPv6 address literal":                  {in: "info@[IPv6:2001:db8::1]", bad: "email.domain"},
		"IPv6 address":                          {in: "info@2001:db8::1", bad: "email.domain"},
		"port":                                  {in: "info@example.jp:25", bad: "email.domain"},
		"top-level domain":                      {in: "info@jp", bad: "email.domain"},
		"public suffix":                         {in: "info@co.jp", bad: "email.public-suffix"},
		"public suffix of a prefecture":         {in: "info@chuo.tokyo.jp", bad: "email.public-suffix"},
		"internationalised public suffix":       {in: "info@大阪.jp", bad: "email.public-suffix"},
		"Cyrillic a in a Latin label":           {in: "info@ex\u0430mple.jp", bad: "email.lookalike"},
		"the same as A-label":                   {in: "info@xn--exmple-4nf.jp", bad: "email.lookalike"},
		"Greek omicron in a Latin label":        {in: "info@t\u03bfkyo.jp", bad: "email.lookalike"},
		"a label in Greek and Cyrillic":         {in: "info@\u03bf\u0430.jp", bad: "email.lookalike"},
		"zero-width joiner":                     {in: "info@exam\u200dple.jp", bad: "email.domain"},
		"right-to-left override":                {in: "info@exam\u202eple.jp", bad: "email.domain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := ParseMailbox(row.in)
			if row.bad != "" {
				require.Equal(t, []string{"email " + row.bad}, brokenBy(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.want, m.String())
		})
	}
}

func TestJapanesePhone(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ in, want, bad string }{
		"Tokyo":                         {in: "03-4560-3900", want: "+81345603900"},
		"small area code":               {in: "0422-12-3456", want: "+81422123456"},
		"full-width with brackets":      {in: "０３（４５６０）３９００", want: "+81345603900"},
		"long-vowel marks for hyphens":  {in: "03ー4560ー3900", want: "+81345603900"},
		"international":                 {in: "+81 3 4560 3900", want: "+81345603900"},
		"international with the zero":   {in: "+81-(0)3-4560-3900", want: "+81345603900"},
		"mobile":                        {in: "090-1234-5678", want: "+819012345678"},
		"IP telephone":                  {in: "050-3456-7890", want: "+815034567890"},
		"toll-free":                     {in: "0120-123-456", want: "+81120123456"},
		"longer toll-free":              {in: "0800-123-4567", want: "+818001234567"},
		"nothing":                       {in: " ", bad: "required"},
		"police":                        {in: "110", bad: "telephone"},
		"fire and ambulance":            {in: "１１９", bad: "telephone"},
		"police with an area code":      {in: "03-110", bad: "telephone"},
		"premium (Dial Q2)":             {in: "0990-123-456", bad: "telephone"},
		"premium (navigation dial)":     {in: "0570-012-345", bad: "telephone"},
		"pager":                         {in: "020-4123-4567", bad: "telephone"},
		"a digit short":                 {in: "03-4560-390", bad: "telephone"},
		"a digit more":                  {in: "03-4560-39000", bad: "telephone"},
		"no area code":                  {in: "4560-3900", bad: "telephone"},
		"extension":                     {in: "03-4560-3900 ext. 12", bad: "telephone"},
		"letters":                       {in: "0120-SAMPLE", bad: "telephone"},
		"another country":               {in: "+1 212 555 0123", bad: "telephone"},
		"another country, same digits":  {in: "+82 3 4560 3900", bad: "telephone"},
		"Arabic-Indic digits":           {in: "٠٣٤٥٦٠٣٩٠٠", bad: "telephone"},
		"two numbers":                   {in: "03-4560-3900 / 03-4560-3901", bad: "telephone"},
		"zeros":                         {in: "00-0000-0000", bad: "telephone"},
		"tel: URI":                      {in: "tel:+81345603900", bad: "telephone"},
		"far too long":                  {in: strings.Repeat(" ", maxRaw) + "03-4560-3900", bad: "telephone"},
		"a number that nobody can have": {in: "01-1111-1111", bad: "telephone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := JapanesePhone(row.in)
			if row.bad != "" {
				require.Equal(t, []string{"telephone " + row.bad}, brokenBy(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.want, got)
			again, err := JapanesePhone(got)
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestCorporateNumber(t *testing.T) {
	t.Parallel()
	require.True(t, CorporateNumberValid("4011001098993"))
	for name, s := range map[string]string{
		"check digit": "3011001098993", "one digit": "4011001098994", "swap of unlike weights": "4011001098939", "short": "401100109899",
		"letters": "401100109899X", "full-width, to be narrowed first": "４０１１００１０９８９９３", "nothing": "",
	} {
		require.False(t, CorporateNumberValid(s), name)
	}
}
