package exchangereview

// FacetsQuery asks for all facets.
type FacetsQuery struct{}

// Facets are what the directory can be filtered by.
type Facets struct {
	Chains    []Facet `json:"chains"`    // by name, up to 1,000
	Countries []Facet `json:"countries"` // by code
}

// Facet is a value of a filter.
type Facet struct {
	Value     string `json:"value"`
	Exchanges int    `json:"exchanges"` // that have it
}
