package guard

import "sync/atomic"

type counted struct{ ended, refusedBehind, askedBehind, passedBehind atomic.Uint64 }

// Figures are what a guard has counted since it was made, for metrics.
type Figures struct {
	// Ended counts good tokens that were refused since they were ended.
	Ended uint64 `json:"ended"`
	// RefusedBehind counts good tokens that were refused since the guard was behind.
	RefusedBehind uint64 `json:"refused_behind"`
	// AskedBehind counts good tokens that the issuer was asked about since the guard was behind.
	AskedBehind uint64 `json:"asked_behind"`
	// PassedBehind counts good tokens that passed though the guard was behind.
	PassedBehind uint64 `json:"passed_behind"`
	// Endings is how many endings are held.
	Endings int `json:"endings"`
	// SilentForMS is how many milliseconds ago the issuer was heard that was silent for longest; nil where one was never
	// heard, or none is followed.
	SilentForMS *int64 `json:"silent_for_ms"`
}

// Figures are what was counted since the guard was made.
func (g *Guard) Figures() Figures {
	told := Figures{
		Ended:         g.counted.ended.Load(),
		RefusedBehind: g.counted.refusedBehind.Load(),
		AskedBehind:   g.counted.askedBehind.Load(),
		PassedBehind:  g.counted.passedBehind.Load(),
	}
	every := g.issuers.every()
	longest, wasHeard := int64(0), len(every) > 0
	for _, issuer := range every {
		told.Endings += issuer.endings.count()
		silent, found := issuer.endings.silentFor(g.now())
		longest, wasHeard = max(longest, silent.Milliseconds()), wasHeard && found
	}
	if wasHeard {
		told.SilentForMS = &longest
	}
	return told
}
