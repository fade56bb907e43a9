package mailbox

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzParse shows that no mail stops the mailbox, that every link is a web address, and that the page shows the whole text.
func FuzzParse(f *testing.F) {
	f.Add([]byte("Subject: x\r\nDelivered-To: a@example.jp\r\n\r\nhttps://example.com/a. 次（https://example.com/b）\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href=https://example.com>"))
	f.Add([]byte("\x00\xff:\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := parse("000001", raw)
		for _, l := range m.Links {
			if !strings.HasPrefix(l, "http://") && !strings.HasPrefix(l, "https://") {
				t.Errorf("link %q", l)
			}
		}
		var whole strings.Builder
		for _, p := range pieces(m.Text) {
			fmt.Fprint(&whole, p.Text)
		}
		if whole.String() != m.Text {
			t.Errorf("the page shows %q of %q", whole.String(), m.Text)
		}
	})
}
