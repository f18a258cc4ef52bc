// Package guard checks access tokens at a resource server (RFC 9068, RFC 6750), and hears of those that were ended.
//
//	g, err := guard.New(guard.Config{
//		Audience: "https://api.acme.example",
//		Issuers:  []string{"https://id.example/t/acme"},
//		Feed:     &guard.Feed{ClientID: "api", ClientSecret: secret},
//	})
//	if err != nil {
//		return err
//	}
//	defer g.Close()
//	mux.Handle("GET /reports", g.Require("reports.read")(reports))
//
// # What is checked
//
// The typ, the algorithm (by the key and by nothing in the token), the signature, iss against those that are allowed,
// aud, exp and nbf; then whether the token was ended. Keys come from the issuer's metadata. They are held for as long as
// its answers say and fetched ahead of that, one fetch at a time. A kid that is not known asks again once a minute at
// most. While the issuer is away the last keys stay.
//
// # Endings
//
// A [Feed] follows the issuer's endings (Portcullis has such a feed): a forced logout reaches the guard within a second,
// without a question for each request. Where the guard has not heard from the issuer for longer than its bound, it does
// what its author has chosen ([WhenBehind]). Without a feed any issuer of RFC 9068 will do, and tokens are good until
// they expire.
//
// # Refusals
//
// A [Refusal] knows its status and its WWW-Authenticate (RFC 6750 section 3, RFC 9470). Why a token was refused is logged
// at level debug, and never told to the caller.
package guard
