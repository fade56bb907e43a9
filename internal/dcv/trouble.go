package dcv

import "securemailid.example/internal/fault"

// Trouble is a reason for which a look at the world brought no answer that could be judged.
type Trouble string

// What can go wrong between us and the domain's servers. The value is stable and goes into Observation.Problem.
const (
	DNSTimeout        Trouble = "dns-timeout"
	DNSServerFailure  Trouble = "dns-server-failure"
	DNSRefused        Trouble = "dns-refused"
	DNSBogus          Trouble = "dns-bogus" // DNSSEC validation failed (C10, C11)
	DNSMalformed      Trouble = "dns-malformed"
	DNSAliasLoop      Trouble = "dns-alias-loop"
	AddressMissing    Trouble = "address-missing"
	AddressForbidden  Trouble = "address-forbidden"
	ConnectFailed     Trouble = "connect-failed"
	ResponseTimeout   Trouble = "response-timeout"
	ResponseMalformed Trouble = "response-malformed"
	TLSFailed         Trouble = "tls-failed"
	RedirectForbidden Trouble = "redirect-forbidden" // A11
	RedirectTooMany   Trouble = "redirect-too-many"
)

// Failed is the finding for a look that ran into t.
func Failed(c Challenge, t Trouble) Finding {
	code, ja, en := t.words()
	return Finding{Code: code, Text: text(ja, en, c.Domain)}
}

// Text says what happened and what to do about it.
func (t Trouble) Text(domain string) fault.Text {
	_, ja, en := t.words()
	return text(ja, en, domain)
}

// words returns the finding's code and the sentences; both name the domain once.
func (t Trouble) words() (code, ja, en string) {
	switch t {
	case DNSTimeout:
		return CodeUnreachable, "%s の DNS サーバーから時間内に応答がありません。DNS サーバーの状態をご確認ください。自動的に再確認します。",
			"The DNS servers of %s did not answer in time. Please check them; we will look again by ourselves."
	case DNSServerFailure:
		return CodeUnreachable, "%s の DNS サーバーがエラー（SERVFAIL）を返しました。DNS の設定をご確認ください。自動的に再確認します。",
			"The DNS servers of %s answered with an error (SERVFAIL). Please check the DNS settings; we will look again by ourselves."
	case DNSRefused:
		return CodeUnreachable, "%s の DNS の問い合わせが拒否されました（REFUSED）。DNS の設定をご確認ください。自動的に再確認します。",
			"The DNS query for %s was refused (REFUSED). Please check the DNS settings; we will look again by ourselves."
	case DNSBogus:
		return CodeRefused, "%s の DNSSEC の検証に失敗したため、応答を使用できません。署名と DS レコードをご確認ください。",
			"The DNSSEC validation of %s failed, so that the answer cannot be used. Please check its signatures and DS records."
	case DNSAliasLoop:
		return CodeRefused, "%s の CNAME が循環しているか、長すぎます。CNAME の設定をご確認ください。",
			"The CNAME records of %s form a loop or too long a chain. Please check them."
	case AddressMissing:
		return CodeUnreachable, "%s のウェブサーバーの IP アドレスが DNS にありません。A または AAAA レコードをご確認ください。",
			"DNS gives no IP address for the web server of %s. Please check its A or AAAA records."
	case AddressForbidden:
		return CodeRefused, "%s の IP アドレスはインターネットから到達できない範囲のため、確認できません。公開アドレスを設定してください。",
			"The IP address of %s is not one of the public internet, so that it cannot be checked. Please use a public address."
	case ConnectFailed:
		return CodeUnreachable, "%s のウェブサーバーに接続できません。ポート 80 が公開されているかご確認ください。",
			"The web server of %s cannot be reached. Please check that port 80 is open to the internet."
	case ResponseTimeout:
		return CodeUnreachable, "%s のウェブサーバーが時間内に応答しません。サーバーの状態をご確認ください。自動的に再確認します。",
			"The web server of %s did not answer in time. Please check it; we will look again by ourselves."
	case TLSFailed:
		return CodeRefused, "%s からの転送先（https）のサーバー証明書を検証できません。証明書をご確認いただくか、http のまま公開してください。",
			"The server certificate of the https address that %s redirects to cannot be verified. Please check it, or serve the file by plain http."
	case RedirectForbidden:
		return CodeRefused, "%s のウェブサーバーの転送先は使用できません。転送は 301・302・307・308 で、http または https のポート 80・443 に限ります。",
			"The web server of %s redirects to where we may not follow. Only 301, 302, 307 and 308 to http or https on ports 80 and 443 are allowed."
	case RedirectTooMany:
		return CodeRefused, "%s のウェブサーバーの転送回数が多すぎます。転送せずにファイルを公開してください。",
			"The web server of %s redirects too often. Please serve the file without redirects."
	case DNSMalformed, ResponseMalformed:
		return CodeUnreachable, "%s のサーバーの応答を解釈できません。サーバーの設定をご確認ください。自動的に再確認します。",
			"The answer from the servers of %s cannot be understood. Please check them; we will look again by ourselves."
	default:
		return CodeUnreachable, "%s を確認できませんでした。自動的に再確認します。", "%s could not be checked; we will look again by ourselves."
	}
}
