package lint

import "encoding/asn1"

// subjectEncoding: PrintableString or UTF8String, the country PrintableString, one attribute to each part of the name.
func subjectEncoding() certificateLint {
	return certificateLint{
		name: "mailid_subject_encoding", citation: "RFC 5280 4.1.2.4, A.1; SBR 7.1.4.2.2d", effective: rfc5280(),
		check: func(in input) string {
			name, _, ok := element(in.cert.RawSubject)
			for rest := name.Bytes; ok && len(rest) > 0; {
				var part asn1.RawValue
				if part, rest, ok = element(rest); !ok {
					break
				}
				attribute, more, found := element(part.Bytes)
				if !found || len(more) > 0 {
					return "a part of the subject is not one attribute alone"
				}
				oid, value, found := element(attribute.Bytes)
				text, _, readable := element(value)
				if !found || !readable || !stringType(oid, text) {
					return "a subject attribute is neither PrintableString nor UTF8String, or the country not PrintableString"
				}
			}
			if !ok {
				return "the subject cannot be read"
			}
			return ""
		},
	}
}

func stringType(oid, text asn1.RawValue) bool {
	country := string(oid.Bytes) == "\x55\x04\x06" // 2.5.4.6
	return text.Class == asn1.ClassUniversal && (text.Tag == asn1.TagPrintableString || !country && text.Tag == asn1.TagUTF8String)
}
