// The OpenTelemetry collector, with the parts that the tests need: OTLP (gRPC, HTTP) and Zipkin in, JSON lines out.
package main

import (
	"log"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/zipkinreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

func main() {
	build := component.BuildInfo{Command: "otelcol", Description: "OpenTelemetry collector", Version: "0.115.0"}
	settings := otelcol.CollectorSettings{
		BuildInfo: build,
		Factories: func() (otelcol.Factories, error) {
			receivers, err := receiver.MakeFactoryMap(otlpreceiver.NewFactory(), zipkinreceiver.NewFactory())
			if err != nil {
				return otelcol.Factories{}, err
			}
			exporters, err := exporter.MakeFactoryMap(fileexporter.NewFactory())
			return otelcol.Factories{Receivers: receivers, Exporters: exporters}, err
		},
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{
				ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
				DefaultScheme:     "file",
			},
		},
	}
	if err := otelcol.NewCommand(settings).Execute(); err != nil {
		log.Fatal(err)
	}
}
