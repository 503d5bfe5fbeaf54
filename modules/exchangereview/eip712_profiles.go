package exchangereview

const (
	claimStruct = "ProfileClaim"
	replyStruct = "Reply"
)

func (d *Digester) claimMembers(c *SignedClaim) []member {
	return []member{
		textMember("site", d.site), textMember("exchange", c.Slug), walletMember("wallet", c.Wallet),
		textMember("method", c.Method), numberMember("createdAt", c.CreatedMS),
	}
}

// HashClaim returns the EIP-712 digest that the wallet signs to claim a profile.
// CreatedMS must not be negative.
func (d *Digester) HashClaim(c *SignedClaim) Hash {
	return d.structHash(claimStruct, d.claimMembers(c))
}

// ClaimDocument returns what HashClaim hashes as a document for eth_signTypedData_v4.
func (d *Digester) ClaimDocument(c *SignedClaim) TypedData {
	return structDocument(claimStruct, d.claimMembers(c))
}

func (d *Digester) replyMembers(r *SignedReply) []member {
	return []member{
		textMember("site", d.site), textMember("exchange", r.Slug), walletMember("reviewer", r.Reviewer),
		hashMember("review", r.Review), textMember("text", r.Text), numberMember("createdAt", r.CreatedMS),
	}
}

// HashReply returns the EIP-712 digest that the exchange's wallet signs to answer a
// review. CreatedMS must not be negative.
func (d *Digester) HashReply(r *SignedReply) Hash {
	return d.structHash(replyStruct, d.replyMembers(r))
}

// ReplyDocument returns what HashReply hashes as a document for eth_signTypedData_v4.
func (d *Digester) ReplyDocument(r *SignedReply) TypedData {
	return structDocument(replyStruct, d.replyMembers(r))
}
