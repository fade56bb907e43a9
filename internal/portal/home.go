package portal

import "net/http"

// home says what the service is, how it goes (G1) and where help is.
func (p *portal) home(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, r, http.StatusOK, "home", nil)
}
