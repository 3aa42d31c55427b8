import { addressConflict, canonicalJson, type HostAddress } from "@heddle/config";
import { isKubeError, type KubeClient } from "@heddle/kube-client";
import type { MeshState } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import { type CatchUp, createCatchUp } from "./catch-up.ts";
import { conditionsOf } from "./conditions.ts";

/** Writes the addresses that hosts were given, and conflicts about addresses, into the status of ServiceEntries. */
export interface EntryStatuses {
  update(state: MeshState): void;
  close(): void;
}

export interface EntryStatusesOptions {
  readonly kube: Pick<KubeClient, "get" | "patch">;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Wanted {
  readonly addresses: readonly HostAddress[];
  readonly conflict: string;
}

/**
 * Every replica comes to the same addresses, and a write counts only on the version that was read, so that several replicas do this
 * side by side without a leader.
 */
class Writer implements EntryStatuses {
  readonly #options: EntryStatusesOptions;
  #state: MeshState | undefined;
  readonly #catchUp: CatchUp;

  constructor(options: EntryStatusesOptions) {
    this.#options = options;
    const { clock } = options;
    this.#catchUp = createCatchUp({
      clock,
      due: () =>
        due(this.#state).map(
          ([key, wanted]) =>
            () =>
              this.#write(key, wanted),
        ),
    });
  }

  update(state: MeshState): void {
    if (
      this.#state?.allocation === state.allocation &&
      this.#state.objects.entryStatuses === state.objects.entryStatuses
    )
      return;
    this.#state = state;
    this.#catchUp.start();
  }

  close(): void {
    this.#catchUp.close();
  }

  async #write(key: string, wanted: Wanted): Promise<boolean> {
    const { kube, log, clock } = this.#options;
    const [namespace = "", name = ""] = key.split("/");
    const ref = { group: "networking.istio.io", version: "v1", resource: "serviceentries", namespace, name };
    try {
      const object = await kube.get(ref);
      const others = conditionsOf(object["status"]).filter((condition) => condition["type"] !== addressConflict);
      const condition = {
        type: addressConflict,
        status: "True",
        reason: "AddressInUse",
        message: wanted.conflict,
        lastTransitionTime: new Date(clock.now()).toISOString(),
      };
      const conditions = wanted.conflict === "" ? others : [...others, condition];
      const { resourceVersion } = object.metadata;
      await kube.patch(
        ref,
        { metadata: { resourceVersion }, status: { addresses: wanted.addresses, conditions } },
        { subresource: "status" },
      );
      if (wanted.conflict !== "") log.warn(`ServiceEntry ${key}: ${wanted.conflict}`);
      return true;
    } catch (error) {
      // It is gone, or somebody wrote it in between: then its next version is looked at.
      if (isKubeError(error, 404)) return true;
      if (isKubeError(error, 409)) return false;
      log.warn("writing the status of a ServiceEntry failed; trying again", { entry: key, error });
      return false;
    }
  }
}

/** Entries whose status says something else than it should. */
function due(state: MeshState | undefined): readonly (readonly [string, Wanted])[] {
  if (state === undefined) return [];
  const found: (readonly [string, Wanted])[] = [];
  for (const key of state.objects.serviceEntries.keys()) {
    const recorded = state.objects.entryStatuses.get(key) ?? { addresses: [], conflict: "" };
    const wanted: Wanted = {
      addresses: state.allocation.addresses.get(key) ?? [],
      conflict: state.allocation.conflicts.get(key) ?? "",
    };
    if (canonicalJson(recorded) !== canonicalJson(wanted)) found.push([key, wanted]);
  }
  return found;
}

export function createEntryStatuses(options: EntryStatusesOptions): EntryStatuses {
  return new Writer(options);
}
