import type { InjectorValues, MeshConfig, StringMap } from "@heddle/config";

/** What injection needs to know beside the pod. */
export interface InjectContext {
  readonly namespace: { readonly name: string; readonly labels: StringMap; readonly annotations: StringMap };
  /** The API server called because labels ask for a sidecar: it sees those of this moment, `namespace` may be older. Default: false. */
  readonly asked?: boolean;
  readonly mesh: MeshConfig;
  readonly values: InjectorValues;
}
