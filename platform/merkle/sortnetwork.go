package merkle

// Sorting networks: the same comparisons whatever the numbers are, each a
// minimum and a maximum, which take no branch. They have the fewest comparisons
// possible: Knuth, The Art of Computer Programming 3, section 5.3.4.

func sort4(n *[4]uint64) {
	a, b, c, d := n[0], n[1], n[2], n[3]
	a, b = min(a, b), max(a, b)
	c, d = min(c, d), max(c, d)
	a, c = min(a, c), max(a, c)
	b, d = min(b, d), max(b, d)
	b, c = min(b, c), max(b, c)
	n[0], n[1], n[2], n[3] = a, b, c, d
}

func sort8(n *[8]uint64) {
	a, b, c, d, e, f, g, h := n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]
	a, c = min(a, c), max(a, c)
	b, d = min(b, d), max(b, d)
	e, g = min(e, g), max(e, g)
	f, h = min(f, h), max(f, h)
	a, e = min(a, e), max(a, e)
	b, f = min(b, f), max(b, f)
	c, g = min(c, g), max(c, g)
	d, h = min(d, h), max(d, h)
	a, b = min(a, b), max(a, b)
	c, d = min(c, d), max(c, d)
	e, f = min(e, f), max(e, f)
	g, h = min(g, h), max(g, h)
	c, e = min(c, e), max(c, e)
	d, f = min(d, f), max(d, f)
	b, e = min(b, e), max(b, e)
	d, g = min(d, g), max(d, g)
	b, c = min(b, c), max(b, c)
	d, e = min(d, e), max(d, e)
	f, g = min(f, g), max(f, g)
	n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7] = a, b, c, d, e, f, g, h
}
