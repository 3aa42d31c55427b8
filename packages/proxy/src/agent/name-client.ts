import { credentials } from "@grpc/grpc-js";
import type { NameEntry } from "@heddle/dns";
import type { Clock, Logger } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import { type AdsClient, createAdsClient } from "../xds/ads-client.ts";
import type { Agent } from "./agent.ts";
import { withNameTable } from "./name-table.ts";
import { jsonObject } from "./node-identity.ts";

export interface NameClientDeps {
  /** `host:port` of the discovery service. */
  readonly address: string;
  readonly agent: Agent;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly version: string;
  onTable(entries: readonly NameEntry[]): void;
}

/** A discovery stream for the name table alone: where no data plane of ours has one already. Begins with the first certificate. */
export function createNameClient(deps: NameClientDeps): { close(): void } {
  const { agent, clock, random, version } = deps;
  let ads: AdsClient | undefined;
  agent.certificate.onSecret((secret) => {
    if (ads !== undefined) return;
    ads = createAdsClient({
      address: deps.address,
      // The data plane's own stream has this node id too; this one says that it is for names only.
      node: {
        id: agent.node.id,
        cluster: agent.node.cluster,
        metadata: jsonObject({ ...agent.node.metadata, HEDDLE_STREAM: "names" }),
      },
      version,
      resources: withNameTable(deps.onTable),
      types: [typeUrls.nameTable],
      clock,
      random,
      log: deps.log.child("names"),
      localSecrets: new Set(),
      credentials: () => {
        const { roots, key, chain } = agent.certificate.current ?? secret;
        return credentials.createSsl(Buffer.from(roots), Buffer.from(key), Buffer.from(chain));
      },
    });
    ads.start();
  });
  return { close: () => ads?.close() };
}
