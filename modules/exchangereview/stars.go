package exchangereview

// Dimensions is how many ratings a review has: overall and six aspects.
const Dimensions = 7

// DimensionNames are the names of the ratings in the order of StarsOf, as in
// the signed document.
var DimensionNames = [Dimensions]string{"overall", "withdrawals", "support", "fees", "execution", "security", "ease"}

// StarsOf returns the ratings of a review in their fixed order: overall, then the
// aspects in the order of DimensionNames.
func StarsOf(overall int, a Aspects[int]) [Dimensions]int {
	return [Dimensions]int{overall, a.Withdrawals, a.Support, a.Fees, a.Execution, a.Security, a.Ease}
}

// Stars returns the ratings of the review in the order of StarsOf.
func (r *SignedReview) Stars() [Dimensions]int { return StarsOf(r.Overall, r.Aspects) }
