/** Who asks. */
export interface Actor {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** Everything of a write but the object. */
export interface WriteRequest {
  readonly actor: Actor;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly subresource: string;
  /** True for calls inside the process: controllers and kubelet. */
  readonly trusted: boolean;
  /** Warnings for the caller, added by whoever finds one. */
  readonly warnings: string[];
}

export const CLUSTER_ACTOR: Actor = {
  name: "system:apiserver",
  uid: "",
  groups: ["system:masters", "system:authenticated"],
  extra: {},
};

export function trustedRequest(subresource = ""): WriteRequest {
  return {
    actor: CLUSTER_ACTOR,
    dryRun: false,
    fieldManager: "heddle-local",
    fieldValidation: "Ignore",
    subresource,
    trusted: true,
    warnings: [],
  };
}
