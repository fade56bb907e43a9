package portal_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// TestReissueInABrowser goes from the empty form over its errors, the review and a refusal to the receipt, in both languages, with
// JavaScript and without; axe-core finds nothing on the way.
func TestReissueInABrowser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		language                      order.Language
		scripts                       bool
		form, broken, review, receipt string
	}{
		{order.Japanese, true, "再発行のお申し込み", "エラー", "内容の確認", "受け付けました"},
		{order.Japanese, false, "再発行のお申し込み", "エラー", "内容の確認", "受け付けました"},
		{order.English, true, "issued again", "Error", "Review", "has been received"},
		{order.English, false, "issued again", "Error", "Review", "has been received"},
	} {
		name := string(row.language)
		var options []chromium.Option
		if !row.scripts {
			name, options = name+" without scripts", append(options, chromium.WithoutScripts())
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := chromium.Tab(t, options...)
			traffic := chromium.Watch(t, tab)
			s := open(t, row.language)
			look := func(page string) {
				show(t, tab, page+"-"+string(row.language))
				if row.scripts {
					chromium.Axe(t, tab, page+" "+string(row.language))
				}
			}
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/reissue?lang="+string(row.language))))
			requireHeading(t, tab, row.form)
			requireCheap(t, traffic, "reissue", "")
			look("reissue")

			require.EqualValues(t, 422, click(t, tab, `#reissue .primary`))
			require.Contains(t, evaluate[string](t, tab, "document.title"), row.broken)
			require.Equal(t, evaluate[int](t, tab, `document.querySelectorAll(".broken a").length`), evaluate[int](t, tab, `[...document.querySelectorAll(".broken a")].filter((a) => document.getElementById(a.hash.slice(1))?.matches("input, textarea")).length`), "each line leads to a field")
			look("reissue-broken")

			form := requested(t)
			form.Set("reason", "key-compromise")
			typeIn(t, tab, form)
			if row.scripts {
				require.NoError(t, chromedp.Do(tab, chromedp.WaitVisible("#csr-preview dl")))
			}
			require.EqualValues(t, 200, click(t, tab, `#reissue .primary`))
			requireHeading(t, tab, row.review)
			look("reissue-confirm")

			s.desk.notAgain = fault.New(fault.Conflict, "reissue.expired", "元の証明書は有効期限を過ぎているため、再発行できません。新規にお申し込みください。",
				"The original certificate has expired and cannot be reissued. Please apply for a new certificate.")
			require.EqualValues(t, 409, click(t, tab, toSubmit))
			look("reissue-refused")
			s.desk.notAgain = nil
			require.EqualValues(t, 200, click(t, tab, `#reissue .primary`))
			traffic.Reset()
			require.EqualValues(t, 200, click(t, tab, toSubmit))
			requireHeading(t, tab, row.receipt)
			requireCheap(t, traffic, "reissued", "")
			look("reissue-receipt")
			require.Equal(t, 1, s.desk.accepted())
		})
	}
}
