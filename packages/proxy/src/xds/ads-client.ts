import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Clock, Logger } from "@heddle/std";
import type { ClientStatus, ResourceUpdate } from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import type { ConfigOrigin, DiscoveryDialect } from "../config/config-origin.ts";
import type { ResourceStore } from "../resources.ts";
import type { DiscoveryFacts, TypeFacts } from "../telemetry/stats/process-stats.ts";
import { applyUpdate } from "./apply-update.ts";
import { REFERRED } from "./discovery-services.ts";
import {
  createDiscoveryStream,
  type DiscoveryStream,
  type DiscoveryTarget,
  type StreamTraffic,
} from "./discovery-stream.ts";
import type { AdsNode } from "./node-message.ts";
import { WantedNames } from "./wanted-names.ts";

export interface AdsClientDeps extends Omit<DiscoveryTarget, "credentials"> {
  readonly node: AdsNode;
  readonly version: string;
  readonly resources: Pick<ResourceStore, "prepare" | "apply" | "wanted" | "held">;
  /** Default: delta. */
  readonly dialect?: DiscoveryDialect;
  /** Types of which everything is asked for. Default: clusters and listeners. */
  readonly types?: readonly string[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Secrets that come from elsewhere (the agent) and are never asked for. */
  readonly localSecrets: ReadonlySet<string>;
  /** Which resources are asked of this server. Default: all, wherever their configuration says they come from. */
  readonly serves?: (origin: ConfigOrigin) => boolean;
  credentials(): ChannelCredentials;
  /** Told after each update instead of following by itself. */
  onApplied?(): void;
}

/** Keeps the proxy's configuration equal to the control plane's. While there is none, the last configuration stays. */
export interface AdsClient
  extends Pick<DiscoveryStream, "start" | "close" | "report" | "connected" | "traffic" | "status"> {
  /** Asks for what the present configuration refers to, and no longer for what it does not. */
  follow(): void;
  /** For statistics. */
  facts(): DiscoveryFacts;
}

const SERVICE = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  sotw: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources",
};

class Aggregated implements AdsClient {
  readonly #deps: AdsClientDeps;
  readonly #stream: DiscoveryStream;
  readonly #wanted = new Map(REFERRED.map((typeUrl) => [typeUrl, new WantedNames()]));
  readonly #counts = new Map<string, { attempts: number; successes: number; rejected: number }>();

  constructor(deps: AdsClientDeps) {
    this.#deps = deps;
    this.#stream = createDiscoveryStream({
      ...deps,
      target: deps,
      dialect: deps.dialect ?? "delta",
      service: SERVICE,
      onUpdate: (update) => this.#onUpdate(update),
    });
    for (const typeUrl of deps.types ?? [typeUrls.cluster, typeUrls.listener]) this.#stream.subscribe(typeUrl);
  }

  start(): void {
    this.#stream.start();
  }

  close(): void {
    this.#stream.close();
  }

  report(typeUrl: string, problem: string | undefined): void {
    this.#stream.report(typeUrl, problem);
  }

  get connected(): boolean {
    return this.#stream.connected;
  }

  get traffic(): StreamTraffic {
    return this.#stream.traffic;
  }

  status(): readonly ClientStatus[] {
    return this.#stream.status();
  }

  facts(): DiscoveryFacts {
    return {
      connected: this.connected,
      clusters: this.#countsOf(typeUrls.cluster),
      listeners: this.#countsOf(typeUrls.listener),
    };
  }

  #countsOf(typeUrl: string): { attempts: number; successes: number; rejected: number } & TypeFacts {
    let counts = this.#counts.get(typeUrl);
    if (counts === undefined) {
      counts = { attempts: 0, successes: 0, rejected: 0 };
      this.#counts.set(typeUrl, counts);
    }
    return counts;
  }

  #onUpdate(update: ResourceUpdate): string | undefined {
    const rejection = applyUpdate(this.#deps.resources, update, this.#deps.log);
    const counts = this.#countsOf(update.typeUrl);
    counts.attempts++;
    if (rejection === undefined) counts.successes++;
    else counts.rejected++;
    if (this.#deps.onApplied === undefined) this.follow();
    else this.#deps.onApplied();
    return rejection;
  }

  follow(): void {
    const { resources, localSecrets, serves } = this.#deps;
    for (const [typeUrl, wanted] of this.#wanted) {
      const names = resources
        .wanted(typeUrl)
        .filter(
          ({ name, from }) => serves?.(from) !== false && !(typeUrl === typeUrls.secret && localSecrets.has(name)),
        )
        .map(({ name }) => name);
      wanted.change(names, {
        subscribe: (fresh) => this.#stream.subscribe(typeUrl, fresh),
        unsubscribe: (stale) => {
          this.#stream.unsubscribe(typeUrl, stale);
          // The server says nothing about what it is no longer asked for.
          resources.apply(typeUrl, [], stale ?? resources.held(typeUrl).map(({ name }) => name));
        },
      });
    }
  }
}

export function createAdsClient(deps: AdsClientDeps): AdsClient {
  return new Aggregated(deps);
}
