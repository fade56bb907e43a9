package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// web is a browser of somebody who follows an order.
type web struct {
	*world
	client *http.Client
}

func (w *world) browse() *web {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	return &web{world: w, client: &http.Client{Jar: jar}}
}

// open returns a page, which must be there.
func (b *web) open(address string) string {
	b.t.Helper()
	status, page, err := b.fetch(b.ctx, b.client, address, nil)
	require.NoError(b.t, err)
	require.Equal(b.t, http.StatusOK, status, "%s", page)
	return string(page)
}

// send fills in the form of a page that is sent to the address and returns the page to which that leads.
func (b *web) send(page, address string, fields url.Values) string {
	b.t.Helper()
	to, err := url.Parse(address)
	require.NoError(b.t, err)
	hidden := regexp.MustCompile(`(?s)action="` + regexp.QuoteMeta(to.Path) + `"[^>]*>\s*<input type="hidden" name="form_token" value="([^"]+)"`).FindStringSubmatch(page)
	require.NotNil(b.t, hidden, "no form that is sent to %s", to.Path)
	form := url.Values{"form_token": {hidden[1]}}
	for name, values := range fields {
		form[name] = values
	}
	status, answer, err := b.fetch(b.ctx, b.client, address, form)
	require.NoError(b.t, err)
	require.Equal(b.t, http.StatusOK, status, "%s", answer)
	return string(answer)
}

// TestAnApplicantFollowsAnOrderAndActs goes from the link in the receipt to the certificate by what the status page offers.
func TestAnApplicantFollowsAnOrderAndActs(t *testing.T) {
	t.Parallel()
	w := quiet.enter(t) // where nobody looks but who is asked to
	number := w.order(order.DCVFile)
	contact := contactOf(w.challenge(number).Domain)
	b := w.browse()
	page := linkIn(t, w.mail(contact, "申請完了のご連絡"), "/status/")
	require.Contains(t, b.open(page), w.challenge(number).Instruction().FileURL)

	text := b.send(b.open(page), page+"/method", url.Values{"dcv_method": {"dns-cname"}})
	c := w.challenge(number)
	require.Contains(t, text, c.Instruction().RecordName)
	again := linkIn(t, w.mail(contact, "DNSレコードの登録"), "/status/")
	require.NotEqual(t, page, again, "each mail has a link of its own")

	require.NoError(t, w.Lab.SetCNAME(c.Instruction().RecordName, "elsewhere.example.com"))
	text = b.send(b.open(again), again+"/check", nil)
	require.Contains(t, text, "まだ見つかりません")
	require.Contains(t, text, "指す先が異なります: “elsewhere.example.com")
	require.Equal(t, []string{"applicant"}, actors(w.status(number), string(order.CmdDomainCheckNow)))

	w.command(number, order.InquiryOpened{Actor: staff, Question: "部署名はどちらですか。"})
	question := linkIn(t, w.mail(contact, "確認のお願い"), "/status/")
	text = b.send(b.open(question), question+"/answer", url.Values{"answer": {"一つ目です。\r\n以上"}})
	require.Contains(t, text, "ご回答を受け付けました")
	require.Equal(t, "一つ目です。\n以上", w.status(number).Inquiries[0].Answer)

	w.publish(c)
	w.until("a check to be allowed again", func(context.Context) error {
		if time.Since(w.status(number).Challenge.LastCheckAt) < 11*time.Second {
			return errors.New("too soon")
		}
		return nil
	})
	require.Contains(t, b.send(b.open(page), page+"/check", nil), "ドメイン名の認証が完了しました")
	w.phone(number)
	w.await(number, "the notices to have gone out", func(s order.Status) bool {
		return s.State == order.Issued && !slices.ContainsFunc(s.Letters, func(l order.LetterView) bool { return l.State != order.LetterSent })
	})
	text = b.open(page)
	require.Contains(t, text, "証明書を発行しました")
	require.Contains(t, b.send(text, page+"/download", nil), "メールは少し前にお送りして", "the notice has just gone out")
	require.Len(t, w.received(contact, "証明書のご案内"), 1)
}

// TestAFreshLinkComesByMail: for the right number and address, also after the order's workflow has ended, and for nobody else.
func TestAFreshLinkComesByMail(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	contact := contactOf(w.challenge(number).Domain)
	b := w.browse()
	text := b.open(linkIn(t, w.mail(contact, "申請完了のご連絡"), "/status/"))
	page := w.PortalURL + regexp.MustCompile(`/status/[\w-]{43}`).FindString(text)
	text = b.send(b.open(page+"/cancel"), page+"/cancel", url.Values{"reason": {"不要になりました"}})
	require.Contains(t, text, "取消しを受け付けました")
	w.awaitState(number, order.Cancelled)
	w.closed(number)

	find := w.PortalURL + "/status"
	ask := func(number, email string) {
		require.Contains(t, b.send(b.open(find), find, url.Values{"order_number": {number}, "contact_email": {email}}), "一致していれば")
	}
	ask(number, "other@example.com")
	ask("1000000000", contact)
	ask(number, contact)
	ask(number, contact)
	fresh := linkIn(t, w.mail(contact, "状況を確認するリンク"), "/status/")
	require.Contains(t, b.open(fresh), "このお申し込みは取り消されました")
	w.until("the letter to be delivered", func(context.Context) error {
		for _, l := range w.status(number).Letters {
			if l.Kind == order.LetterStatusLink && l.State == order.LetterSent {
				return nil
			}
		}
		return errors.New("not yet")
	})
	require.Len(t, w.received(contact, "状況を確認するリンク"), 1, "one mail in ten minutes")
	require.Empty(t, w.received("other@example.com", ""))
}
