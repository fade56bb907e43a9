package csr

import (
	"fmt"

	"securemailid.example/internal/fault"
)

// Path is the field that faults about a request name.
const Path = "csr"

func refuse(code, ruleJA, ruleEN, remedyJA, remedyEN string) *fault.Error {
	return &fault.Error{
		Kind: fault.Invalid, Code: "invalid-fields",
		Text: fault.Text{JA: "CSRを受け付けられません。", EN: "The CSR cannot be accepted."},
		Fields: []fault.Field{{
			Path: Path, Code: code,
			Rule:   fault.Text{JA: ruleJA, EN: ruleEN},
			Remedy: fault.Text{JA: remedyJA, EN: remedyEN},
		}},
	}
}

func required() *fault.Error {
	return refuse("required", "CSRは必須です。", "A CSR is required.",
		"-----BEGIN CERTIFICATE REQUEST----- から -----END CERTIFICATE REQUEST----- までを貼り付けてください。",
		"Paste everything from -----BEGIN CERTIFICATE REQUEST----- to -----END CERTIFICATE REQUEST-----.")
}

func tooLong() *fault.Error {
	return refuse("csr.length", fmt.Sprintf("CSRは%d KiB以内です。", maxText>>10), fmt.Sprintf("A CSR has at most %d KiB.", maxText>>10),
		"CSRだけを貼り付けてください。", "Paste the CSR alone.")
}

func malformed() *fault.Error {
	return refuse("csr.malformed", "CSRはPKCS #10形式 (PEMまたはDER) でなければなりません。", "A CSR must be PKCS #10, as PEM or DER.",
		"BEGIN行とEND行を含めて、変更せずに貼り付けてください。", "Paste it unchanged, with its BEGIN and END lines.")
}

func notAlone() *fault.Error {
	return refuse("csr.one", "CSRは1つだけ、前後に何も付けずに入力します。", "There must be exactly one CSR and nothing around it.",
		"BEGIN行からEND行までの1ブロックだけを貼り付けてください。", "Paste one block, from its BEGIN line to its END line.")
}

func certificate() *fault.Error {
	return refuse("csr.certificate", "入力されたものは証明書です。", "This is a certificate.",
		"証明書ではなくCSR (証明書署名要求) を貼り付けてください。", "Paste the certificate signing request instead.")
}

func privateKey() *fault.Error {
	return refuse("csr.private-key", "秘密鍵は誰にも送ってはいけません。入力内容は保存していません。",
		"A private key must never be sent to anybody. What you entered has not been kept.",
		"この鍵は使わず、新しい鍵とCSRを作成して、CSRだけを貼り付けてください。",
		"Treat this key as compromised: make a new key and CSR, and paste the CSR only.")
}

func notRSA() *fault.Error {
	return refuse("csr.algorithm", "公開鍵はRSAでなければなりません。", "The public key must be RSA.",
		"RSA 2048ビットの鍵でCSRを作成してください。", "Make the CSR with an RSA key of 2048 bits.")
}

func wrongSize(bits int) *fault.Error {
	return refuse("csr.key-size", fmt.Sprintf("RSA鍵長は%d以上%d以下の8の倍数です (入力: %d)。", minBits, maxBits, bits),
		fmt.Sprintf("An RSA key has %d to %d bits, a multiple of 8; this one has %d.", minBits, maxBits, bits),
		"RSA 2048ビットの鍵でCSRを作成し直してください。", "Make a new CSR with an RSA key of 2048 bits.")
}

func wrongExponent() *fault.Error {
	return refuse("csr.exponent", "RSA公開指数は65537以上の奇数です。", "The RSA public exponent must be odd and at least 65537.",
		"公開指数65537で鍵を作成し直してください。", "Make a new key with exponent 65537.")
}

func weakKey() *fault.Error {
	return refuse("csr.weak-key", "この鍵は第三者に解読されるおそれがあります (既知の脆弱な鍵)。", "This key is weak: others can compute its private key.",
		"鍵生成に使ったソフトウェアや装置を更新し、新しい鍵を作成してください。", "Update the software or device that made it and make a new key.")
}

func compromised() *fault.Error {
	return refuse("csr.compromised", "この鍵は漏えいした鍵として登録されています。", "This key is on the list of compromised keys.",
		"新しい鍵とCSRを作成してください。", "Make a new key and CSR.")
}

func weakSignature() *fault.Error {
	return refuse("csr.signature-algorithm", "CSRの署名はSHA-256以上のRSA署名でなければなりません。", "The CSR must be signed with RSA and SHA-256 or stronger.",
		"SHA-256を指定してCSRを作成し直してください。", "Make the CSR again with SHA-256.")
}

func badSignature() *fault.Error {
	return refuse("csr.signature", "CSRの署名が公開鍵と一致しません。", "The signature of the CSR does not match its key.",
		"CSRが途中で変わっていないか確認し、作成したままのものを貼り付けてください。", "Paste the CSR exactly as it was made, or make a new one.")
}
