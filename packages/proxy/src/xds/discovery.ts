import type { Registry } from "@bufbuild/protobuf";
import type { Clock, Logger } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import type { BootstrapSettings } from "../bootstrap.ts";
import type { ResourceStore } from "../resources.ts";
import type { DiscoveryFacts } from "../telemetry/stats/process-stats.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import type { AdsClient } from "./ads-client.ts";
import { REFERRED } from "./discovery-services.ts";
import { createFileSource } from "./file-source.ts";
import type { AdsNode } from "./node-message.ts";
import { createOwnSources } from "./own-sources.ts";

export interface DiscoveryDeps {
  readonly bootstrap: Pick<BootstrapSettings, "ads" | "clustersFrom" | "listenersFrom">;
  readonly node: AdsNode;
  readonly version: string;
  readonly registry: Registry;
  readonly clusters: Pick<ClusterSet, "get">;
  readonly resources: ResourceStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** Everything that brings resources to a proxy with a bootstrap: an aggregated stream, streams for one type, files. */
export interface Discovery {
  /** Reads files. Errors: a sentence when one can't be used. */
  load(): string | undefined;
  start(): void;
  close(): void;
  /** Undefined: there is no aggregated stream. */
  facts(): DiscoveryFacts | undefined;
}

export async function createDiscovery(deps: DiscoveryDeps): Promise<Discovery> {
  const { resources, clock, registry, random, node, version, bootstrap } = deps;
  const log = deps.log.child("xds");
  const shared = { resources, clock, random, node, version, log };
  let ads: AdsClient | undefined;
  const own = createOwnSources({
    ...shared,
    types: REFERRED,
    file: (path, typeUrl) => createFileSource({ ...shared, path, typeUrl, registry, onApplied: follow }),
    open: async (server, service, onUpdate) => {
      const [{ discoveryTarget }, { createDiscoveryStream }] = await grpc();
      const target = discoveryTarget(server, deps.clusters, log);
      return target && createDiscoveryStream({ ...shared, target, dialect: server.dialect, service, onUpdate });
    },
    onApplied: follow,
  });
  let following = false;
  /** What came refers to others. */
  function follow(): void {
    // A source that brings something while another is followed is seen by the loop of the first.
    if (following) return;
    following = true;
    try {
      own.follow();
      ads?.follow();
    } finally {
      following = false;
    }
  }
  if (bootstrap.ads !== undefined) {
    const [{ discoveryTarget }, , { createAdsClient }] = await grpc();
    const target = discoveryTarget(bootstrap.ads, deps.clusters, log);
    const { clustersFrom, listenersFrom } = bootstrap;
    ads =
      target &&
      createAdsClient({
        ...shared,
        ...target,
        dialect: bootstrap.ads.dialect,
        types: [
          ...(clustersFrom?.kind === "ads" ? [typeUrls.cluster] : []),
          ...(listenersFrom?.kind === "ads" ? [typeUrls.listener] : []),
        ],
        localSecrets: new Set(),
        serves: (origin) => origin.kind === "ads",
        onApplied: follow,
      });
  }
  return {
    load: () => {
      for (const [typeUrl, from] of [
        [typeUrls.cluster, bootstrap.clustersFrom],
        [typeUrls.listener, bootstrap.listenersFrom],
      ] as const) {
        const problem = from && own.add(typeUrl, from);
        if (problem !== undefined) return problem;
      }
      follow();
      return undefined;
    },
    start: () => {
      ads?.start();
      own.watch();
    },
    close: () => {
      ads?.close();
      own.close();
    },
    facts: () => ads?.facts(),
  };
}

/** gRPC's library is loaded by those who have a discovery server. */
function grpc() {
  return Promise.all([import("./discovery-target.ts"), import("./discovery-stream.ts"), import("./ads-client.ts")]);
}
