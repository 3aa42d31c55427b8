import { createPublicKey } from "node:crypto";
import { type Authority, exportPrivateKey, generateKey, renewalDelay } from "@heddle/identity";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { ServingMaterial } from "../grpc/rotating-credentials.ts";

/** The control plane's own certificate, renewed at half of its life and when the CA changes. */
export interface ServingCertificate {
  readonly material: ServingMaterial;
  /** Calls back with each new certificate. */
  onChange(listener: (material: ServingMaterial) => void): void;
  renew(): Promise<void>;
  close(): void;
}

export interface ServingCertificateOptions {
  readonly authority: () => Authority;
  readonly namespace: string;
  readonly domain: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** Names under which proxies, the API server and people reach the control plane. Source: Istio `pkg/bootstrap` DNS names of istiod. */
export function servingNames(namespace: string, domain: string): readonly string[] {
  const services = ["istiod", "istiod-remote", "istio-pilot"];
  return [
    ...services.flatMap((name) => [
      `${name}.${namespace}.svc`,
      `${name}.${namespace}.svc.${domain}`,
      `${name}.${namespace}`,
    ]),
    "localhost",
  ];
}

class Serving implements ServingCertificate {
  readonly #options: ServingCertificateOptions;
  readonly #listeners: ((material: ServingMaterial) => void)[] = [];
  #material: ServingMaterial = { key: "", cert: "", roots: "" };
  #timer: ClockTimer | undefined;

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
  }

  get material(): ServingMaterial {
    return this.#material;
  }

  onChange(listener: (material: ServingMaterial) => void): void {
    this.#listeners.push(listener);
  }

  async renew(): Promise<void> {
    const { authority, namespace, domain, ttlMs, clock, random, log } = this.#options;
    const key = await generateKey();
    const ca = authority();
    const nowMs = clock.now();
    const names = { dns: servingNames(namespace, domain), ips: ["127.0.0.1", "::1"] };
    const issued = ca.issue({ publicKey: createPublicKey(key), names, ttlMs, nowMs });
    // Peers have the root already.
    const cert = issued.chain.length > 2 ? issued.chain.slice(0, -1).join("") : (issued.chain[0] ?? "");
    this.#material = { key: exportPrivateKey(key), cert, roots: ca.rootPem };
    this.#timer?.cancel();
    const delay = renewalDelay({ notBeforeMs: nowMs, notAfterMs: issued.notAfterMs, nowMs, random: random() });
    this.#timer = clock.after(Math.max(1000, delay), () => {
      this.renew().catch((error) => log.error("renewing the serving certificate failed", { error }));
    });
    log.info("serving certificate issued", {
      expires: new Date(issued.notAfterMs).toISOString(),
      renewedInMinutes: Math.round(delay / 60_000),
    });
    for (const listener of this.#listeners) listener(this.#material);
  }

  close(): void {
    this.#timer?.cancel();
  }
}

export async function createServingCertificate(options: ServingCertificateOptions): Promise<ServingCertificate> {
  const serving = new Serving(options);
  await serving.renew();
  return serving;
}
