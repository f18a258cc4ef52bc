package guard

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestARequestIsLetThroughOrAnsweredByWhatRefusesIt(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		greet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(FromContext(r.Context()).Subject()))
		})
		gold := RequireAuthentication([]string{"gold"}, time.Minute)
		api := http.NewServeMux()
		api.Handle("/me", g.Require()(greet))
		api.Handle("/reports", g.Require("reports.read", "reports.list")(greet))
		api.Handle("/transfer", g.Require()(gold(greet)))
		api.Handle("/forgotten", gold(greet))
		token := p.token(t, nil)
		for _, one := range []struct {
			path      string
			lines     []string
			status    int
			challenge string
		}{
			{"/me", []string{"Bearer " + token}, 200, ""},
			{"/me", nil, 401, "Bearer"},
			{"/me?access_token=" + token, nil, 401, "Bearer"},
			{"/me", []string{"Bearer x"}, 401, `Bearer error="invalid_token", ` +
				`error_description="the access token is invalid, expired or revoked"`},
			{"/me", []string{"Bearer x", "Bearer x"}, 400, `Bearer error="invalid_request", ` +
				`error_description="the request is malformed"`},
			{"/reports", []string{"Bearer " + token}, 403, `Bearer error="insufficient_scope", ` +
				`error_description="the access token lacks scope reports.read reports.list", scope="reports.read reports.list"`},
			{"/transfer", []string{"Bearer " + token}, 401, `Bearer error="insufficient_user_authentication", ` +
				`error_description="the user must authenticate again", acr_values="gold", max_age=60`},
			{"/transfer", []string{"Bearer " + p.token(t, members{"acr": "gold", "auth_time": time.Now().Unix()})}, 200, ""},
			{"/forgotten", []string{"Bearer " + token}, 401, "Bearer"},
		} {
			asked, answer := httptest.NewRequest(http.MethodGet, one.path, http.NoBody), httptest.NewRecorder()
			asked.Header["Authorization"] = one.lines
			api.ServeHTTP(answer, asked)
			mustEqual(t, answer.Code, one.status, one.path)
			mustEqual(t, answer.Header().Get("WWW-Authenticate"), one.challenge, one.path)
			mustEqual(t, answer.Body.String() == "ada", one.status == 200, one.path)
			mustEqual(t, answer.Header().Get("Retry-After"), "", one.path)
		}
	})
}

func TestWhatCannotBeSaidIsAskedForAgain(t *testing.T) {
	for _, err := range []error{ErrUnavailable, errors.New("anything else"), nil} {
		answer := httptest.NewRecorder()
		WriteRefusal(answer, err)
		mustEqual(t, answer.Code, http.StatusServiceUnavailable, "status")
		mustEqual(t, answer.Header().Get("Retry-After"), "1", "when to come again")
		mustEqual(t, len(answer.Header()), 1, "headers")
	}
}
