import { at, listOf, textOf } from "@heddle/std";
import { runInProcess } from "../command-line.ts";
import { envoyFilter, subFilter } from "./envoy-filter-cases.ts";
import { calmPort } from "./many-rules.ts";
import { objectsIn, type TrafficRig } from "./rig.ts";

/** Well formed, so that admission takes it; no proxy does: the script ends in the middle of a call, and ours has no scripts at all. */
export const wrongFilter = objectsIn(
  envoyFilter("ef-wrong", [
    {
      applyTo: "HTTP_FILTER",
      match: subFilter(calmPort),
      operation: "INSERT_FIRST",
      value: `{name: envoy.filters.http.lua, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, default_source_code: {inline_string: "function envoy_on_request(handle) handle:logInfo("}}}`,
    },
  ]),
);

/** A rule that comes after the wrong filter and has nothing to do with it. */
export const laterRule = objectsIn(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: calm, namespace: traffic}
spec: {hosts: [calm], http: [{headers: {response: {set: {x-later: "yes"}}}, route: [{destination: {host: calm}}]}]}
`);

/** Why the proxy of the first pod with this label refuses its listeners, as `proxy-status` says; "" when it does not. */
export async function refusedListeners(rig: TrafficRig, selector: string): Promise<string> {
  const [pod] = await rig.podsOf(selector);
  const { out } = await runInProcess(rig.cluster.kubeconfig, ["istioctl", "proxy-status", "-o", "json"]);
  const own = listOf(JSON.parse(out)).find((one) => textOf(at(one, "proxy")).startsWith(`${pod?.metadata.name}.`));
  return textOf(at(own, "listener_error"));
}
