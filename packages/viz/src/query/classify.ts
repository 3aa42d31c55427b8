/**
 * Whether a response counts as a failure: HTTP 5xx, no response at all (code 0), or for gRPC any status but OK, as Linkerd classifies.
 * Source: linkerd2-proxy http/classify, Istio's response_code and grpc_response_status labels.
 */
export function isFailure(labels: ReadonlyMap<string, string>): boolean {
  const code = Number(labels.get("response_code") ?? "0");
  if (code === 0 || code >= 500) return true;
  const grpc = labels.get("grpc_response_status");
  return (
    labels.get("request_protocol") === "grpc" && grpc !== undefined && grpc !== "" && grpc !== "0" && grpc !== "OK"
  );
}
