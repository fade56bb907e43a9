package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"securemailid.example/internal/fault"
)

// The failures that the portal itself finds. Faults of other rooms keep their own texts.
var (
	errNoPage = fault.New(fault.NotFound, "http.no-page", "お探しのページはありません。アドレスをもう一度お確かめください。",
		"There is no such page. Please check the address.")
	errMethod = fault.New(fault.Invalid, "http.method", "このページではこの操作は行えません。メールのリンクからもう一度お開きください。",
		"This page does not take that kind of request. Please open it again from the link in the mail.")
	errTooLarge = fault.New(fault.Invalid, "http.too-large", "送信された内容が大きすぎます。", "What was sent is too large.")
	errBadForm  = fault.New(fault.Invalid, "http.bad-form", "送信された内容を読み取れません。", "What was sent cannot be read.")
	errTooMany  = fault.New(fault.TooMany, "http.too-many", "短い時間に多くのアクセスがありました。1分ほど待ってから、もう一度お試しください。",
		"There were too many requests in a short time. Please wait a minute and try again.")
	errTooManyLinks = fault.New(fault.TooMany, "find.too-many",
		"リンクのご依頼が短い時間に続いたため、今回は受け付けていません。メールはお送りしていません。1分ほど待ってから、もう一度ボタンを押してください。",
		"Links were asked for many times in a short time, so this request was not taken and no mail was sent. Please wait a minute and press the button again.")
	errPanic = fault.Public(errors.New("panic")) // the panic itself has been logged
	errBusy  = fault.New(fault.Unavailable, "unavailable", "ただいま処理を行えません。しばらくしてから、もう一度お試しください。",
		"We cannot do this at the moment. Please try again in a few minutes.")
	errOrigin = fault.New(fault.Forbidden, "http.cross-origin", "ほかのサイトから送信された操作は受け付けません。",
		"Requests sent by another site are not accepted.")
	errForm = fault.New(fault.Forbidden, "http.form-token",
		"このブラウザーに表示した画面からの送信であることを確認できませんでした。Cookieを有効にして、もう一度ページを開いてください。",
		"We could not see that this was sent from the page that we showed to this browser. Please allow cookies and open the page again.")

	errFormTooLarge = fault.New(fault.Invalid, "form.too-large",
		"送信された内容が大きすぎます（上限64 KiB）。CSRの欄やファイルには、CSR（数KB）だけを入れてください。ブラウザーの「戻る」で入力画面に戻れます。",
		"What was sent is larger than 64 KiB. Put only the CSR, which has a few KB, into its field or file. The browser's back button leads to the form.")
	errTooManyForms = fault.New(fault.TooMany, "form.too-many",
		"短い時間に多くの送信がありました。1分ほど待ってから、もう一度ボタンを押してください。",
		"The form was sent many times in a short time. Please wait a minute and press the button again.")
	errVoucherGuessing = fault.New(fault.TooMany, "form.voucher-guessing",
		"正しくないバウチャー/クーポン番号の入力が続いたため、受け付けを一時的に止めています。番号をお確かめのうえ、1時間ほど待ってから、もう一度ボタンを押してください。",
		"Too many wrong voucher numbers were tried. Please check the number, wait an hour and press the button again.")
	errOriginalGuessing = fault.New(fault.TooMany, "form.original-guessing",
		"該当しない内容の入力が続いたため、受け付けを一時的に止めています。証明書の情報をお確かめのうえ、1時間ほど待ってから、もう一度ボタンを押してください。",
		"Too many certificates that do not exist were named. Please check what you entered, wait an hour and press the button again.")
	errFormAgain = fault.New(fault.Forbidden, "form.again",
		"このブラウザーに表示した画面からの送信であることを確認できませんでした。Cookieを有効にして、もう一度「申請する」を押してください。まだ受け付けていません。",
		"We could not see that this was sent from the page that we showed to this browser. Please allow cookies and press the button again. Nothing has been handed in yet.")

	errLinkUnknown = fault.New(fault.NotFound, "link.unknown",
		"このリンクは正しくありません。メールのリンクが途中で改行されている場合は、1行につなげてブラウザーのアドレス欄に貼り付けてください。",
		"This link is not right. If your mail program broke it into two lines, join them and paste the whole link into the address bar.")
	errLinkUsed = fault.New(fault.Conflict, "link.used",
		"このリンクからの回答は、すでに受け付けています。あらためて行っていただくことはありません。",
		"An answer has already been given by this link. There is nothing more to do.")
	errLinkReplaced = fault.New(fault.Conflict, "link.replaced",
		"新しい承認メールをお送りしたか、認証方式が変更されたため、このリンクは使えなくなりました。新しいメールが届いている場合は、最も新しいメールのリンクをお開きください。",
		"A newer mail has been sent, or another method was chosen, so this link no longer works. If a newer mail has come, please open the link in the latest one.")
	errLinkExpired = fault.New(fault.Conflict, "link.expired",
		"このリンクの有効期限が過ぎました。必要な場合は、メールの再送をサポートまたは申請の技術担当者にご依頼ください。",
		"This link has expired. If you still need it, please ask our support or the technical contact of the application to have the mail sent again.")
	errStatusExpired = fault.New(fault.Conflict, "link.status-expired",
		"このリンクの有効期限が過ぎました。ページ下部の「お申し込み状況の確認」から、新しいリンクをお取り寄せください。",
		"This link has expired. Please have a new one mailed to you by “Follow an application” at the foot of this page.")
	errRenewalExpired = fault.New(fault.Conflict, "link.renewal-expired",
		"このリンクの有効期限が過ぎました。更新は、通常の申請書からお申し込みください。",
		"This link has expired. Please apply by the application form instead.")
	errLinkSettled = fault.New(fault.Conflict, "link.settled",
		"このドメイン名の認証は、ほかの宛先の方の承認などによって、すでに完了しています。行っていただくことはありません。",
		"This domain has already been validated, for example by the approval of another recipient. There is nothing more to do.")
	errLinkClosed = fault.New(fault.Conflict, "link.closed",
		"この申請はすでに終了しています。行っていただくことはありません。", "This application has ended. There is nothing more to do.")

	// The codes of these are those of the order's own refusals.
	errEnded          = fault.New(fault.Conflict, "order.ended", "この申請はすでに終了しています。", "This application has ended.")
	errIssuing        = fault.New(fault.Conflict, "order.issuing", "証明書を発行中のため、取り消せません。", "The certificate is being issued; it is too late to cancel.")
	errMailedTooOften = fault.New(fault.TooMany, "letter.too-often", "案内のメールは少し前にお送りしています。しばらくしてからもう一度お試しください。",
		"These mails have been sent a moment ago. Please try again in a while.")

	errRevokeExpired = fault.New(fault.Conflict, "link.expired",
		"このリンクの有効期限が過ぎました。失効をご希望の場合は、お申し込み状況のページでリンクの送信をもう一度お求めください。",
		"This link has expired. If you still want to revoke the certificate, please ask for another link on the page where the order is followed.")
	errRevokeTooLate = fault.New(fault.Conflict, "certificate.expired", "この証明書の有効期間はすでに終わっているため、失効の必要はありません。",
		"This certificate has expired: there is nothing to revoke.")
	errNotIssued = fault.New(fault.Conflict, "download.not-issued", "証明書はまだ発行されていません。", "The certificate has not been issued yet.")
	errNoFile    = fault.New(fault.NotFound, "pki.unknown", "このCAの証明書またはCRLはありません。", "There is no certificate or CRL of this CA.")
)

// errSubmittedBefore is for a form that was changed after it had become an order.
func errSubmittedBefore(number string) *fault.Error {
	return fault.New(fault.Conflict, "form.submitted",
		"このフォームは、オーダー番号 "+number+" としてすでに受け付けています。下の内容はそのときと異なるため、まだ受け付けていません。もう1件お申し込みになる場合、新規・更新では別のバウチャー/クーポン番号が必要です。",
		"This form has already been handed in as order "+number+". What you see below differs from it and has not been handed in. One more application for a new certificate or a renewal needs another voucher.")
}

// errSubmittedUnfinished is for a form that was changed after an attempt of which no answer came.
func errSubmittedUnfinished(number string) *fault.Error {
	return fault.New(fault.Conflict, "form.unfinished",
		"前回送信された内容（番号 "+number+"）の受け付けは完了していません。下の内容で申請する場合は、もう一度「申請する」を押してください。",
		"What you sent before (number "+number+") was not accepted. To hand in what you see below instead, press the button again.")
}

// statuses are the codes that HTTP tells apart more finely than fault kinds do.
var statuses = map[string]int{
	errMethod.Code:        http.StatusMethodNotAllowed,
	errTooLarge.Code:      http.StatusRequestEntityTooLarge,
	errFormTooLarge.Code:  http.StatusRequestEntityTooLarge,
	errLinkReplaced.Code:  http.StatusGone,
	errLinkExpired.Code:   http.StatusGone,
	errStatusExpired.Code: http.StatusGone, errRenewalExpired.Code: http.StatusGone,
	errLinkClosed.Code: http.StatusGone,
}

// statusOf is the one translation of a fault to HTTP.
func statusOf(f *fault.Error) int {
	if s, ok := statuses[f.Code]; ok {
		return s
	}
	switch f.Kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// publicFault returns what a visitor may know of err.
func publicFault(err error) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal {
		return f
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errBusy.Because(err)
	}
	return fault.Public(errors.New("hidden")).Because(err)
}

// errorView is the error page.
type errorView struct {
	Status int
	Title  string // key of the heading
	Text   fault.Text
	Fields []fault.Field
	Retry  string // address to open again after a form that may be repeated
	Hint   string // key of what is said about that
	Ref    string
}

// report writes err to the log under the reference id of the visit and returns what the visitor may know of it, with its status. Causes
// and the unknown stay in the log.
func (p *portal) report(w http.ResponseWriter, r *http.Request, err error) (*fault.Error, int) {
	f, ref := publicFault(err), visitOf(r).id
	status := statusOf(f)
	switch {
	case status >= http.StatusInternalServerError:
		p.Logger.ErrorContext(r.Context(), "failed", "ref", ref, "route", r.Pattern, "code", f.Code, "error", err, "cause", f.Cause)
	default:
		p.Logger.InfoContext(r.Context(), "refused", "ref", ref, "route", r.Pattern, "code", f.Code)
	}
	if (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "60")
	}
	return f, status
}

// fail answers with the page for err.
func (p *portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	f, status := p.report(w, r, err)
	ref := visitOf(r).id
	v := errorView{Status: status, Title: p.headline(f, status), Text: f.Text, Fields: f.Fields, Ref: ref}
	if r.Method == http.MethodPost && r.Pattern != "" && (!fault.Permanent(f) || f.Kind == fault.Forbidden) {
		v.Retry, v.Hint = r.URL.Path, "error.retry"
		if strings.HasPrefix(r.URL.Path, findPath+"/") { // there nobody answers a question of ours
			v.Hint = "error.retry.status"
		}
	}
	if err := p.render(w, r, status, "error", v); err != nil {
		p.Logger.ErrorContext(r.Context(), "error page", "ref", ref, "error", err)
		plain(w, status, f.Text.JA+"\n"+f.Text.EN+"\n"+ref+"\n")
	}
}

// headline returns the text key of the heading: that of the fault's code if there is one, otherwise that of its kind.
func (p *portal) headline(f *fault.Error, status int) string {
	if key := "error.title." + f.Code; p.texts[key] != (fault.Text{}) {
		return key
	}
	if status == http.StatusMethodNotAllowed || status == http.StatusRequestEntityTooLarge {
		return "error.title." + string(fault.Invalid)
	}
	return "error.title." + string(f.Kind)
}
