import {
  type RouteAction_RequestMirrorPolicy,
  RouteAction_RequestMirrorPolicySchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import type { RuntimeShare } from "../runtime/runtime.ts";
import { runtimeFraction } from "./fraction.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** A cluster that gets copies of requests, whose answers nobody sees. */
export interface MirrorConfig {
  /** "": named by `header`. */
  readonly cluster: string;
  readonly header: string;
  readonly fraction: RuntimeShare;
  /** The host gets `-shadow` at its end. */
  readonly shadowSuffix: boolean;
}

export const MIRROR_SHAPE = shape(
  RouteAction_RequestMirrorPolicySchema,
  ["cluster", "cluster_header", "runtime_fraction", "disable_shadow_host_suffix_append"],
  {},
  {},
  { differs: { trace_sampled: "a copy gets no span of its own, as with false" } },
);

export function decodeMirrors(
  messages: readonly RouteAction_RequestMirrorPolicy[],
  scope: DecodeScope,
): readonly MirrorConfig[] {
  return messages.map((message, i) => {
    const at = scope.item(i);
    checkShape(MIRROR_SHAPE, message, at);
    if (message.cluster === "" && message.clusterHeader === "") at.problem("a mirror needs cluster or cluster_header");
    return {
      cluster: message.cluster,
      header: message.clusterHeader.toLowerCase(),
      fraction: runtimeFraction(message.runtimeFraction, 1),
      shadowSuffix: !message.disableShadowHostSuffixAppend,
    };
  });
}
