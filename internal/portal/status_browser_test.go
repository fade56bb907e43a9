package portal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// TestStatusPagesAreAccessible looks at the page in every state, at the way to it and at what is asked before a cancellation.
func TestStatusPagesAreAccessible(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	traffic := chromium.Watch(t, tab)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language)
		look := func(name, path string) {
			traffic.Reset()
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+path)))
			requireCheap(t, traffic, name, "")
			chromium.Axe(t, tab, name+" "+string(language))
		}
		for state, change := range states() {
			s.record.orders[number] = full(language, change)
			look("status "+state, s.page()+"?lang="+string(language))
		}
		s.record.orders[number] = full(language, nil)
		look("status checked", s.page()+"?done=checked&lang="+string(language))
		is(t, tab, `document.querySelector("details").open = true`, "")
		chromium.Axe(t, tab, "status method "+string(language))
		look("cancel", s.page()+"/cancel?lang="+string(language))
		look("find", "/status?lang="+string(language))
		look("find sent", "/status?done=sent&lang="+string(language))
	}
}

// TestStatusPagesFitTheScreen: what is certified beside what was entered, what staff have to choose, a settled link and a form that was sent too
// often, on a small phone.
func TestStatusPagesFitTheScreen(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language, func(c *portal.Config) { c.Limits.Mails = 1 })
		fits := func(name string, steps ...chromedp.Action[chromedp.Void]) {
			require.NoError(t, chromedp.Do(tab, steps...))
			for _, v := range views(t) {
				v.show(t, tab, name+"-"+string(language))
				width, err := chromedp.Run(tab, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
				require.NoError(t, err)
				require.Equal(t, v.width, width, name)
			}
		}
		query := "?lang=" + string(language)
		for _, state := range []string{"corrected", "review-undecided", "issued", "revoked"} {
			s.record.orders[number] = full(language, states()[state])
			fits("status-"+state, chromedp.Navigate(s.URL+s.page()+query))
		}
		s.record.orders[number] = full(language, organizationStage)
		fits("approve-settled", chromedp.Navigate(s.URL+"/approve/"+s.approval+query))
		for range 2 {
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/status"+query), write("#order_number", number), write("#contact_email", "technical@example.co.jp")))
			_, err := chromedp.RunResponse(tab, tap("main button"))
			require.NoError(t, err)
		}
		fits("find-too-many")
	}
}

// TestStatusInABrowserWithoutScripts goes every way of the page in a browser that runs no scripts.
func TestStatusInABrowserWithoutScripts(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t, chromium.WithoutScripts())
	for _, row := range []struct {
		language order.Language
		state    string
		steps    []chromedp.Action[chromedp.Void] // the last one sends the form
		says     string
		sent     order.CommandName
	}{
		{order.Japanese, "dns-txt", inTurn(tap(`#check`)), "まだ見つかりません", order.CmdDomainCheckNow},
		{order.English, "email", inTurn(tap(`#resend`)), "The mails are on their way.", order.CmdChallengeResent},
		{order.Japanese, "inquiry", inTurn(write(`#answer`, "後者です。"), tap(`#answer-send`)), "ご回答を受け付けました", order.CmdInquiryAnswered},
		{order.English, "dns-txt", inTurn(tap(`summary`), tap(`#dcv_method`), tap(`details button`)), "The method has been changed.", order.CmdDomainMethodChanged},
		{order.English, "dns-txt", inTurn(tap(`.cancel a`), write(`#reason`, "no longer needed"), tap(`.danger`)), "The cancellation has been received.", order.CmdOrderCancelled},
		{order.Japanese, "issued", inTurn(tap(`#download-send`)), "ダウンロードのリンクをお送りします", ""},
	} {
		s := at(t, row.state, row.language)
		require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+s.page()+"?lang="+string(row.language))))
		last := len(row.steps) - 1
		require.NoError(t, chromedp.Do(tab, row.steps[:last]...))
		res, err := chromedp.RunResponse(tab, row.steps[last])
		require.NoError(t, err)
		require.EqualValues(t, 200, res.Status)
		text, err := chromedp.Run(tab, chromedp.Text(".done"))
		require.NoError(t, err)
		require.Contains(t, text, row.says)
		if row.sent != "" {
			require.Len(t, s.engine.commands(), 1)
			require.Equal(t, row.sent, s.engine.commands()[0].Name())
		}
		reload, err := chromedp.Run(tab, chromedp.Evaluate[bool](`document.querySelector(".unscripted")?.hidden === false || document.querySelector("[data-final]") !== null`))
		require.NoError(t, err)
		require.True(t, reload, "without scripts a link shows the latest state")
	}
}

func inTurn(all ...chromedp.Action[chromedp.Void]) []chromedp.Action[chromedp.Void] { return all }
func tap(selector string) chromedp.Action[chromedp.Void]                            { return chromedp.Click(selector) }

func write(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(selector, text)
}

// TestFindInABrowserWithoutScripts asks for a link and hears that it is on its way.
func TestFindInABrowserWithoutScripts(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t, chromium.WithoutScripts())
	for language, says := range map[order.Language]string{order.Japanese: "受け付けました", order.English: "Thank you"} {
		s := open(t, language)
		require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/status?lang="+string(language)),
			write("#order_number", number), write("#contact_email", "technical@example.co.jp")))
		_, err := chromedp.RunResponse(tab, tap("main button"))
		require.NoError(t, err)
		text, err := chromedp.Run(tab, chromedp.Text(".done"))
		require.NoError(t, err)
		require.Contains(t, text, says)
		require.Equal(t, []string{number + " technical@example.co.jp"}, s.desk.mailed)
	}
}

// TestStatusRefreshesItself: what changes appears without a reload, and takes away neither what is being typed nor the place.
func TestStatusRefreshesItself(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	traffic := chromium.Watch(t, tab)
	s := at(t, "inquiry", order.Japanese)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+s.page()+"?done=checked"), write("#answer", "書きかけの回答")))
	is(t, tab, `location.search === ""`, "a reload does not tell the outcome again")
	is(t, tab, `document.querySelector(".unscripted").hidden && !document.querySelector(".scripted").hidden`, "no link to reload is needed")

	s.become(func(o *order.Status) { states()["inquiry"](o); organizationStage(o) })
	refresh(t, tab)
	until(t, tab, `document.querySelectorAll("#line .mark-done").length === 2`)
	is(t, tab, `document.activeElement.id === "answer" && document.activeElement.value === "書きかけの回答"`, "the answer and the place in it stay")
	is(t, tab, `!document.querySelector("#work").textContent.includes("DNS")`, "the record is not asked for any more")

	s.become(func(o *order.Status) { states()["issued"](o) })
	refresh(t, tab)
	until(t, tab, `document.querySelector("[role=status]").textContent === "証明書を発行しました。"`)
	is(t, tab, `document.querySelector("#answer").value === "書きかけの回答"`, "nothing typed is lost")
	asked := len(traffic.Requests())
	refresh(t, tab)
	refresh(t, tab)
	is(t, tab, `true`, "the tab answers")
	require.Len(t, traffic.Requests(), asked, "an order that has ended is not asked for")
	require.Empty(t, traffic.Errors())
}

// TestStatusSurvivesAPortalThatIsAway: the page stays as it is and goes on when the record answers again.
func TestStatusSurvivesAPortalThatIsAway(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	s := at(t, "dns-txt", order.English)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+s.page())))
	s.away(fault.New(fault.Unavailable, "record.unavailable", "停止中", "down"))
	refresh(t, tab)
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "status=503") }, 20*time.Second, 20*time.Millisecond)
	is(t, tab, `document.querySelector("#check") !== null`, "the page is still there")
	s.away(nil)
	s.become(organizationStage)
	refresh(t, tab)
	until(t, tab, `document.querySelector("#check") === null`)
}

func TestCopyingAValue(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	s := at(t, "dns-txt", order.English)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+s.page())))
	is(t, tab, `navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }, true`, "")
	require.NoError(t, chromedp.Do(tab, tap(".values > div:last-child .copy")))
	until(t, tab, `globalThis.copied === "h7k2m9p4q3r8s5t6v2w7x4y9z3a8b5c6" && document.querySelector(".values > div:last-child .copy").textContent === "Copied"`)
	is(t, tab, `navigator.clipboard.writeText = async () => { throw new DOMException("no"); }, true`, "")
	require.NoError(t, chromedp.Do(tab, tap(".values > div:first-child .copy")))
	until(t, tab, `getSelection().toString() === "example.co.jp"`)
}

// become changes the order behind the page.
func (s *site) become(change func(*order.Status)) {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.orders[number] = full(s.record.orders[number].Language, change)
}

// away makes the record answer with the fault, nil for its return.
func (s *site) away(f error) {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.down = f
}

// refresh does what looking at the page again does: it asks at once.
func refresh(t *testing.T, tab context.Context) {
	t.Helper()
	is(t, tab, `document.dispatchEvent(new Event("visibilitychange"))`, "")
}

func is(t *testing.T, tab context.Context, expression, why string) {
	t.Helper()
	got, err := chromedp.Run(tab, chromedp.Evaluate[bool](expression))
	require.NoError(t, err, expression)
	require.True(t, got, "%s: %s", why, expression)
}

func until(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	_, err := chromedp.Run(tab, chromedp.Poll[bool](expression))
	require.NoError(t, err, expression)
}
