package signin

// Access says for whom each endpoint is: by its method and path.
func Access() map[[2]string]string {
	names := map[who]string{everybody: "everybody", signedIn: "who is signed in", operators: "operators", inSession: "operators in a session"}
	all := map[[2]string]string{}
	for _, e := range endpoints() {
		all[[2]string{e.method, e.path}] = names[e.who]
	}
	return all
}
