module portcullis/guard

go 1.26.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/hashicorp/golang-lru/v2 v2.0.7
	github.com/tmaxmax/go-sse v0.12.0
	golang.org/x/sync v0.25.0
)
