package mail

// GuideBrand returns the values of the service guide (G14, G17, G21). Only the development stack and tests use it: an
// operator sets their own.
func GuideBrand() Brand {
	return Brand{
		Product: Words{JA: "セキュアメールID", EN: "Secure Mail ID"},
		Company: Words{JA: "デジサート・ジャパン合同会社", EN: "DigiCert Japan G.K."},
		Support: Support{
			URL:      "https://knowledge.digicert.com/ja/jp/solution/SOT0019.html",
			PhoneURL: "https://knowledge.digicert.com/ja/jp/solution/SO29717.html",
		},
		TermsURL: "https://www.digicert.com/legal-repository/master-services-agreement-JP.pdf",
		From: Senders{
			Validation: "no-reply@digitalcertvalidation.com",
			Issue:      "DigiCert <admin@digicert.com>",
			Order:      "デジサート・ジャパン合同会社 <updates@digicert.com>",
		},
		MessageIDDomain: "digicert.com",
		Subjects: Subjects{
			DomainApproval:    "Please validate ownership of your domain {domain}",
			Receipt:           Words{JA: "セキュアメールID申請完了のご連絡（オーダー番号 {number}）", EN: "Secure Mail ID: your application has been received (order {number})"},
			IssuedCertificate: Words{JA: "DigiCert：S/MIME証明書 発行のお知らせ", EN: "DigiCert: your S/MIME certificate has been issued"},
			IssuedContact:     Words{JA: "DigiCert: デジサートジャパン より証明書のご案内", EN: "DigiCert: your certificate from DigiCert Japan"},
		},
	}
}
