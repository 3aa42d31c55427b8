import {
  createSigningRequest,
  exportPrivateKey,
  generateKey,
  readCertificate,
  renewalDelay,
  workloadId,
} from "@heddle/identity";
import { type Clock, type ClockTimer, createBackoff, type Logger } from "@heddle/std";
import type { CertificateAuthorityClient } from "./certificate-authority-client.ts";

/** What TLS needs: the workload's chain and key, and who is trusted. The key exists only in this process. */
export interface WorkloadSecret {
  /** PEM, leaf first, without the root. */
  readonly chain: string;
  readonly key: string;
  /** PEM of all trusted roots. */
  readonly roots: string;
  /** Units: ms since 1970. */
  readonly notAfterMs: number;
}

/** Gets a certificate, renews it at half of its life and when the mounted roots change, and tells each new one. States: waiting → held → renewing → held … */
export interface WorkloadCertificate {
  readonly current: WorkloadSecret | undefined;
  /** Requests to whoever signs. */
  readonly asked: { readonly times: number; readonly failed: number; readonly waitedMs: number };
  /** Called with the present secret, if there is one, and with each later one. */
  onSecret(listener: (secret: WorkloadSecret) => void): void;
  start(): void;
  close(): void;
}

export interface WorkloadCertificateDeps {
  readonly authority: CertificateAuthorityClient;
  readonly identity: { readonly trustDomain: string; readonly namespace: string; readonly serviceAccount: string };
  readonly ttlSeconds: number;
  /** Part of the life that must remain at renewal. Source: Istio `SECRET_GRACE_PERIOD_RATIO`. */
  readonly graceRatio: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** PEM of the roots that were mounted; the chain's own root is added. */
  readRoots(): Promise<string>;
}

/** A certificate that is over as soon as it comes (clocks far apart) must not make a loop. */
const SOONEST_RENEWAL_MS = 1000;
/** A changed root is taken over within this time. */
const ROOT_CHECK_MS = 5000;
const BACKOFF = { baseMs: 200, maxMs: 10_000, minMs: 100 };

export function createWorkloadCertificate(deps: WorkloadCertificateDeps): WorkloadCertificate {
  return new RenewingCertificate(deps);
}

class RenewingCertificate implements WorkloadCertificate {
  readonly #deps: WorkloadCertificateDeps;
  readonly #listeners: ((secret: WorkloadSecret) => void)[] = [];
  readonly #backoff: ReturnType<typeof createBackoff>;
  #timer: ClockTimer | undefined;
  #rootCheck: ClockTimer | undefined;
  #renewing = false;
  /** The mounted roots that the present secret holds. */
  #mounted = "";
  #closed = false;
  current: WorkloadSecret | undefined;
  readonly asked = { times: 0, failed: 0, waitedMs: 0 };

  constructor(deps: WorkloadCertificateDeps) {
    this.#deps = deps;
    this.#backoff = createBackoff(BACKOFF, deps.random);
  }

  onSecret(listener: (secret: WorkloadSecret) => void): void {
    this.#listeners.push(listener);
    if (this.current) listener(this.current);
  }

  start(): void {
    void this.#renew();
    this.#rootCheck = this.#deps.clock.every(ROOT_CHECK_MS, () => void this.#followRoots());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#rootCheck?.cancel();
    this.#deps.authority.close();
  }

  /** Another root is mounted: trust it at once, and ask for a certificate that leads to it. */
  async #followRoots(): Promise<void> {
    if (this.current === undefined || this.#renewing) return;
    const mounted = await this.#deps.readRoots().catch(() => this.#mounted);
    if (mounted === this.#mounted || this.#renewing || this.#closed) return;
    this.#deps.log.info("the mounted roots have changed; renewing");
    this.#timer?.cancel();
    await this.#renew();
  }

  async #renew(): Promise<void> {
    if (this.#closed) return;
    const { clock, log } = this.#deps;
    this.#renewing = true;
    try {
      const secret = await this.#fetch();
      if (this.#closed) return;
      this.#backoff.reset();
      this.current = secret;
      const nowMs = clock.now();
      // The life counts from now: the certificate's own start is set back for clocks that differ.
      const due = renewalDelay({
        notBeforeMs: nowMs,
        notAfterMs: secret.notAfterMs,
        nowMs,
        graceRatio: this.#deps.graceRatio,
        random: this.#deps.random(),
      });
      const delay = Math.max(due, SOONEST_RENEWAL_MS);
      log.info("certificate issued", {
        notAfter: new Date(secret.notAfterMs).toISOString(),
        renewInMs: Math.round(delay),
      });
      for (const listener of this.#listeners) listener(secret);
      this.#timer = clock.after(delay, () => void this.#renew());
    } catch (error) {
      const delay = this.#backoff.next();
      log.warn("no certificate yet, asking again", {
        error: error instanceof Error ? error.message : String(error),
        retryInMs: Math.round(delay),
      });
      this.#timer = clock.after(delay, () => void this.#renew());
    } finally {
      this.#renewing = false;
    }
  }

  async #fetch(): Promise<WorkloadSecret> {
    const { identity, authority, ttlSeconds } = this.#deps;
    const key = await generateKey();
    const id = workloadId(identity);
    if (!id.ok) throw new Error(id.error);
    const chain = await this.#ask(() => authority.sign(createSigningRequest(key, { uris: [id.value] }), ttlSeconds));
    const leaf = chain[0] ? readCertificate(chain[0]) : undefined;
    if (!leaf?.ok) throw new Error("the control plane's answer holds no certificate that can be read");
    const root = chain.length > 1 ? (chain.at(-1) ?? "") : "";
    const certificates = chain.length > 1 ? chain.slice(0, -1) : chain;
    this.#mounted = await this.#deps.readRoots();
    return {
      chain: `${certificates.map((c) => c.trim()).join("\n")}\n`,
      key: exportPrivateKey(key),
      roots: mergePem(this.#mounted, root),
      notAfterMs: leaf.value.notAfterMs,
    };
  }

  async #ask<T>(sign: () => Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    const began = clock.monotonic();
    this.asked.times++;
    try {
      return await sign();
    } catch (error) {
      this.asked.failed++;
      throw error;
    } finally {
      this.asked.waitedMs += clock.monotonic() - began;
    }
  }
}

/** All certificates of both texts, each once. */
export function mergePem(...texts: readonly string[]): string {
  const blocks = texts.flatMap((t) => t.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []);
  return `${[...new Set(blocks.map((b) => b.trim()))].join("\n")}\n`;
}
