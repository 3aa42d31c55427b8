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

/** Gets a certificate, renews it at half of its life, and tells each new one. States: waiting → held → renewing → held … */
export interface WorkloadCertificate {
  readonly current: WorkloadSecret | undefined;
  /** Called with the present secret, if there is one, and with each later one. */
  onSecret(listener: (secret: WorkloadSecret) => void): void;
  start(): void;
  close(): void;
}

export interface WorkloadCertificateDeps {
  readonly authority: CertificateAuthorityClient;
  readonly identity: { readonly trustDomain: string; readonly namespace: string; readonly serviceAccount: string };
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** PEM of the roots that were mounted; the chain's own root is added. */
  readRoots(): Promise<string>;
}

const BACKOFF = { baseMs: 200, maxMs: 10_000, minMs: 100 };

export function createWorkloadCertificate(deps: WorkloadCertificateDeps): WorkloadCertificate {
  return new RenewingCertificate(deps);
}

class RenewingCertificate implements WorkloadCertificate {
  readonly #deps: WorkloadCertificateDeps;
  readonly #listeners: ((secret: WorkloadSecret) => void)[] = [];
  readonly #backoff: ReturnType<typeof createBackoff>;
  #timer: ClockTimer | undefined;
  #closed = false;
  current: WorkloadSecret | undefined;

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
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#deps.authority.close();
  }

  async #renew(): Promise<void> {
    if (this.#closed) return;
    const { clock, log } = this.#deps;
    try {
      const { secret, notBeforeMs } = await this.#fetch();
      if (this.#closed) return;
      this.#backoff.reset();
      this.current = secret;
      const delay = renewalDelay({
        notBeforeMs,
        notAfterMs: secret.notAfterMs,
        nowMs: clock.now(),
        random: this.#deps.random(),
      });
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
    }
  }

  async #fetch(): Promise<{ secret: WorkloadSecret; notBeforeMs: number }> {
    const { identity, authority, ttlSeconds } = this.#deps;
    const key = await generateKey();
    const id = workloadId(identity);
    if (!id.ok) throw new Error(id.error);
    const chain = await authority.sign(createSigningRequest(key, { uris: [id.value] }), ttlSeconds);
    const leaf = chain[0] ? readCertificate(chain[0]) : undefined;
    if (!leaf?.ok) throw new Error("the control plane's answer holds no certificate that can be read");
    const root = chain.length > 1 ? (chain.at(-1) ?? "") : "";
    const certificates = chain.length > 1 ? chain.slice(0, -1) : chain;
    return {
      secret: {
        chain: `${certificates.map((c) => c.trim()).join("\n")}\n`,
        key: exportPrivateKey(key),
        roots: mergePem(await this.#deps.readRoots(), root),
        notAfterMs: leaf.value.notAfterMs,
      },
      notBeforeMs: leaf.value.notBeforeMs,
    };
  }
}

/** All certificates of both texts, each once. */
export function mergePem(...texts: readonly string[]): string {
  const blocks = texts.flatMap((t) => t.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []);
  return `${[...new Set(blocks.map((b) => b.trim()))].join("\n")}\n`;
}
