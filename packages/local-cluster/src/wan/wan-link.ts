import { FFIType, read } from "bun:ffi";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { openCLibrary } from "@heddle/netlink";
import { createDelayQueue, type DelayQueue } from "./delay-queue.ts";
import { unixAddress } from "./link-device.ts";
import { type LinkFiles, linkFiles, readPeers, readWanSettings, writeLinkFile } from "./link-files.ts";
import { type LinkSettings, linkTo, PERFECT_WAN, type WanSettings } from "./link-settings.ts";
import { hostUnreachable } from "./unreachable.ts";
import { addressKey, destinationIndex, isIpv4, routerAddress, sourceIndex } from "./wan-addresses.ts";

/** What a link works on. The two descriptors never wait. */
export interface WanLinkOptions {
  readonly index: number;
  readonly flat: boolean;
  /** Packets of the own node that are for other clusters. */
  readonly device: number;
  /** Packets of other clusters. */
  readonly socket: number;
  /** The own cluster's directory; those of others stand beside it. */
  readonly directory: string;
  readonly random: () => number;
  /** Leads packets for an address of an attached network to the device. */
  readonly addRoute: (address: string) => void;
}

const CALLS = {
  poll: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
  read: { args: [FFIType.i32, FFIType.ptr, FFIType.u64], returns: FFIType.i64_fast },
  write: { args: [FFIType.i32, FFIType.ptr, FFIType.u64], returns: FFIType.i64_fast },
  sendto: {
    args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i64_fast,
  },
  __errno_location: { args: [], returns: FFIType.ptr },
} as const;
const POLLIN = 1;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const MAX_PACKET = 65_536;
/** Packets of one side before the other has its turn. */
const BATCH = 64;
/** How often settings are looked at and counters told. Units: ms. */
const HOUSEKEEPING_MS = 200;
/** A receiver whose queue is full is tried again after this. Units: ms. */
const FULL_RETRY_MS = 1;
/** How often the other clusters are looked for, and how soon again for a packet to an unknown one. Units: ms. */
const PEERS_MS = 1000;
const SEARCH_MS = 100;
const EAGAIN = 11;

interface Way {
  readonly name: string;
  readonly address: Uint8Array;
  readonly queue: DelayQueue;
  link: LinkSettings;
  sent: number;
  lost: number;
  received: number;
}

/** The user-space end of the line between a cluster and the others. `turn` waits for packets, so it has a thread of its own. */
export interface WanLink {
  /** Waits for packets until something is due, then moves them. */
  turn(): void;
}

class DatagramLink implements WanLink {
  readonly #options: WanLinkOptions;
  readonly #files: LinkFiles;
  readonly #calls = openCLibrary(CALLS);
  readonly #buffer = new Uint8Array(MAX_PACKET);
  readonly #pollSet = new Uint8Array(16);
  readonly #ways = new Map<number, Way>();
  /** Addresses of attached networks, this one's own among them, and their indexes. */
  #behind: ReadonlyMap<number, number> = new Map();
  readonly #routed = new Set<string>();
  #settings: WanSettings = PERFECT_WAN;
  #settingsTime = -1;
  #nextHousekeeping = 0;
  #nextPeers = 0;
  #nextSearch = 0;
  #full = false;
  #told = "";

  constructor(options: WanLinkOptions) {
    this.#options = options;
    this.#files = linkFiles(options.directory);
    const set = new DataView(this.#pollSet.buffer);
    set.setInt32(0, options.device, true);
    set.setUint16(4, POLLIN, true);
    set.setInt32(8, options.socket, true);
    set.setUint16(12, POLLIN, true);
  }

  turn(): void {
    const now = performance.now();
    if (now >= this.#nextHousekeeping) this.#keepHouse(now);
    this.#calls.poll(this.#pollSet, 2n, this.#waitMs(now));
    for (let i = 0; i < BATCH && this.#receiveOne(); i++);
    for (let i = 0; i < BATCH && this.#sendOne(); i++);
    this.#deliver();
  }

  #waitMs(now: number): number {
    if (this.#full) return FULL_RETRY_MS;
    let next = this.#nextHousekeeping;
    for (const way of this.#ways.values()) next = Math.min(next, way.queue.nextAtMs() ?? next);
    return Math.max(0, Math.ceil(next - now));
  }

  /** From another cluster to this node. */
  #receiveOne(): boolean {
    const { socket, device, index, flat } = this.#options;
    const count = Number(this.#calls.read(socket, this.#buffer, BigInt(MAX_PACKET)));
    if (count <= 0) return false;
    const packet = this.#buffer.subarray(0, count);
    if (!isIpv4(packet) || destinationIndex(packet, flat, this.#behind) !== index) return true;
    const from = sourceIndex(packet, flat, this.#behind);
    const way = from === undefined ? undefined : this.#wayTo(from);
    if (way === undefined) return true;
    way.received += 1;
    this.#calls.write(device, packet, BigInt(count));
    return true;
  }

  /** From this node to another cluster. */
  #sendOne(): boolean {
    const { device, index, flat } = this.#options;
    const count = Number(this.#calls.read(device, this.#buffer, BigInt(MAX_PACKET)));
    if (count <= 0) return false;
    const packet = this.#buffer.subarray(0, count);
    if (!isIpv4(packet)) return true;
    const to = destinationIndex(packet, flat, this.#behind);
    const way = to === undefined || to === index ? undefined : this.#wayTo(to);
    if (way === undefined) {
      this.#refuse(packet);
      return true;
    }
    const { cut, loss, delayMs } = way.link;
    if (cut || (loss > 0 && this.#options.random() < loss)) way.lost += 1;
    else if (!way.queue.push(packet.slice(), performance.now() + delayMs)) way.lost += 1;
    return true;
  }

  #deliver(): void {
    this.#full = false;
    const now = performance.now();
    for (const way of this.#ways.values()) {
      for (let packet = way.queue.due(now); packet !== undefined; packet = way.queue.due(now)) {
        const { address } = way;
        const sent = this.#calls.sendto(
          this.#options.socket,
          packet,
          BigInt(packet.length),
          MSG_DONTWAIT_NOSIGNAL,
          address,
          address.length,
        );
        // A full receiver is not gone: the packet waits for it.
        if (sent < 0 && this.#lastError() === EAGAIN) {
          this.#full = true;
          break;
        }
        way.queue.shift();
        if (sent >= 0) way.sent += 1;
        else this.#refuse(packet);
      }
    }
  }

  #lastError(): number {
    const location = this.#calls.__errno_location();
    return location === null ? 0 : read.i32(location, 0);
  }

  /** Nobody is there. */
  #refuse(packet: Uint8Array): void {
    const answer = hostUnreachable(packet, routerAddress(this.#options.index));
    if (answer !== undefined) this.#calls.write(this.#options.device, answer, BigInt(answer.length));
  }

  #wayTo(index: number): Way | undefined {
    const known = this.#ways.get(index);
    const now = performance.now();
    if (known !== undefined || now < this.#nextSearch) return known;
    this.#nextSearch = now + SEARCH_MS;
    this.#findPeers();
    return this.#ways.get(index);
  }

  #findPeers(): void {
    const clusters = dirname(this.#options.directory);
    const peers = readPeers(clusters);
    this.#behind = new Map(peers.flatMap(({ index, addresses }) => addresses.map((one) => [addressKey(one), index])));
    const others = peers.filter(({ index }) => index !== this.#options.index);
    for (const address of others.flatMap(({ addresses }) => addresses)) {
      if (this.#routed.has(address)) continue;
      this.#routed.add(address);
      this.#options.addRoute(address);
    }
    const present = new Map(others.map((peer) => [peer.index, peer.name]));
    for (const [index, way] of this.#ways) if (present.get(index) !== way.name) this.#ways.delete(index);
    for (const [index, name] of present) {
      if (this.#ways.has(index)) continue;
      const address = unixAddress(linkFiles(join(clusters, name)).socket);
      const link = linkTo(this.#settings, name);
      this.#ways.set(index, { name, address, queue: createDelayQueue(), link, sent: 0, lost: 0, received: 0 });
    }
  }

  #keepHouse(now: number): void {
    this.#nextHousekeeping = now + HOUSEKEEPING_MS;
    if (now >= this.#nextPeers) {
      this.#nextPeers = now + PEERS_MS;
      this.#findPeers();
    }
    const changed = statSync(this.#files.settings, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changed !== this.#settingsTime) {
      this.#settingsTime = changed;
      this.#settings = readWanSettings(this.#files.settings);
      for (const way of this.#ways.values()) way.link = linkTo(this.#settings, way.name);
    }
    this.#tell();
  }

  #tell(): void {
    const peers = [...this.#ways.values()].map(({ name, sent, lost, received }) => [name, { sent, lost, received }]);
    const state = { settings: this.#settings, peers: Object.fromEntries(peers) };
    const text = JSON.stringify(state);
    if (text === this.#told) return;
    try {
      writeLinkFile(this.#files.state, state);
      this.#told = text;
    } catch {
      // A full disk, or a cluster that is just being removed: packets go on.
    }
  }
}

/** Does no I/O yet. */
export function createWanLink(options: WanLinkOptions): WanLink {
  return new DatagramLink(options);
}
