package bursts

import (
	"math"
	"testing"
)

// tail is the same probability in floating point, by the gamma function.
func tail(c int, r, m float64) float64 {
	sum := 0.0
	for k := range c {
		a, _ := math.Lgamma(float64(k) + r)
		b, _ := math.Lgamma(r)
		d, _ := math.Lgamma(float64(k) + 1)
		sum += math.Exp(a - b - d + r*math.Log(r/(r+m)) + float64(k)*math.Log(m/(r+m)))
	}
	return 1 - sum
}

func TestRareIsTheNegativeBinomialTail(t *testing.T) {
	for _, u := range []usual{{6, 8}, {29, 1}, {280, 3}, {2800, 8}, {28_000, 2}, {280_000, 8}} {
		for _, days := range []uint64{1, 2} {
			r, m := float64(u.r*days), float64(u.p*days)/28
			for _, oneIn := range []uint64{1000, 10_000} {
				low, high := 0, int(m)*40+60 // where the tail passes the threshold
				for low+1 < high {
					if c := (low + high) / 2; tail(c, r, m) < 1/float64(oneIn) {
						high = c
					} else {
						low = c
					}
				}
				if u.rare(uint64(high-2-high/1000), days, oneIn) || !u.rare(uint64(high+2+high/1000), days, oneIn) {
					t.Errorf("%+v, %d days: the threshold is not at %d", u, days, high)
				}
			}
		}
	}
}

func TestVeryManyReviewsADayAreNoOverflow(t *testing.T) {
	var d Days
	for day := range Kept {
		d.Add(20_000+day, 5, 400_000+day*100)
	}
	if f := d.Find(20_000 + Kept - 1); f.Warn || f.Hold {
		t.Errorf("an even flow of many reviews is an alarm: %+v", f)
	}
	d.Add(20_000+Kept-1, 1, 4_000_000_000)
	if f := d.Find(20_000 + Kept - 1); !f.Warn || !f.Hold {
		t.Errorf("ten thousand times as many are none: %+v", f)
	}
}

func TestMixIsTheGTest(t *testing.T) {
	for _, c := range []struct{ before, now [5]uint64 }{
		{[5]uint64{10, 3, 4, 8, 40}, [5]uint64{30, 0, 0, 1, 2}},
		{[5]uint64{}, [5]uint64{15, 0, 0, 0, 0}},
		{[5]uint64{99, 99, 99, 99, 99}, [5]uint64{20, 20, 20, 20, 20}},
		{[5]uint64{100_000, 3, 4, 8, 400_000}, [5]uint64{30_000, 9, 9, 1, 2}},
	} {
		b, n, want := 0.0, 0.0, 0.0
		for k := range 5 {
			b, n = b+float64(c.before[k]+1), n+float64(c.now[k])
		}
		for k := range 5 {
			if o := float64(c.now[k]); o > 0 {
				want += 2 * o * math.Log(o*b/(n*float64(c.before[k]+1)))
			}
		}
		if got := float64(mix(c.before, c.now)) / 1000; math.Abs(got-want) > 0.002*(1+want) {
			t.Errorf("%v after %v: G is %.3f, want %.3f", c.now, c.before, got, want)
		}
	}
}

func TestDaysForgetAndCome(t *testing.T) {
	var d, again Days
	d.Add(100, 5, 2)
	d.Add(110, 1, 1)
	d.Add(100, 5, -1)
	d.Add(79, 2, 1)
	d.Add(78, 2, 1)   // too old
	d.Add(200, 3, -1) // nothing was counted there
	if d.Newest != 110 || d.Counts[10][4] != 1 || d.Counts[0][0] != 1 || d.Counts[31][1] != 1 {
		t.Errorf("got %+v", d)
	}
	stored := d.AppendTo(nil)
	if err := again.UnmarshalBinary(stored); err != nil || again != d {
		t.Errorf("read back %+v (%v)", again, err)
	}
	if err := again.UnmarshalBinary(stored[:len(stored)-1]); err == nil {
		t.Error("damaged counts are read")
	}
	d.Add(500, 1, 1)
	if d.Newest != 500 || d.Counts[31] != [5]uint32{} || d.Counts[0][0] != 1 {
		t.Errorf("after a long time: %+v", d)
	}
}

// A quiet exchange and the first days of a site raise no alarm; nor does good news.
func TestWhatIsNoBurst(t *testing.T) {
	var first Days
	for range 100 {
		first.Add(20_000, 1, 1)
	}
	if f := first.Find(20_000); f.Warn || f.Hold {
		t.Errorf("on the first day of an exchange: %+v", f)
	}
	var usual Days
	for day := range Kept {
		for k := range 5 {
			usual.Add(20_000+day, k+1, 1)
		}
	}
	if f := usual.Find(usual.Newest); f.Warn || f.Hold {
		t.Errorf("a usual day: %+v", f)
	}
	same := usual
	for k := range 5 {
		same.Add(same.Newest, k+1, 12)
	}
	if f := same.Find(same.Newest); !f.Warn || f.Hold {
		t.Errorf("many of the usual mix must warn and not hold: %+v", f)
	}
	// The day after, what is usual is the same, and a review that is dated later is left out.
	if f := same.Find(same.Newest + 1); !f.Warn || f.Reviews != 65 {
		t.Errorf("the day after: %+v", f)
	}
	if same.Add(same.Newest+1, 1, 1); same.Find(same.Newest-1).Reviews != 70 {
		t.Errorf("with a later review: %+v", same.Find(same.Newest-1))
	}
	flood := usual
	flood.Add(flood.Newest, 1, 60)
	if f := flood.Find(20_000 + Kept - 1); !f.Warn || !f.Hold {
		t.Errorf("a flood must be held: %+v", f)
	}
}
