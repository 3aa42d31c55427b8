import { expect, test } from "bun:test";
import { definitions } from "../resources.ts";
import type { FieldMap } from "../schema/schema.ts";

/** Every field name of Istio's traffic APIs, whichever message it is in. Source: istio/api networking/v1alpha3 and v1beta1, August 2026. */
const istioFields: Readonly<Record<string, string>> = {
  DestinationRule:
    "aggression attributes baseEjectionTime budgetInterval caCertificates caCrl clientCertificate connectTimeout connectionPool consecutive5xxErrors consecutiveErrors consecutiveGatewayErrors consecutiveLocalOriginFailures consistentHash credentialName distribute duration enabled exportTo failover failoverPriority from h2UpgradePolicy host http http1MaxPendingRequests http2KeepAlive http2MaxRequests httpCookie httpHeaderName httpQueryParameterName idleTimeout insecureSkipVerify interval labels loadBalancer localityLbSetting maglev maxConcurrentStreams maxConnectionDuration maxConnections maxEjectionPercent maxRequestsPerConnection maxRetries minClusterSize minHealthPercent minRetryConcurrency minimumPercent minimumRingSize mode name outlierDetection outlierDetectionHttpErrorCodes path percent port portLevelSettings privateKey probes protocol proxyProtocol retryBudget ringHash simple sni splitExternalLocalOriginErrors subjectAltNames subsets tableSize targetHost targetPort tcp tcpKeepalive time timeout tls to trafficPolicy ttl tunnel useClientProtocol useSourceIp value version warmup warmupDurationSecs workloadSelector zoneAwareLbSetting",
  Gateway:
    "bind caCertCredentialName caCertificates caCrl cipherSuites credentialName credentialNames defaultEndpoint hosts httpsRedirect insecureSkipVerify maxProtocolVersion minProtocolVersion mode name number port privateKey protocol selector serverCertificate servers subjectAltNames targetPort tls tlsCertificates verifyCertificateHash verifyCertificateSpki",
  ServiceEntry:
    "addresses endpoints exportTo hosts location name number ports protocol resolution subjectAltNames targetPort workloadSelector",
  Sidecar:
    "bind captureMode connectionPool defaultEndpoint egress egressProxy hosts inboundConnectionPool ingress labels mode name number outboundTrafficPolicy port protocol targetPort tls workloadSelector",
  WorkloadEntry: "address labels locality network ports serviceAccount weight",
  WorkloadGroup:
    "annotations command exec failureThreshold grpc host httpGet httpHeaders initialDelaySeconds labels metadata name path periodSeconds port probe scheme service successThreshold tcpSocket template timeoutSeconds value",
  ProxyConfig: "concurrency environmentVariables image imageType selector",
};

function namesIn(fields: FieldMap | undefined, found: Set<string>): Set<string> {
  for (const [name, schema] of Object.entries(fields ?? {})) {
    found.add(name);
    namesIn(schema.fields, found);
  }
  return found;
}

/** A field that is not known would be refused as a spelling mistake, and pruned by API servers: it has to be acted on, noted or refused by name. */
test.each(Object.entries(istioFields))("%s: every field of Istio is known", (kind, text) => {
  const definition = definitions.find((one) => one.kind === kind);
  const known = namesIn(definition?.spec.fields, new Set());
  expect(text.split(" ").filter((name) => !known.has(name))).toEqual([]);
});
