package exchangereview

// Dimensions is how many ratings a review has: overall and six aspects.
const Dimensions = 7

// DimensionNames are the ratings in the order of stars, as in the signed document.
var DimensionNames = [Dimensions]string{"overall", "withdrawals", "support", "fees", "execution", "security", "ease"}

func StarsOf(overall int, a Aspects[int]) [Dimensions]int {
	return [Dimensions]int{overall, a.Withdrawals, a.Support, a.Fees, a.Execution, a.Security, a.Ease}
}

func (r *SignedReview) Stars() [Dimensions]int { return StarsOf(r.Overall, r.Aspects) }
