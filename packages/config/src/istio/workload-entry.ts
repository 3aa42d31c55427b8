import { map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { int, port, string } from "../schema/scalar.ts";
import type { Infer } from "../schema/schema.ts";
import { workloadAddress } from "./hosts.ts";

/** Thousands of endpoints add up to less than data planes can count, 2^32 - 1. */
const HEAVIEST = 1_000_000;

/** Source: istio/api networking/v1alpha3/workload_entry.proto. */
export const workloadEntrySpec = message("WorkloadEntry", {
  address: workloadAddress,
  ports: map(port()),
  labels: map(string()),
  network: string(),
  locality: string(),
  weight: int(0, HEAVIEST),
  serviceAccount: string(),
});

/** A workload that is not a pod. */
export const workloadEntry: ResourceDefinition<"WorkloadEntry", Infer<typeof workloadEntrySpec>> = {
  group: "networking.istio.io",
  kind: "WorkloadEntry",
  plural: "workloadentries",
  shortNames: ["we"],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  spec: workloadEntrySpec,
  columns: [
    {
      name: "Address",
      type: "string",
      jsonPath: ".spec.address",
      description: "Address associated with the network endpoint.",
    },
  ],
};

export type WorkloadEntry = Resource<"WorkloadEntry", Infer<typeof workloadEntrySpec>>;
export type WorkloadEntrySpec = Infer<typeof workloadEntrySpec>;
