import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { KubeObject, Link } from "@heddle/config";
import { secretAccess } from "@heddle/kube-client";
import type { ClusterContent, LinkedCluster } from "@heddle/model";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { secretText } from "../secrets/data-text.ts";
import { type GatewayProbe, type ProbeMetrics, startGatewayProbe } from "./gateway-probe.ts";
import { type RemoteCluster, watchRemoteCluster } from "./remote-cluster.ts";

/** Everything that one Link needs while it is there: the other cluster's content, its gateway's addresses and pulse. */
export interface LinkFollower {
  /** As it is now; made at each look. */
  readonly cluster: LinkedCluster;
  readonly problem: string;
  /** Roots of the other cluster, PEM. */
  readonly anchors: string | undefined;
  /** The Secret with the credentials, as it is now; undefined when it is missing. */
  credentials(secret: KubeObject | undefined): void;
  close(): void;
}

export interface FollowerOptions {
  readonly link: Link;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly userAgent: string;
  readonly metrics: ProbeMetrics;
  onChange(): void;
}

/** Names of gateways are resolved again this often. Units: ms. Source: Linkerd's repair period. */
const RESOLVE_EVERY_MS = 60_000;
const NOTHING: ClusterContent = { services: [], slices: [], pods: new Map() };

export function followLink(options: FollowerOptions): LinkFollower {
  const { link, clock, log, onChange } = options;
  const { clusterCredentialsSecret, gatewayAddress, probeSpec, targetClusterName } = link.spec;
  let remote: RemoteCluster | undefined;
  let last: ClusterContent | undefined;
  let kubeconfig: string | undefined;
  let refusal = "";
  let closed = false;

  const names = gatewayAddress.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
  let ips: readonly string[] = names.filter((name) => isIP(name) !== 0);
  let unresolved = "";
  const resolve = async (): Promise<void> => {
    const found = await Promise.all(
      names.map(async (name) => {
        if (isIP(name) !== 0) return [name];
        return (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);
      }),
    ).catch((error: unknown) => {
      unresolved = `the gateway's name can't be resolved: ${error instanceof Error ? error.message : String(error)}`;
      return undefined;
    });
    if (closed) return;
    // Addresses that worked stay while the name can't be resolved.
    if (found !== undefined) {
      ips = found.flat();
      unresolved = "";
    }
    onChange();
  };
  let resolver: ClockTimer | undefined;
  if (ips.length < names.length) {
    void resolve();
    resolver = clock.every(RESOLVE_EVERY_MS, () => void resolve());
  }
  const probe: GatewayProbe | undefined =
    names.length === 0 || probeSpec === undefined
      ? undefined
      : startGatewayProbe({
          cluster: targetClusterName,
          path: probeSpec.path,
          port: Number(probeSpec.port),
          periodMs: probeSpec.period,
          timeoutMs: probeSpec.timeout,
          failureThreshold: Number(probeSpec.failureThreshold),
          addresses: () => ips,
          clock,
          metrics: options.metrics,
          onChange: (alive) => {
            log.warn(alive ? "the gateway is alive again" : "the gateway does not answer; its mirrors are not ready");
            onChange();
          },
        });

  const connect = async (text: string, origin: string): Promise<void> => {
    try {
      const access = await secretAccess(text, origin, clock);
      if (closed || kubeconfig !== text) return;
      refusal = "";
      remote?.close();
      remote = watchRemoteCluster({ ...options, access });
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
      log.warn("the credentials of the linked cluster can't be used", { reason: refusal });
    }
    onChange();
  };
  return {
    get cluster() {
      last = remote?.content ?? last;
      return {
        link,
        known: last !== undefined,
        gatewayAlive: probe?.alive ?? true,
        gatewayIps: ips,
        view: last ?? NOTHING,
      };
    },
    get problem() {
      return refusal || remote?.problem || unresolved;
    },
    get anchors() {
      return remote?.anchors;
    },
    credentials(secret) {
      const origin = `secret ${link.ref.namespace}/${clusterCredentialsSecret}`;
      const text = secretText(secret, "kubeconfig");
      if (text === undefined) {
        kubeconfig = undefined;
        remote?.close();
        remote = undefined;
        refusal =
          secret === undefined
            ? `${origin} is missing; apply what \`linkerd multicluster link\` prints`
            : `${origin} has nothing under its key kubeconfig`;
        return;
      }
      if (text === kubeconfig) return;
      kubeconfig = text;
      void connect(text, origin);
    },
    close() {
      closed = true;
      resolver?.cancel();
      probe?.close();
      remote?.close();
    },
  };
}
