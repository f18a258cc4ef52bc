package guard

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// follows makes a guard that follows the feed, after so much of it was read as there is.
func follows(t *testing.T, p *played, change func(*Feed)) *Guard {
	t.Helper()
	feed := Feed{ClientID: "a pi", ClientSecret: "s:/+%"}
	if change != nil {
		change(&feed)
	}
	g := p.guard(t, func(c *Config) { c.Feed = &feed })
	synctest.Wait()
	return g
}

// soon is as long as a stream that is played takes to say something.
const soon = 200 * time.Millisecond

func TestAnEndingOfEachKindEndsWhatItNamesAndNothingElse(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.perPage = 2
		p.feed.events = []members{
			ends(1, "token", "t1"), ends(2, "session", "s1"), ends(3, "grant", "__proto__"), ends(4, "user", "bob"),
			ends(5, "client", "web"), ends(6, "user", "ann"), ends(8, "user", "ann"), ends(9, "session", ""),
		}
		g := follows(t, p, nil)
		ended := uint64(0)
		for _, one := range []struct {
			changes members
			want    *Refusal
		}{
			{members{}, nil},
			{members{"jti": "t1", "rev": 99}, ErrInvalidToken},
			{members{"sid": "s1", "rev": 99}, ErrInvalidToken},
			{members{"gid": "__proto__", "rev": 99}, ErrInvalidToken},
			{members{"sid": "t1", "gid": "s1", "jti": "bob", "acr": "s1"}, nil},
			{members{"sub": "bob", "rev": 3}, ErrInvalidToken},
			{members{"sub": "bob", "rev": 4}, nil},
			{members{"client_id": "web", "rev": 4}, ErrInvalidToken},
			{members{"client_id": "web", "rev": 5}, nil},
			{members{"client_id": "bob", "sub": "web"}, nil},
			// The greatest number counts.
			{members{"sub": "ann", "rev": 7}, ErrInvalidToken},
			{members{"sub": "ann", "rev": 8}, nil},
		} {
			mustBe(t, g, p.token(t, one.changes), one.want)
			if one.want != nil {
				ended++
			}
		}
		mustEqual(t, g.Figures().Ended, ended, "counted")
		mustEqual(t, g.Figures().Endings, 7, "held")
		mustEqual(t, slices.Equal(p.cursors(), []string{"", "2", "4", "6", "9"}), true, "pages, and a stream")
	})
}

func TestWhatIsEndedIsHeardAtOnce(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := follows(t, p, nil)
		held := p.token(t, members{"sid": "s1"})
		mustBe(t, g, held, nil)
		p.set(func() { p.feed.events = append(p.feed.events, ends(7, "session", "s1")) })
		time.Sleep(soon)
		synctest.Wait()
		mustBe(t, g, held, ErrInvalidToken)
		// The whole tenant, and what nobody here knows.
		mustBe(t, g, p.token(t, nil), nil)
		p.set(func() { p.feed.events = append(p.feed.events, ends(8, "tenant", "acme")) })
		time.Sleep(soon)
		synctest.Wait()
		mustBe(t, g, p.token(t, members{"rev": 7}), ErrInvalidToken)
		mustBe(t, g, p.token(t, members{"rev": 8}), nil)
		p.set(func() { p.feed.events = append(p.feed.events, ends(9, "moonrise", "x")) })
		time.Sleep(soon)
		synctest.Wait()
		mustBe(t, g, p.token(t, members{"rev": 8}), ErrInvalidToken)
		mustBe(t, g, p.token(t, members{"rev": 9}), nil)
		// The key, whether the token names it or not.
		p.set(func() { p.feed.events = append(p.feed.events, ends(10, "key", "one")) })
		time.Sleep(soon)
		synctest.Wait()
		mustBe(t, g, p.token(t, members{"rev": 99}), ErrInvalidToken)
		mustBe(t, g, p.key.sign(t, `{"alg":"ES256","typ":"at+jwt"}`,
			`{"iss":"`+acme+`","sub":"a","aud":"`+api+`","exp":4102444800,"rev":99}`), ErrInvalidToken)
		// The stream goes on, and where it ends, it is gone on from there.
		time.Sleep(time.Minute)
		mustEqual(t, p.askedFor("oauth2/revocations"), 2, "a page and a stream")
		p.set(func() { p.feed.pieces = func(func(string)) {} })
		time.Sleep(time.Second)
		mustEqual(t, slices.Equal(p.cursors(), []string{"", "0", "10", "10"}), true, "where it went on")
	})
}

func TestAnEventComesWhereverTheStreamIsCut(t *testing.T) {
	const event = "id: 7\r\ndata: {\"n\":7,\"kind\":\"session\",\ndata: \"id\":\"s1\",\"until\":4102444800}\r\n\r\n: alive\n\n"
	in(t, func(t *testing.T, p *played) {
		for size := 1; size < 20; size++ {
			p.set(func() {
				p.feed.pieces = func(say func(string)) {
					for piece := range slices.Chunk([]byte(event), size) {
						say(string(piece))
						time.Sleep(time.Millisecond)
					}
					time.Sleep(time.Second)
				}
			})
			g := follows(t, p, nil)
			time.Sleep(time.Second)
			mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
			mustBe(t, g, p.token(t, nil), nil)
			if silent := *g.Figures().SilentForMS; silent >= 1000 {
				t.Fatalf("the comment was not heard: it was silent for %d ms", silent)
			}
			g.Close()
		}
	})
}

func TestAnEventThatBreaksOffIsReadAgain(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.pieces = func(say func(string)) {
			say("id: 7\ndata: {\"n\":7,\"kind\":\"session\",\"id\":\"s1\",\"until\":4102444800}\n")
		}
		g := follows(t, p, nil)
		mustBe(t, g, p.token(t, members{"sid": "s1"}), nil)
		p.set(func() { p.feed.events = append(p.feed.events, ends(7, "session", "s1")) })
		time.Sleep(2 * soon)
		synctest.Wait()
		mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
		mustEqual(t, p.cursors()[2], "0", "where it went on")
		// One that is no event is as good as none: it is asked again, and no cursor is lost.
		g.Close()
		p.set(func() { p.feed.pieces = func(say func(string)) { say("id: 8\ndata: {\"n\":\"8\"}\n\n: alive\n\n") } })
		g = follows(t, p, nil)
		time.Sleep(soon)
		mustEqual(t, lastOf(p.cursors()), "7", "where it went on")
		mustBe(t, g, p.token(t, nil), nil)
	})
}

func TestPagesAreAskedForInPlaceOfTheStream(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := follows(t, p, func(f *Feed) { f.Polling = 2 * time.Second })
		mustEqual(t, p.askedFor("oauth2/revocations"), 1, "pages")
		p.set(func() { p.feed.events = append(p.feed.events, ends(7, "session", "s1")) })
		time.Sleep(2*time.Second - time.Millisecond)
		mustBe(t, g, p.token(t, members{"sid": "s1"}), nil)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
		time.Sleep(time.Minute + time.Millisecond)
		mustBe(t, g, p.token(t, nil), nil)
		mustEqual(t, p.askedFor("oauth2/revocations"), 32, "pages")
		mustEqual(t, p.cursors()[31], "7", "where it went on")
	})
}

func TestTheClientOfTheFeedGetsItselfAToken(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := follows(t, p, nil)
		mustEqual(t, p.credentials(), "a+pi:s%3A%2F%2B%25 client_credentials revocations", "how it was asked for")
		mustEqual(t, p.askedFor("token"), 1, "tokens")
		// It was ended, and the stream with it.
		p.set(func() {
			p.feed.good = nil
			p.feed.pieces = func(func(string)) {}
			p.feed.events = append(p.feed.events, ends(7, "session", "s1"))
		})
		time.Sleep(time.Second)
		mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
		mustEqual(t, p.askedFor("token"), 2, "tokens")
	})
}

func TestAFeedThatCountsAnewIsReadFromTheBeginning(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.events = []members{ends(40, "session", "s1")}
		g := follows(t, p, nil)
		p.set(func() {
			p.feed.events = []members{ends(1, "session", "s2")}
			p.feed.pieces = func(func(string)) {}
		})
		time.Sleep(time.Second)
		mustBe(t, g, p.token(t, members{"sid": "s2"}), ErrInvalidToken)
		// What was known stays.
		mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
		mustEqual(t, slices.Equal(p.cursors(), []string{"", "40", "40", "", "1"}), true, "where it went on")
	})
}

func TestItPausesLongerEachTimeUntilItHears(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.status = http.StatusInternalServerError
		follows(t, p, nil)
		// At 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3.
		time.Sleep(17 * time.Second)
		mustEqual(t, p.askedFor("oauth2/revocations"), 9, "tries")
		p.set(func() {
			p.feed.status = 0
			p.feed.pieces = func(func(string)) { time.Sleep(time.Second) }
		})
		time.Sleep(5500 * time.Millisecond)
		mustEqual(t, p.askedFor("oauth2/revocations"), 13, "it was heard, and asks again at once")
	})
}

func TestAPageThatStandsStillIsNotAskedForWithoutAPause(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := follows(t, p, nil)
		g.client.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			p.set(func() { p.asked["still"]++ })
			return jsonAnswer(members{"events": []members{}, "next": "0", "head": 9}), nil
		})
		p.set(func() { p.feed.pieces = func(func(string)) {} })
		time.Sleep(10 * time.Second)
		if tries := p.askedFor("still"); tries > 9 {
			t.Fatalf("it was asked for %d times", tries)
		}
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
	})
}

func TestClosingWaitsForWhoFollows(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := follows(t, p, nil)
		g.client.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			time.Sleep(time.Second)
			return nil, r.Context().Err()
		})
		p.set(func() { p.feed.pieces = func(func(string)) {} })
		time.Sleep(time.Second)
		began := time.Now()
		g.Close()
		mustEqual(t, time.Since(began), time.Second, "the time that it took")
	})
}

func TestClosingEndsWhoFollows(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, func(c *Config) {
			c.Issuers = []string{acme, anyIssuer}
			c.Feed = &Feed{ClientID: "api"}
		})
		globex := members{"iss": base + "/globex"}
		mustEqual(t, p.guard(t, ofEvery).Figures().SilentForMS, nil, "silent for, without a tenant")
		_, _ = g.Verify(t.Context(), p.token(t, globex))
		synctest.Wait()
		mustEqual(t, p.askedFor("oauth2/revocations"), 4, "a page and a stream each")
		mustBe(t, g, p.token(t, globex), nil)
		began := time.Now()
		g.Close()
		g.Close()
		mustEqual(t, time.Since(began), 0, "it takes no time")
		time.Sleep(time.Minute)
		mustEqual(t, p.askedFor("oauth2/revocations"), 4, "nothing was asked since")
		mustBe(t, g, p.token(t, globex), ErrUnavailable)
		mustBe(t, g, p.token(t, members{"iss": base + "/initech"}), ErrUnavailable)
	})
}
