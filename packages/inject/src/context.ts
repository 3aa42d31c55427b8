import type { InjectorValues, MeshConfig, StringMap } from "@heddle/config";

/** What injection needs to know beside the pod. */
export interface InjectContext {
  readonly namespace: { readonly name: string; readonly labels: StringMap; readonly annotations: StringMap };
  readonly mesh: MeshConfig;
  readonly values: InjectorValues;
}
