package guard

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestItIsBehindFromTheStart(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.status = http.StatusServiceUnavailable
		g := follows(t, p, nil)
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
		mustEqual(t, g.Figures().SilentForMS, nil, "silent for")
		// What is no good is refused all the same.
		mustBe(t, g, p.token(t, members{"sub": nil}), ErrInvalidToken)
		// A first page of several says nothing yet.
		p.set(func() {
			p.feed.status, p.feed.perPage = 0, 1
			p.feed.events = []members{ends(1, "session", "s1"), ends(2, "session", "s2")}
		})
		time.Sleep(soon)
		synctest.Wait()
		mustBe(t, g, p.token(t, nil), nil)
		mustBe(t, g, p.token(t, members{"sid": "s2"}), ErrInvalidToken)
		mustEqual(t, g.Figures().RefusedBehind, 1, "counted")
	})
}

func TestAStreamThatIsSilentIsGivenUpAndTheGuardFallsBehind(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.events = []members{ends(1, "session", "s1")}
		p.feed.isMute = true
		g := follows(t, p, nil)
		began := time.Now()
		mustBe(t, g, p.token(t, nil), nil)
		p.set(func() { p.feed.hangs = true })
		time.Sleep(silence - time.Millisecond)
		mustEqual(t, p.askedFor("oauth2/revocations"), 2, "a page and a stream")
		time.Sleep(soon)
		mustEqual(t, p.askedFor("oauth2/revocations"), 3, "the page is asked for again")
		time.Sleep(usualBound - time.Since(began))
		mustBe(t, g, p.token(t, nil), nil)
		time.Sleep(time.Millisecond)
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
		mustEqual(t, *g.Figures().SilentForMS, 5001, "silent for")
		// What is known to be ended stays so.
		mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
		p.set(func() { p.feed.hangs, p.feed.isMute = false, false })
		time.Sleep(2 * answerWithin)
		mustBe(t, g, p.token(t, nil), nil)
		mustEqual(t, g.Figures().RefusedBehind, 1, "counted")
	})
}

func TestTheBeginningOfARequestCountsAsHeard(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.slow, p.feed.isMute = 3*time.Second, true
		g := follows(t, p, nil)
		time.Sleep(4 * time.Second)
		mustEqual(t, *g.Figures().SilentForMS, 4000, "silent for")
	})
}

func TestEventsAloneKeepAStreamButAreNoSign(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.feed.isMute = true
		g := follows(t, p, nil)
		for n := range 4 {
			time.Sleep(3 * time.Second)
			p.set(func() { p.feed.events = append(p.feed.events, ends(n+1, "session", "s1")) })
		}
		time.Sleep(soon)
		mustEqual(t, p.askedFor("oauth2/revocations"), 2, "a page and a stream")
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
	})
}

func TestWhenBehindItDoesWhatItWasTold(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := follows(t, p, func(f *Feed) { f.WhenBehind = GoOn })
		p.set(func() { p.feed.events = append(p.feed.events, ends(1, "session", "s1")) })
		time.Sleep(soon)
		p.set(func() { p.feed.isMute, p.feed.hangs = true, true })
		time.Sleep(usualBound)
		time.Sleep(time.Second)
		mustBe(t, g, p.token(t, nil), nil)
		mustBe(t, g, p.token(t, members{"sid": "s1"}), ErrInvalidToken)
		mustEqual(t, g.Figures().PassedBehind, 1, "counted")
	})
	in(t, func(t *testing.T, p *played) {
		p.feed.hangs = true
		g := follows(t, p, func(f *Feed) { f.WhenBehind = AskIntrospection })
		mustBe(t, g, p.token(t, nil), nil)
		p.set(func() { p.feed.isInactive = true })
		mustBe(t, g, p.token(t, nil), ErrInvalidToken)
		p.set(func() { p.feed.status = http.StatusInternalServerError })
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
		mustEqual(t, g.Figures().AskedBehind, 3, "counted")
		mustEqual(t, g.Figures().RefusedBehind, 0, "counted")
	})
}

func TestWhatNoTokenCanMeetIsDropped(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		until := func(number int, id string, in time.Duration) members {
			return members{"n": number, "kind": "session", "id": id, "until": time.Now().Add(in).Unix()}
		}
		g := follows(t, p, nil)
		p.set(func() {
			p.feed.events = []members{
				until(1, "s1", 15*time.Second), until(2, "s2", 15*time.Second), until(3, "s2", time.Hour), until(4, "s2", 0),
			}
		})
		time.Sleep(soon)
		mustEqual(t, g.Figures().Endings, 2, "held")
		time.Sleep(25*time.Second - soon)
		mustEqual(t, g.Figures().Endings, 2, "held until the leeway is over")
		time.Sleep(10 * time.Second)
		mustEqual(t, g.Figures().Endings, 1, "held")
		mustBe(t, g, p.token(t, members{"sid": "s2"}), ErrInvalidToken)
	})
}

func TestPruningIsDoneEachTenSecondsAtMost(t *testing.T) {
	held, now := newEndings(nil), time.Now()
	held.apply(event{1, kindSession, "s1", 5})
	held.prune(now, 5)
	mustEqual(t, held.count(), 1, "held, since it is not over before")
	held.prune(now.Add(pruneEach-1), 6)
	mustEqual(t, held.count(), 1, "held, since it is too soon")
	held.prune(now.Add(pruneEach), 6)
	mustEqual(t, held.count(), 0, "held")
}

func TestWhatWasHeardOfTwiceCountsByTheGreatest(t *testing.T) {
	held, now := newEndings(nil), time.Now()
	for _, told := range []event{{6, kindUser, "ann", 6}, {8, kindUser, "ann", 9}, {7, kindUser, "ann", 7}} {
		held.apply(told)
	}
	held.heard(now)
	held.heard(now.Add(-time.Minute))
	mustEqual(t, held.judge(&claims{subject: "ann", revision: 7}, "", now, time.Second), isEnded, "before")
	mustEqual(t, held.judge(&claims{subject: "ann", revision: 8}, "", now, time.Second), isGood, "since")
	held.prune(now, 9)
	mustEqual(t, held.count(), 1, "held")
}
