//go:build tools

// Names the program that `go build` makes here.
package peers

import _ "github.com/jaegertracing/jaeger/cmd/all-in-one"
