import { Histogram } from "../counters/histogram.ts";
import { createListenerHttpCounters, type ListenerHttpCounters } from "../http/manager-counters.ts";
import type { TlsState } from "../transport/connection.ts";

/** Counters of one listener; Envoy's `listener.<address>.` statistics. */
export class ListenerCounters {
  /** Whose filter chain is known. */
  connectionsTotal = 0;
  connectionsActive = 0;
  connectionsDestroyed = 0;
  /** Whose filter chain is not known yet. */
  inspecting = 0;
  inspectTimeouts = 0;
  inspectGone = 0;
  noChainMatch = 0;
  handshakeTimeouts = 0;
  overLimit = 0;
  /** Turned away by the listener's own limit. */
  overOwnLimit = 0;
  rejected = 0;
  tlsHandshakes = 0;
  tlsReused = 0;
  tlsErrors = 0;
  tlsNoCertificate = 0;
  tlsChainErrors = 0;
  tlsNameErrors = 0;
  tlsNoClientCertificate = 0;
  /** Units: ms. */
  readonly connectionTime = new Histogram();
  /** TLS as it was agreed on, `versions.TLSv1.3`; bounded by what the library offers. */
  readonly tls = new Map<string, number>();
  /** By the stat prefix of connection managers. */
  readonly http = new Map<string, ListenerHttpCounters>();

  httpCounters(prefix: string): ListenerHttpCounters {
    let counters = this.http.get(prefix);
    if (counters === undefined) {
      counters = createListenerHttpCounters();
      this.http.set(prefix, counters);
    }
    return counters;
  }

  handshake({ version, reused, peer }: TlsState): void {
    this.tlsHandshakes++;
    if (reused) this.tlsReused++;
    if (peer === undefined) this.tlsNoClientCertificate++;
    const name = `versions.${version}`;
    this.tls.set(name, (this.tls.get(name) ?? 0) + 1);
  }

  handshakeFailed(reason: string): void {
    if (reason.startsWith("no TLS handshake within")) this.handshakeTimeouts++;
    if (reason.includes("SAN matcher")) this.tlsNameErrors++;
    else if (reason.includes("CERTIFICATE_VERIFY_FAILED")) this.tlsChainErrors++;
    else if (reason.includes("sent no certificate")) this.tlsNoCertificate++;
    this.tlsErrors++;
  }

  /** @param ms How long it was open. */
  gone(ms: number): void {
    this.connectionsActive--;
    this.connectionsDestroyed++;
    this.connectionTime.record(ms);
  }
}

/** Fields that a reset leaves: what is now, and what is reset by itself. */
export const LISTENER_GAUGES: ReadonlySet<string> = new Set(["connectionsActive", "inspecting", "http"]);

/** What all listeners count together. */
export interface SharedListenerCounters {
  /** TLS inspector. */
  readonly inspector: InspectorCounters;
  added: number;
  modified: number;
  removed: number;
  updatedInPlace: number;
  createSuccess: number;
  createFailure: number;
  /** Counts of network filters by Envoy's names. */
  readonly filters: Map<string, number>;
}

export interface InspectorCounters {
  tls: number;
  plain: number;
  alpn: number;
  noAlpn: number;
  sni: number;
  noSni: number;
}

export function createSharedListenerCounters(): SharedListenerCounters {
  return {
    inspector: { tls: 0, plain: 0, alpn: 0, noAlpn: 0, sni: 0, noSni: 0 },
    added: 0,
    modified: 0,
    removed: 0,
    updatedInPlace: 0,
    createSuccess: 0,
    createFailure: 0,
    filters: new Map(),
  };
}
