package main

import "os"

// settings is what the program is told by its environment; what is left out is as `portcullis serve --demo` has it.
type settings struct {
	// issuer is the tenant's.
	issuer string
	// audience is the API's own name, which tokens bear as aud.
	audience string
	// clientID and clientSecret are the client's that people sign in by.
	clientID     string
	clientSecret string
	// apiClientID and apiClientSecret are the client's by which the API hears what was ended.
	apiClientID     string
	apiClientSecret string
	// listen is where this program listens.
	listen string
}

func readSettings() settings {
	return settings{
		issuer:          read("ISSUER", "http://127.0.0.1:8000/t/acme"),
		audience:        read("AUDIENCE", "https://api.acme.example"),
		clientID:        read("CLIENT_ID", "web"),
		clientSecret:    read("CLIENT_SECRET", "demo-secret-for-the-acme-web-client"),
		apiClientID:     read("API_CLIENT_ID", "api"),
		apiClientSecret: read("API_CLIENT_SECRET", "demo-secret-for-the-acme-api-client"),
		listen:          read("LISTEN", "127.0.0.1:9000"),
	}
}

func read(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

// base is this program's own address.
func (s settings) base() string { return "http://" + s.listen }
