package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func byOrganization(n order.NormalizedReissue, name string) order.NormalizedReissue {
	n.Request.Original, n.Original = name, order.CertificateName{Organization: name}
	return n
}

// of gives an issued certificate another address and organisation.
func (r *record) of(c order.Certificate, address, ja, en string) order.Certificate {
	r.t.Helper()
	r.exec(`UPDATE orders SET certificate_email = $2, application = jsonb_set(jsonb_set(application, '{certificate_email}', to_jsonb($2::text)),
		'{organization,name_ja}', to_jsonb($3::text)), subject = jsonb_set(subject, '{organization}', to_jsonb($4::text)) WHERE number = $1`, c.Order, address, ja, en)
	return c
}

func TestIdentifyByOrganization(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	end := time.Date(2027, 11, 21, 12, 0, 0, 0, time.UTC)
	a := r.of(r.issuedUntil(end), "a@example.jp", "見本　商会株式会社", "Mihon Shokai K.K.")
	b := r.of(r.issuedUntil(end), "b@example.jp", "見本商会株式会社", "Mihon Trading Inc.")
	r.of(r.issuedUntil(end.AddDate(0, 0, 1)), "c@example.jp", "見本商会株式会社", "Mihon Shokai K.K.")
	day := dayOf(end)
	for _, row := range []struct {
		say, name string
		want      []string
	}{
		{"in Japanese, whatever the blanks", "見本商会 株式会社", []string{a.Order, b.Order}},
		{"in English, as certified, whatever case and width", "ＭＩＨＯＮ shokai k.k.", []string{a.Order}},
		{"not by a part of it", "見本商会", nil},
		{"nor by a pattern", "%", nil},
		{"nor by nothing", "", nil},
	} {
		found, err := r.Identify(r.ctx(), order.CertificateName{Organization: row.name}, day, day.AddDate(0, 0, 1))
		require.NoError(t, err, row.say)
		var numbers []string
		for _, o := range found {
			numbers = append(numbers, o.Order)
		}
		require.Equal(t, row.want, numbers, row.say)
	}
}

func TestStaffChooseAmongTheCertificatesOfAnOrganization(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	end := time.Date(2027, 11, 21, 12, 0, 0, 0, time.UTC)
	a := r.of(r.issuedUntil(end), "secret-a@example.jp", "見本商会株式会社", "Mihon Shokai K.K.")
	b := r.of(r.issuedUntil(end), "secret-b@example.jp", "見本商会株式会社", "Mihon Shokai K.K.")
	number := r.inReview(byOrganization(requestFor(a), "見本商会株式会社"))

	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Len(t, st.Reissue.Candidates, 2, "staff see what fits")
	st.Reissue, st.Timeline = nil, nil
	shown := fmt.Sprintf("%+v", st)
	for _, hidden := range []string{"secret-a", "secret-b", "Mihon", "Minato-ku", "Chiyoda-ku"} {
		require.NotContains(t, shown, hidden, "whoever knows the organisation's name learns nothing")
	}
	require.Equal(t, "見本商会株式会社", st.Application.Organization.NameJA, "but what they typed")

	held := r.inReview(requestFor(a))
	_, err = r.approve(number, a.Serial)
	isFault(t, err, fault.Conflict, "reissue.held")
	require.Contains(t, fault.Public(err).Text.EN, held, "staff learn which one is in the way")
	_, err = r.approve(number, "")
	isFault(t, err, fault.Invalid, "invalid-fields")
	_, err = r.approve(number, b.Serial)
	require.NoError(t, err)
	st, err = r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, "secret-b@example.jp", st.CertificateEmail)
	require.Equal(t, "Mihon Shokai K.K.", st.Subject.Organization)
	_, err = r.reserveReissue(requestFor(b))
	isFault(t, err, fault.Conflict, "reissue.under-way")
}

func TestAnOrganizationsOnlyCertificateIsChosenByStaffToo(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.of(r.issued(), "secret@example.jp", "見本商会株式会社", "Mihon Shokai K.K.")
	number := r.inReview(byOrganization(requestFor(c), "mihon shokai k.k."))
	st, err := r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Nil(t, st.Reissue.Original)
	require.Empty(t, st.CertificateEmail)
	_, err = r.approve(number, "")
	require.NoError(t, err, "there is only one to choose")
	st, err = r.Order(r.ctx(), number)
	require.NoError(t, err)
	require.Equal(t, "secret@example.jp", st.CertificateEmail)
}

func TestWhatBoundsRequestsByOrganization(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.of(r.issued(), "a@example.jp", "見本商会株式会社", "Mihon Shokai K.K.")
	for range 5 {
		r.inReview(byOrganization(requestFor(c), "見本商会株式会社"))
	}
	_, err := r.reserveReissue(byOrganization(requestFor(c), "見本商会株式会社"))
	isFault(t, err, fault.TooMany, "reissue.too-often")
	r.inReview(requestFor(c)) // who can name the certificate is kept out by none of them

	r.exec(`UPDATE certificates SET revoked_at = now(), revocation_reason = 4`)
	_, err = r.reserveReissue(byOrganization(requestFor(c), "見本商会株式会社"))
	isFault(t, err, fault.NotFound, "reissue.unknown")
}

func TestTooManyCertificatesFit(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	for range 50 {
		r.issued()
	}
	r.exec(`UPDATE certificates SET not_after = $1`, c.NotAfter)
	_, err := r.reserveReissue(byOrganization(requestFor(c), "サンプル商事株式会社"))
	isFault(t, err, fault.Invalid, "invalid-fields")
	require.Equal(t, "reissue.too-many", fault.Public(err).Fields[0].Code)
}
