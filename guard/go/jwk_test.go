package guard

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

const (
	point256 = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	point384 = `"kty":"EC","crv":"P-384","x":"x4zkhO_FMcdId2vyiay5116W5LrpvRlaB0OR1qt1xXTc7RcjnS9KgJFM0m2SUvN3","y":"80g00hXHZZMULpBvl0pks4YoyyJMgvkSL8tsqNbBnamTYIi_WbL7fs7VJlkxlV2e"`
	point521 = `"kty":"EC","crv":"P-521","x":"ABnbGBRtkRNrq_iwwYgvDrhdMnP0IDpCX__QGATo4bSnwUiRMOXOzBy_N-wB6OPJ-4OZCSWO8g9FDCAII8jaYR-O","y":"AZlz10vRxot1Tnp2XEp9jjI9EzhlpUeiP0O4EnFRRDFNT8AOBcXQ-pCmSTZM6ah7hWDUi9Y0SfNuZEDtmY_LYC0D"`
	edwardsX = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
)

// modulus is a key of RSA with so many bits, as far as it is looked at.
func modulus(bits int) string {
	n := make([]byte, bits/8)
	for at := range n {
		n[at] = 0xff
	}
	return `"kty":"RSA","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(n) + `"`
}

func TestAKeyVerifiesByItsKindAndByWhatItIsFor(t *testing.T) {
	const rsas = "RS256 RS384 RS512 PS256 PS384 PS512"
	for jwk, want := range map[string]string{
		point256:                                   "ES256",
		point256 + `,"alg":"ES256"`:                "ES256",
		point256 + `,"alg":null`:                   "ES256",
		point256 + `,"use":"sig"`:                  "ES256",
		point256 + `,"x5c":["no"]`:                 "ES256",
		point256 + `,"use":"enc"`:                  "",
		point256 + `,"alg":"ES384"`:                "",
		point256 + `,"alg":"RS256"`:                "",
		point256 + `,"alg":"HS256"`:                "",
		point256 + `,"alg":7`:                      "",
		point256 + `,"kid":7`:                      "",
		edwardsX:                                   "EdDSA Ed25519",
		edwardsX + `,"alg":"EdDSA"`:                "EdDSA",
		edwardsX + `,"alg":"Ed25519"`:              "Ed25519",
		modulus(2048):                              rsas,
		modulus(2048) + `,"alg":"PS384"`:           "PS384",
		modulus(2048) + `,"alg":"RSA-OAEP"`:        "",
		modulus(1024):                              "",
		`"kty":"oct","k":"c2VjcmV0"`:               "",
		`"kty":"oct","k":"c2VjcmV0","alg":"HS256"`: "",
		`"kty":"XX"`:                               "",
		`"kid":"a"`:                                "",
		strings.Replace(point256, "f83", "g83", 1): "",
	} {
		key, err := usableKey(json.RawMessage("{" + jwk + "}"))
		got := ""
		if err == nil {
			for _, algorithm := range key.algorithms {
				got += " " + string(algorithm)
			}
		}
		mustEqual(t, strings.TrimSpace(got), want, jwk)
	}
}

func TestOneKeyOfASetThatIsOddSpoilsNoOther(t *testing.T) {
	set, err := readObject([]byte(`{"keys":[7,null,{"kty":"XX"},{` + point256 + `,"kid":"one"},{"kty":"EC"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := usableKeys(set, nil)
	mustEqual(t, err == nil && len(keys) == 1, true, "one is usable")
	again, _ := usableKeys(set, keys)
	mustEqual(t, again[0] == keys[0], true, "it is the same")
	set, _ = readObject([]byte(`{"keys":[{` + point256 + `,"kid":"two"}]}`))
	other, _ := usableKeys(set, keys)
	mustEqual(t, other[0] == keys[0], false, "another name is another key")
	for _, odd := range []string{`{}`, `{"keys":null}`, `{"keys":{}}`, `{"Keys":[]}`} {
		set, _ = readObject([]byte(odd))
		if _, err := usableKeys(set, nil); err == nil {
			t.Error(odd)
		}
	}
}

func TestEd25519GoesByBothItsNames(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := jose.JSONWebKey{Key: public}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	key, err := usableKey(jwk)
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{"EdDSA", "Ed25519", "ES256"} {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q}`, algorithm))
		signature := ed25519.Sign(private, []byte(header+".e30"))
		token := header + ".e30." + base64.RawURLEncoding.EncodeToString(signature)
		_, err := key.verify(token)
		mustEqual(t, err == nil, algorithm != "ES256", algorithm)
		signature[0] ^= 1
		_, err = key.verify(header + ".e30." + base64.RawURLEncoding.EncodeToString(signature))
		mustEqual(t, err == nil, false, "another signature")
	}
}
