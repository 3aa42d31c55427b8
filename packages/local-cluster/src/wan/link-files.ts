import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, listOf, textOf } from "@heddle/std";
import { decodeWanSettings, PERFECT_WAN, type WanSettings } from "./link-settings.ts";

/** What a link knows of the other clusters: their directories stand beside its own. */
export interface LinkFiles {
  /** Datagram socket of a cluster's link. */
  readonly socket: string;
  readonly settings: string;
  readonly state: string;
}

export function linkFiles(clusterDirectory: string): LinkFiles {
  return {
    socket: join(clusterDirectory, "wan"),
    settings: join(clusterDirectory, "wan-settings.json"),
    state: join(clusterDirectory, "wan-state.json"),
  };
}

export interface Peer {
  readonly name: string;
  readonly index: number;
  /** What an attached network is asked by, besides the address of its index. */
  readonly addresses: readonly string[];
}

/** The clusters of this state directory by their index, the dead ones among them. */
export function readPeers(clusters: string): readonly Peer[] {
  try {
    return readdirSync(clusters).flatMap((name) => {
      try {
        const record: unknown = JSON.parse(readFileSync(join(clusters, name, "cluster.json"), "utf8"));
        const index = at(record, "index");
        const addresses = listOf(at(record, "attached", "addresses")).map(textOf);
        return typeof index === "number" ? [{ name, index, addresses }] : [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

export function readWanSettings(path: string): WanSettings {
  try {
    return decodeWanSettings(readFileSync(path, "utf8")) ?? PERFECT_WAN;
  } catch {
    return PERFECT_WAN;
  }
}

/** Packets towards one other cluster since the start. */
export interface LinkCounters {
  readonly sent: number;
  /** By `--loss`, `--cut` and a full line. */
  readonly lost: number;
  readonly received: number;
}

/** What a link says of itself. */
export interface LinkState {
  /** Why there is no link. */
  readonly problem?: string;
  /** The settings in force. */
  readonly settings: WanSettings;
  readonly peers: Readonly<Record<string, LinkCounters>>;
}

export function readLinkState(path: string): LinkState | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as LinkState;
  } catch {
    return undefined;
  }
}

/** Atomic: a reader sees the old or the new file. */
export function writeLinkFile(path: string, value: WanSettings | LinkState): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
