import { constants } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { err, ok, type Result } from "@heddle/std";
import { CRL_WITHOUT_ROOTS } from "../config/revocation.ts";
import type {
  CertificatePins,
  DownstreamTlsConfig,
  ResumptionConfig,
  SanMatch,
  TlsConfig,
} from "../config/tls-context.ts";
import type { NativeSecureContext } from "../transport/bun-socket.ts";
import type { OwnIdentity } from "../transport/connection.ts";
import { createSessionStore, type SessionStore } from "../transport/session-store.ts";
import { createBundleCheck } from "./bundle-check.ts";
import { createOwnIdentity } from "./own-identity.ts";
import type { PeerCheck } from "./peer-check.ts";
import { createLeafRevocation, mergeRevocation } from "./revocation.ts";
import type { SecretStore } from "./secret-store.ts";

/** A TLS configuration with its secrets filled in. */
export interface ReadyTls {
  readonly context: NativeSecureContext;
  readonly sans: readonly SanMatch[];
  /** Roots are known, so the peer's chain is checked. */
  readonly verifyChain: boolean;
  /** Roots are known, so a client is asked for a certificate, even where any is accepted. Source: Envoy. */
  readonly asksPeer: boolean;
  /** Accepted certificates and keys; undefined: any. */
  readonly pins: CertificatePins | undefined;
  /** Undefined: handshakes never go on from earlier ones. */
  readonly sessions: SessionStore | undefined;
  /** What the TLS library does not look at: roots by trust domain, revoked leaves. */
  readonly checks: readonly PeerCheck[];
  /** The certificate that we show; undefined: none. */
  readonly own: OwnIdentity | undefined;
}

/** Fills configurations with secrets; results are kept until a secret changes. */
export interface SecureContexts {
  /** Errors: a sentence that names the missing secret or the bad certificate. */
  ready(config: TlsConfig | DownstreamTlsConfig): Result<ReadyTls>;
}

class CachedContexts implements SecureContexts {
  readonly #secrets: SecretStore;
  #cache = new WeakMap<TlsConfig, Result<ReadyTls>>();
  readonly #nowMs: () => number;
  #version = -1;

  constructor(secrets: SecretStore, nowMs: () => number) {
    this.#secrets = secrets;
    this.#nowMs = nowMs;
  }

  ready(config: TlsConfig | DownstreamTlsConfig): Result<ReadyTls> {
    if (this.#version !== this.#secrets.version) {
      this.#cache = new WeakMap();
      this.#version = this.#secrets.version;
    }
    let result = this.#cache.get(config);
    if (result === undefined) {
      result = buildContext(config, this.#secrets, this.#nowMs);
      this.#cache.set(config, result);
    }
    return result;
  }
}

/**
 * Of TLS 1.2, where the configuration names none: with forward secrecy and authenticated encryption only; a client's choice within brackets.
 * Source: Envoy, for both sides; the TLS library alone would also take CBC and RSA key transport.
 */
const DEFAULT_CIPHERS = [
  "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
  "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
];

function resumptionOptions(config: ResumptionConfig | undefined): SecureContextOptions {
  return {
    // The server's order counts, as in Envoy.
    secureOptions:
      constants.SSL_OP_CIPHER_SERVER_PREFERENCE | (config?.tickets === false ? constants.SSL_OP_NO_TICKET : 0),
    // The runtime takes 0 for its own default.
    ...(config?.lifetimeSeconds === undefined ? {} : { sessionTimeout: Math.max(1, config.lifetimeSeconds) }),
  };
}

function buildContext(
  config: TlsConfig | DownstreamTlsConfig,
  secrets: SecretStore,
  nowMs: () => number,
): Result<ReadyTls> {
  const certificate = config.certificate;
  const pair =
    certificate.kind === "sds"
      ? secrets.certificate(certificate.name)
      : certificate.kind === "inline"
        ? certificate.pair
        : undefined;
  if (certificate.kind === "sds" && pair === undefined) {
    return err(`TLSV1_CERTIFICATE_MISSING: the secret ${certificate.name} has not arrived yet`);
  }
  const { own, sds } = config.validation;
  const shared = sds === undefined ? undefined : secrets.validation(sds);
  if (sds !== undefined && shared === undefined) return err(`the trust bundle ${sds} has not arrived yet`);
  const bundles = own.bundles ?? shared?.bundles;
  const roots = bundles === undefined ? (own.trustedCa ?? shared?.trustedCa) : [...bundles.values()].join("\n");
  const acceptUntrusted = own.acceptUntrusted || shared?.acceptUntrusted === true;
  const revocation = mergeRevocation(own.revocation, shared?.revocation, roots ?? "");
  if (revocation !== undefined && roots === undefined) return err(`crl: ${CRL_WITHOUT_ROOTS}`);
  try {
    // `context` is the runtime's own object inside Node's wrapper; sockets take it without parsing keys again.
    const wrapper = createSecureContext({
      ...(pair === undefined ? {} : { cert: pair.certificateChain, key: pair.privateKey }),
      ...(roots === undefined ? {} : { ca: roots }),
      ...(revocation === undefined || revocation.leafOnly ? {} : { crl: [...revocation.lists] }),
      minVersion: config.minVersion ?? "TLSv1.2",
      ...(config.maxVersion === undefined ? {} : { maxVersion: config.maxVersion }),
      ...(config.curves.length === 0 ? {} : { ecdhCurve: config.curves.join(":") }),
      ciphers: (config.cipherSuites.length === 0 ? DEFAULT_CIPHERS : config.cipherSuites).join(":"),
      ...resumptionOptions("resumption" in config ? config.resumption : undefined),
    });
    return ok({
      context: (wrapper as unknown as { context: NativeSecureContext }).context,
      sans: [...own.sans, ...(shared?.sans ?? [])],
      verifyChain: roots !== undefined && !acceptUntrusted,
      asksPeer: roots !== undefined,
      pins: own.pins ?? shared?.pins,
      sessions: config.sessionKeys > 0 ? createSessionStore(config.sessionKeys, nowMs) : undefined,
      own: pair === undefined ? undefined : createOwnIdentity(pair.certificateChain),
      checks: acceptUntrusted
        ? []
        : [
            ...(bundles === undefined ? [] : [createBundleCheck(bundles)]),
            ...(revocation?.leafOnly === true ? [createLeafRevocation(revocation.lists, roots ?? "", nowMs)] : []),
          ],
    });
  } catch (error) {
    return err(
      `the certificate, its key or a revocation list can't be used: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** `nowMs`: since 1970. */
export function createSecureContexts(secrets: SecretStore, nowMs: () => number): SecureContexts {
  return new CachedContexts(secrets, nowMs);
}

/** ALPN names in the form of the extension: each with its length before it. */
export function alpnWire(names: readonly string[]): Uint8Array | undefined {
  if (names.length === 0) return undefined;
  return Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1")])));
}
