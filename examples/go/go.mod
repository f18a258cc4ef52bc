module example-go

go 1.26.0

replace portcullis/guard => ../../guard/go

require (
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/hashicorp/golang-lru/v2 v2.0.7
	golang.org/x/oauth2 v0.38.0
	golang.org/x/sync v0.25.0
	portcullis/guard v0.0.0-00010101000000-000000000000
)

require github.com/tmaxmax/go-sse v0.12.0 // indirect
