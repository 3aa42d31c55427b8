import { labelsMatch, type MeshConfig, type ProxyConfigResource, type StringMap } from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
import type { MeshState } from "./state.ts";

/**
 * MeshConfig as a workload's injection sees it: ProxyConfig resources change its proxies' defaults. The most specific one counts (by
 * selector, the namespace's, the root namespace's), of two the older one. They take effect when a pod is created.
 */
export function meshWithProxyConfig(state: MeshState, namespace: string, labels: StringMap): MeshConfig {
  const { mesh, rootNamespace } = state.settings;
  const all = [...state.objects.proxyConfigs.values()].sort(byAge);
  const selects = ({ spec }: ProxyConfigResource): boolean => Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
  const found =
    all.find(
      (c) => c.ref.namespace === namespace && selects(c) && labelsMatch(c.spec.selector?.matchLabels ?? {}, labels),
    ) ??
    all.find((c) => c.ref.namespace === namespace && !selects(c)) ??
    all.find((c) => c.ref.namespace === rootNamespace && !selects(c));
  if (found === undefined) return mesh;
  const { concurrency, environmentVariables } = found.spec;
  const { defaultConfig } = mesh;
  return {
    ...mesh,
    defaultConfig: {
      ...defaultConfig,
      ...(concurrency === undefined ? {} : { concurrency }),
      proxyMetadata: { ...defaultConfig.proxyMetadata, ...environmentVariables },
    },
  };
}
