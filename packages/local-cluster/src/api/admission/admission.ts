import type { KubeObject } from "../../contract/index.ts";
import type { Draft } from "../json/json-value.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { WriteRequest } from "../write/write-request.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** One write on its way to the store. */
export interface AdmissionCall {
  readonly operation: Operation;
  readonly def: ResourceDefinition;
  readonly namespace: string;
  readonly name: string;
  /** The object to be; undefined for DELETE. */
  readonly draft: Draft | undefined;
  readonly present: KubeObject | undefined;
  readonly request: WriteRequest;
  /** The options object of the request (`CreateOptions` …), for webhooks. */
  readonly options: object;
}

/** What may change or refuse a write. Errors: `ApiError` when refused. */
export interface AdmissionStep {
  /** Returns the draft to go on with: the same, changed in place, or another. */
  mutate?(call: AdmissionCall): Draft | undefined | Promise<Draft | undefined>;
  validate?(call: AdmissionCall): void | Promise<void>;
}
