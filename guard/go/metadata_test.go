package guard

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestBothAddressesAreAsTheirDocumentsHaveThem(t *testing.T) {
	for issuer, want := range map[string][2]string{
		"https://id.example/t/acme": {
			"https://id.example/t/acme/.well-known/openid-configuration",
			"https://id.example/.well-known/oauth-authorization-server/t/acme",
		},
		"https://id.example/": {
			"https://id.example/.well-known/openid-configuration",
			"https://id.example/.well-known/oauth-authorization-server",
		},
	} {
		openID, oauth := metadataAddresses(issuer)
		mustEqual(t, openID, want[0], issuer)
		mustEqual(t, oauth, want[1], issuer)
	}
}

func TestCacheControlIsRead(t *testing.T) {
	for line, want := range map[string]time.Duration{
		"public, max-age=300": 300 * time.Second, `Max-Age="7"`: 7 * time.Second, "no-store": 0, "no-cache,max-age=9": 0,
		"public": -1, "": -1, "max-age": -1, "max-age=-1": -1, "s-maxage=4": -1,
		"max-age=99999999999999999999": (1<<31 - 1) * time.Second,
	} {
		mustEqual(t, maxAge(line), want, line)
	}
}

func TestMetadataOfHTTPSNamesNothingElse(t *testing.T) {
	const issuer = "https://id.example"
	for changed, want := range map[string]bool{
		`"jwks_uri":"https://id.example/k"`:                                                true,
		`"jwks_uri":"https://id.example/k","token_endpoint":null`:                          true,
		`"jwks_uri":"http://id.example/k"`:                                                 false,
		`"jwks_uri":"https://id.example/k","token_endpoint":"http://id.example/t"`:         false,
		`"jwks_uri":"https://id.example/k","introspection_endpoint":"http://id.example/i"`: false,
		`"jwks_uri":null`:                   false,
		`"JWKS_URI":"https://id.example/k"`: false,
	} {
		document, err := readObject([]byte(`{"issuer":"` + issuer + `",` + changed + `}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = readMetadata(document.withoutNulls(), issuer)
		mustEqual(t, err == nil, want, changed)
	}
}

// at is an issuer that answers so by its path.
func at(answers map[string]int) *http.Client {
	return newClient(carrier(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder()
		answer.WriteHeader(answers[r.URL.Path])
		writeJSON(answer, members{"issuer": acme, "jwks_uri": acme + "/jwks"})
		return answer.Result(), nil
	}))
}

func TestTheSecondAddressIsAskedWhereTheFirstRefuses(t *testing.T) {
	const first, second = "/acme/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/acme"
	for _, one := range []struct {
		first, second      int
		isRead, isNotThere bool
	}{
		{200, 500, true, false},
		{404, 200, true, false},
		{500, 200, true, false},
		{404, 410, false, true},
		{500, 404, false, false},
		{404, 500, false, false},
		{302, 200, false, false},
	} {
		_, err := fetchMetadata(t.Context(), at(map[string]int{first: one.first, second: one.second}), acme)
		mustEqual(t, err == nil, one.isRead, "it is read")
		mustEqual(t, errors.Is(err, errNotThere), one.isNotThere, "it is not there")
	}
}
