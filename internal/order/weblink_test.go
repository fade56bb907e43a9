package order

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestUnlinked(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ in, want string }{
		"a host name":                             {"visit example.com now", "visit example[.]com now"},
		"behind www, whatever follows":            {"WIN www.example", "WIN www[.]example"},
		"a host name of several labels":           {"WWW.EXAMPLE.CO.JP", "WWW[.]EXAMPLE[.]CO[.]JP"},
		"a scheme":                                {"https://example", "https[://]example"},
		"within a Japanese sentence":              {"今すぐexample.comへ", "今すぐexample[.]comへ"},
		"with blanks in a Japanese sentence":      {"今すぐ example.com へ", "今すぐ example[.]com へ"},
		"in full-width letters":                   {"今すぐｅｘａｍｐｌｅ．ｃｏｍへ", "今すぐexample[.]comへ"},
		"with the half-width ideographic stop":    {"example｡com", "example[。]com"},
		"with a one-dot leader":                   {"example․com", "example[.]com"},
		"an internationalised name":               {"例え.みんな", "例え[.]みんな"},
		"a suffix that exists only below another": {"example.ck", "example[.]ck"},
		"a name in punycode":                      {"xn--r8jz45g.xn--q9jyb4c", "xn--r8jz45g[.]xn--q9jyb4c"},
		"a hyphen behind it":                      {"example.com-", "example[.]com-"},
		"behind a letter with an accent":          {"éxample.com", "éxample[.]com"},
		"something in front of co.ltd":            {"example.co.ltd", "example[.]co[.]ltd"},
		"a mail address":                          {"boss@example.example", "boss[@]example.example"},
		"a company called after its site":         {"Example.com K.K.", "Example[.]com K.K."},
		"a kabushiki kaisha":                      {"Sample Trading K.K.", "Sample Trading K.K."},
		"a company limited":                       {"Sample Trading Co.,Ltd.", "Sample Trading Co.,Ltd."},
		"a company limited without its comma":     {"Sample Trading Co.Ltd", "Sample Trading Co.Ltd"},
		"a slash and a colon":                     {"Sales: East/West", "Sales: East/West"},
		"a version":                               {"開発2.0課", "開発2.0課"},
		"full-width letters stay as they are":     {"ＡＢＣ商事．", "ＡＢＣ商事．"},
		"an at sign by itself":                    {"Sample @ Tokyo", "Sample @ Tokyo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Unlinked(row.in)
			require.Equal(t, row.want, got)
			require.Equal(t, got, Unlinked(got), "nothing is left to be written otherwise")
		})
	}
}

// Names are greeted in mails that the CA sends, so they advertise nothing; organisations may be called after their site.
func TestFormsTakeNoAdvertising(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*Application)
		want   string
	}{
		"a site for a family name":              {func(a *Application) { a.TechnicalContact.FamilyName = "WIN PRIZE www.example.com" }, "technical_contact.family_name markup"},
		"a host name for a family name":         {func(a *Application) { a.TechnicalContact.FamilyName = "visit example.com now" }, "technical_contact.family_name link"},
		"a host name for a given name":          {func(a *Application) { a.TechnicalContact.GivenName = "ｅｘａｍｐｌｅ．ｃｏｍ" }, "technical_contact.given_name link"},
		"a host name for a department":          {func(a *Application) { a.TechnicalContact.Department = "Sales example.com" }, "technical_contact.department link"},
		"a mail address for a department":       {func(a *Application) { a.Representative.Department = "営業@example" }, "representative.department link"},
		"a Japanese family name with a site":    {func(a *Application) { a.Representative.FamilyNameJA = "当選ｅｘａｍｐｌｅ．ｃｏｍ" }, "representative.family_name_ja link"},
		"a Japanese given name with a site":     {func(a *Application) { a.Representative.GivenNameJA = "例え.みんな" }, "representative.given_name_ja link"},
		"a representative with a site":          {func(a *Application) { a.Representative.FamilyName = "example.com" }, "representative.family_name link"},
		"a city with a site":                    {func(a *Application) { a.Organization.City = "example.com" }, "organization.city link"},
		"a path for an organisation":            {func(a *Application) { a.Organization.Name = "Win example.com/prize" }, "organization.name markup"},
		"www for a Japanese organisation":       {func(a *Application) { a.Organization.NameJA = "今すぐｗｗｗ．example．comへ" }, "organization.name_ja markup"},
		"a mail address for a company":          {func(a *Application) { a.TechnicalContact.Company = "ask boss@example.com" }, "technical_contact.company markup"},
		"a path for a unit":                     {func(a *Application) { a.Organization.Unit = "example.com/" }, "organization.unit markup"},
		"an organisation called after its site": {func(a *Application) { a.Organization.Name = "Example.com K.K." }, ""},
		"one that is an at sign":                {func(a *Application) { a.Organization.NameJA = "株式会社＠サンプル" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := form()
			row.change(&a)
			_, err := Validate(a, guide())
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, []string{row.want}, brokenBy(t, err))
		})
	}
}

// A message in an old history is judged as on its day: by no list that changes.
func TestACorrectionIsJudgedByPublicSuffixesOnlyAtTheDoor(t *testing.T) {
	t.Parallel()
	c := SubjectCorrected{Actor: Actor{Actor: "staff/ops"}, City: "example.com", Reason: "登記"}
	require.Empty(t, c.Check())
	require.NotEmpty(t, CheckSubject(Subject{Organization: "Sample K.K.", State: "Tokyo", City: "example.com"}, guide()))
}

// Whatever is ordinary passes, and stands in mails as it was entered.
func TestOrdinaryNamesPass(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
		a := form()
		a.Organization.Name = pick("front", "", "The ", "A.B.C. ", "St. ") + pick("middle", "Sample", "Sample & Trading", "Sample-Trading", "Sample 21", "Ōsaka Sample") +
			pick("form", " K.K.", " Co., Ltd.", " Co.,Ltd.", " Co.Ltd", " Co.Ltd.", ", Inc.", " Corp.", " G.K.", " LLC", " (Japan)", "/Trading")
		a.Organization.NameJA = pick("form", "株式会社", "（株）", "㈱", "合同会社", "一般社団法人 ") + pick("middle", "サンプル", "さんぷる・商事", "ＡＢＣサンプル", "サンプル２１", "サンプル。", "Ｓ．サンプル", "サンプルＣｏ．")
		a.TechnicalContact.FamilyName = pick("family", "Shinsei", "O'Sample", "Sample-Shinsei", "St. Sample", "Ōta", "de la Sample")
		a.TechnicalContact.GivenName = pick("given", "Tarou", "T.", "J. R.", "Tarou, Jr.", "J.R.", "Jean-Tarou")
		a.Representative.FamilyNameJA = pick("family", "申請", "佐々・木", "ヴァン サンプル", "申請ー")
		a.Representative.Department = pick("department", "営業部", "営業部 第１課", "IT・DX推進室", "R&D Dept.", "Sales/Marketing", "Info. Sys. Div.", "総務部（東京）")
		n, err := Validate(a, guide())
		if err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
		for _, s := range []string{n.Application.Organization.Name, n.Application.Organization.NameJA, n.Application.TechnicalContact.FamilyName, n.Application.TechnicalContact.GivenName} {
			if Unlinked(s) != s {
				t.Fatalf("%q is written %q", s, Unlinked(s))
			}
		}
	})
}
