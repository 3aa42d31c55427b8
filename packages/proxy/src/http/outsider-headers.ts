// Hot path: once per request.
import { HEADER_ID, type HeaderList } from "@heddle/wire";

/** What only those inside may ask for. Source: Envoy `ConnectionManagerUtility::mutateRequestHeaders`. */
const INSIDERS: readonly number[] = [
  HEADER_ID["x-envoy-internal"],
  HEADER_ID["x-envoy-retriable-status-codes"],
  HEADER_ID["x-envoy-retriable-header-names"],
  HEADER_ID["x-envoy-retry-on"],
  HEADER_ID["x-envoy-retry-grpc-on"],
  HEADER_ID["x-envoy-max-retries"],
  HEADER_ID["x-envoy-upstream-alt-stat-name"],
  HEADER_ID["x-envoy-upstream-rq-timeout-ms"],
  HEADER_ID["x-envoy-upstream-rq-per-try-timeout-ms"],
  HEADER_ID["x-envoy-upstream-rq-timeout-alt-response"],
  HEADER_ID["x-envoy-upstream-stream-duration-ms"],
  HEADER_ID["x-envoy-expected-rq-timeout-ms"],
  HEADER_ID["x-envoy-force-trace"],
  HEADER_ID["x-envoy-ip-tags"],
  HEADER_ID["x-envoy-original-url"],
  HEADER_ID["x-envoy-hedge-on-per-try-timeout"],
];

/** What proxies in the mesh tell each other, which the edge takes from nobody. */
const NEIGHBOURS: readonly number[] = [
  HEADER_ID["x-envoy-decorator-operation"],
  HEADER_ID["x-envoy-downstream-service-cluster"],
  HEADER_ID["x-envoy-downstream-service-node"],
  HEADER_ID["x-envoy-original-path"],
];

/** Takes away what a client may not say. `edge`: it is not a proxy of ours, either. */
export function dropOutsiderHeaders(headers: HeaderList, edge: boolean): void {
  dropAll(headers, INSIDERS);
  if (edge) dropAll(headers, NEIGHBOURS);
}

function dropAll(headers: HeaderList, ids: readonly number[]): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (id !== undefined && headers.hasId(id)) headers.removeId(id);
  }
}
