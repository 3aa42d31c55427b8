import { createPrivateKey } from "node:crypto";
import { SubjectAltNameMatcherSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
import { CommonTlsContext_CombinedCertificateValidationContextSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";
import { decodeAny } from "./any-field.ts";
import { type ConfigOrigin, decodeConfigOrigin } from "./config-origin.ts";
import { decodeDataText } from "./data-source.ts";
import { decodeDuration } from "./duration-field.ts";
import {
  type CertificateValidationContext,
  CertificateValidationContextSchema,
  type CommonTlsContext,
  CommonTlsContextSchema,
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  type SdsSecretConfig,
  SubjectAltNameMatcher_SanType,
  type TlsCertificate,
  TlsCertificateSchema,
  type TlsParameters,
  TlsParameters_TlsProtocol,
  TlsParametersSchema,
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from "./proto.ts";
import { CRL_WITHOUT_ROOTS, decodeRevocation, type RevocationConfig } from "./revocation.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeStringMatch, type StringMatch } from "./string-match.ts";
import { CERTIFICATE_VALIDATORS, type TrustBundles } from "./trust-bundles.ts";

/** A certificate with its key, PEM. */
export interface KeyPair {
  readonly certificateChain: string;
  /** Never printed. */
  readonly privateKey: string;
}

/** One accepted subject alternative name. */
export interface SanMatch {
  /** `any` for the deprecated untyped form. */
  readonly type: "uri" | "dns" | "any";
  readonly match: StringMatch;
}

/** How the peer's certificate is checked. */
export interface ValidationConfig {
  /** Trusted roots, PEM; undefined: the chain is not checked. */
  readonly trustedCa: string | undefined;
  /** Empty: any name is accepted. */
  readonly sans: readonly SanMatch[];
  /** Accept certificates that the roots don't cover (trust_chain_verification: ACCEPT_UNTRUSTED). */
  readonly acceptUntrusted: boolean;
  /** SHA-256 of accepted certificates, hexadecimal, and of their public keys, base64; none: any. */
  readonly pins?: CertificatePins | undefined;
  /** Roots by trust domain, in place of `trustedCa`; the peer needs a SPIFFE id then. */
  readonly bundles?: TrustBundles | undefined;
  /** Which certificates hold no longer. */
  readonly revocation?: RevocationConfig | undefined;
}

export interface CertificatePins {
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

/** Certificates either in place or by name over SDS. */
export type CertificateRef =
  | { readonly kind: "inline"; readonly pair: KeyPair }
  /** `from` undefined: the bootstrap's own secrets. */
  | { readonly kind: "sds"; readonly name: string; readonly from: ConfigOrigin | undefined }
  | { readonly kind: "none" };

export interface ValidationRef {
  /** Conditions that stand in the listener or cluster itself. */
  readonly own: ValidationConfig;
  /** Secret that adds the roots (and possibly names). */
  readonly sds: string | undefined;
  /** Where that comes from; undefined: the bootstrap's own secrets. */
  readonly from?: ConfigOrigin | undefined;
}

/** What both directions share. */
export interface TlsConfig {
  readonly certificate: CertificateRef;
  readonly validation: ValidationRef;
  readonly alpn: readonly string[];
  readonly minVersion: TlsVersion | undefined;
  readonly maxVersion: TlsVersion | undefined;
  readonly cipherSuites: readonly string[];
  readonly curves: readonly string[];
  /** Sessions that a client keeps for its next handshakes; 0: none. */
  readonly sessionKeys: number;
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

export interface DownstreamTlsConfig extends TlsConfig {
  readonly requireClientCertificate: boolean;
  readonly requireSni: boolean;
  /** How clients may take up an earlier session; undefined: as the runtime does. */
  readonly resumption: ResumptionConfig | undefined;
}

/** Sessions are kept by clients alone, in tickets. */
export interface ResumptionConfig {
  readonly tickets: boolean;
  /** Undefined: the runtime's. Units: s. */
  readonly lifetimeSeconds: number | undefined;
}

export interface UpstreamTlsConfig extends TlsConfig {
  readonly sni: string;
}

export const COMBINED_VALIDATION_SHAPE = shape(
  CommonTlsContext_CombinedCertificateValidationContextSchema,
  ["default_validation_context", "validation_context_sds_secret_config"],
  {},
  {
    "validation_context_certificate_provider validation_context_certificate_provider_instance":
      "roots come inline, from files or over SDS",
  },
);

export const COMMON_TLS_SHAPE = shape(
  CommonTlsContextSchema,
  [
    "tls_params",
    "tls_certificates",
    "tls_certificate_sds_secret_configs",
    "validation_context",
    "validation_context_sds_secret_config",
    "combined_validation_context",
    "alpn_protocols",
  ],
  {},
  {
    key_log: "session keys are never written",
    "tls_certificate_provider_instance tls_certificate_certificate_provider tls_certificate_certificate_provider_instance validation_context_certificate_provider validation_context_certificate_provider_instance":
      "certificates come inline, from files or over SDS",
    custom_handshaker: "there is one TLS library",
  },
  { inside: { combined_validation_context: COMBINED_VALIDATION_SHAPE } },
);
export const TLS_PARAMETERS_SHAPE = shape(
  TlsParametersSchema,
  ["tls_minimum_protocol_version", "tls_maximum_protocol_version", "cipher_suites", "ecdh_curves"],
  {},
  { signature_algorithms: "the runtime gives no access to them" },
);
export const SAN_MATCHER_SHAPE = shape(
  SubjectAltNameMatcherSchema,
  ["san_type", "matcher"],
  {},
  { oid: "only URI and DNS names are matched" },
);
const WATCHED =
  "refused: acts only in a secret that comes over SDS, from a file too, as in Envoy; name the certificate there";
export const VALIDATION_SHAPE = shape(
  CertificateValidationContextSchema,
  [
    "trusted_ca",
    "match_typed_subject_alt_names",
    "match_subject_alt_names",
    "trust_chain_verification",
    "verify_certificate_hash",
    "verify_certificate_spki",
    "custom_validator_config",
    "crl",
    "only_verify_leaf_cert_crl",
    "watched_directory",
  ],
  {},
  {
    ca_certificate_provider_instance: "roots come inline, from files or over SDS",
    system_root_certs: "name the system's file in trusted_ca, such as /etc/ssl/certs/ca-certificates.crt",
    require_signed_certificate_timestamp: "Envoy does not implement it either",
    allow_expired_certificate:
      "the TLS library ends its checks at the first failure, so an expired certificate would pass unchecked",
    max_verify_depth: "the runtime gives no access to it",
  },
  { inside: { match_typed_subject_alt_names: SAN_MATCHER_SHAPE } },
);
export const TLS_CERTIFICATE_SHAPE = shape(
  TlsCertificateSchema,
  ["certificate_chain", "private_key", "password", "watched_directory"],
  {},
  {
    pkcs12: "give certificate_chain and private_key as PEM",
    private_key_provider: "keys come inline, from files or over SDS",
    ocsp_staple: "no OCSP responses are stapled",
    signed_certificate_timestamp: "Envoy does not implement it either",
  },
);
export const DOWNSTREAM_TLS_SHAPE = shape(
  DownstreamTlsContextSchema,
  [
    "common_tls_context",
    "require_client_certificate",
    "require_sni",
    "session_timeout",
    "disable_stateless_session_resumption",
    "disable_stateful_session_resumption",
  ],
  {
    full_scan_certs_on_sni_mismatch: "acts only where a context has several certificates, which is refused",
  },
  { "session_ticket_keys session_ticket_keys_sds_secret_config": "the runtime makes its own ticket keys" },
  { only: { ocsp_staple_policy: { values: ["LENIENT_STAPLING"], reason: "no OCSP responses are stapled" } } },
);
export const UPSTREAM_TLS_SHAPE = shape(
  UpstreamTlsContextSchema,
  ["common_tls_context", "sni", "max_session_keys"],
  {},
  { allow_renegotiation: "renegotiation is never allowed; TLS 1.3 has none" },
  {
    only: {
      enforce_rsa_key_usage: { values: ["false"], reason: "the TLS library checks key usage by its own rules" },
    },
  },
);

export function decodeDownstreamTls(message: DownstreamTlsContext, scope: DecodeScope): DownstreamTlsConfig {
  checkShape(DOWNSTREAM_TLS_SHAPE, message, scope);
  return {
    ...decodeCommon(message.commonTlsContext, scope.field("common_tls_context")),
    requireClientCertificate: message.requireClientCertificate ?? false,
    requireSni: message.requireSni ?? false,
    resumption: decodeResumption(message, scope),
  };
}

function decodeResumption(message: DownstreamTlsContext, scope: DecodeScope): ResumptionConfig | undefined {
  const keys = message.sessionTicketKeysType;
  const tickets = !(keys.case === "disableStatelessSessionResumption" && keys.value);
  const lifetimeMs = decodeDuration(message.sessionTimeout, scope.field("session_timeout"));
  if (tickets && lifetimeMs === undefined) return undefined;
  return { tickets, lifetimeSeconds: lifetimeMs === undefined ? undefined : Math.trunc(lifetimeMs / 1000) };
}

export function decodeUpstreamTls(message: UpstreamTlsContext, scope: DecodeScope): UpstreamTlsConfig {
  checkShape(UPSTREAM_TLS_SHAPE, message, scope);
  return {
    ...decodeCommon(message.commonTlsContext, scope.field("common_tls_context")),
    sni: message.sni,
    sessionKeys: message.maxSessionKeys ?? 1,
  };
}

const ACCEPT_ALL: ValidationConfig = { trustedCa: undefined, sans: [], acceptUntrusted: false };

function decodeCommon(message: CommonTlsContext | undefined, scope: DecodeScope): TlsConfig {
  const parameters = decodeParameters(message?.tlsParams, scope.field("tls_params"));
  if (message === undefined) {
    return {
      certificate: { kind: "none" },
      validation: { own: ACCEPT_ALL, sds: undefined },
      alpn: [],
      sessionKeys: 0,
      ...parameters,
    };
  }
  checkShape(COMMON_TLS_SHAPE, message, scope);
  return {
    certificate: decodeCertificateRef(message, scope),
    validation: decodeValidationRef(message, scope),
    alpn: message.alpnProtocols,
    sessionKeys: 0,
    ...parameters,
  };
}

function decodeCertificateRef(message: CommonTlsContext, scope: DecodeScope): CertificateRef {
  const sds = message.tlsCertificateSdsSecretConfigs[0];
  if (message.tlsCertificateSdsSecretConfigs.length + message.tlsCertificates.length > 1) {
    scope.problem("only one certificate per TLS context is implemented");
  }
  if (sds !== undefined)
    return { kind: "sds", ...secretRef(sds, scope.field("tls_certificate_sds_secret_configs").item(0)) };
  const own = message.tlsCertificates[0];
  if (own === undefined) return { kind: "none" };
  refuseWatched(own, scope.field("tls_certificates").item(0));
  const pair = decodeKeyPair(own, scope.field("tls_certificates").item(0));
  return pair === undefined ? { kind: "none" } : { kind: "inline", pair };
}

function decodeValidationRef(message: CommonTlsContext, scope: DecodeScope): ValidationRef {
  const type = message.validationContextType;
  switch (type.case) {
    case "validationContext": {
      const at = scope.field("validation_context");
      refuseWatched(type.value, at);
      const own = decodeValidation(type.value, at);
      if (type.value.crl !== undefined && type.value.trustedCa === undefined)
        at.field("crl").problem(CRL_WITHOUT_ROOTS);
      return { own, sds: undefined };
    }
    case "validationContextSdsSecretConfig": {
      const { name, from } = secretRef(type.value, scope.field("validation_context_sds_secret_config"));
      return { own: ACCEPT_ALL, sds: name, from };
    }
    case "combinedValidationContext": {
      const own = type.value.defaultValidationContext;
      const at = scope.field("combined_validation_context.default_validation_context");
      if (own !== undefined) refuseWatched(own, at);
      const shared = type.value.validationContextSdsSecretConfig;
      const place = scope.field("combined_validation_context.validation_context_sds_secret_config");
      const ref = shared && secretRef(shared, place);
      return { own: own === undefined ? ACCEPT_ALL : decodeValidation(own, at), sds: ref?.name, from: ref?.from };
    }
    default:
      return { own: ACCEPT_ALL, sds: undefined };
  }
}

/** Nothing outside of secrets is read again: those who would wait for that are told. */
function refuseWatched({ watchedDirectory }: TlsCertificate | CertificateValidationContext, scope: DecodeScope): void {
  if (watchedDirectory !== undefined) scope.field("watched_directory").problem(WATCHED);
}

function secretRef(
  { name, sdsConfig }: SdsSecretConfig,
  scope: DecodeScope,
): { readonly name: string; readonly from: ConfigOrigin | undefined } {
  return { name, from: decodeConfigOrigin(sdsConfig, scope.field("sds_config")) };
}

export function decodeKeyPair(message: TlsCertificate, scope: DecodeScope): KeyPair | undefined {
  checkShape(TLS_CERTIFICATE_SHAPE, message, scope);
  if (message.certificateChain === undefined || message.privateKey === undefined) {
    scope.problem("a certificate needs both certificate_chain and private_key");
    return undefined;
  }
  const certificateChain = decodeDataText(message.certificateChain, scope.field("certificate_chain"));
  const stored = decodeDataText(message.privateKey, scope.field("private_key"));
  const password =
    message.password === undefined ? undefined : decodeDataText(message.password, scope.field("password"));
  const privateKey =
    stored === undefined || password === undefined
      ? stored
      : decryptKey(stored, password.replace(/\n$/, ""), scope.field("password"));
  if (certificateChain === undefined || privateKey === undefined) return undefined;
  return { certificateChain, privateKey };
}

export function decodeValidation(message: CertificateValidationContext, scope: DecodeScope): ValidationConfig {
  checkShape(VALIDATION_SHAPE, message, scope);
  const sans: SanMatch[] = [];
  message.matchTypedSubjectAltNames.forEach((item, i) => {
    const at = scope.field("match_typed_subject_alt_names").item(i);
    const type =
      item.sanType === SubjectAltNameMatcher_SanType.URI
        ? "uri"
        : item.sanType === SubjectAltNameMatcher_SanType.DNS
          ? "dns"
          : undefined;
    if (type === undefined) at.field("san_type").problem("only URI and DNS names are implemented");
    const match = item.matcher === undefined ? undefined : decodeStringMatch(item.matcher, at.field("matcher"));
    if (match !== undefined && type !== undefined) sans.push({ type, match });
  });
  message.matchSubjectAltNames.forEach((item, i) => {
    const match = decodeStringMatch(item, scope.field("match_subject_alt_names").item(i));
    if (match !== undefined) sans.push({ type: "any", match });
  });
  const validator = message.customValidatorConfig;
  return {
    bundles:
      validator === undefined
        ? undefined
        : decodeAny(validator.typedConfig, CERTIFICATE_VALIDATORS, scope.field("custom_validator_config.typed_config")),
    trustedCa:
      message.trustedCa === undefined ? undefined : decodeDataText(message.trustedCa, scope.field("trusted_ca")),
    sans,
    acceptUntrusted: message.trustChainVerification === 1,
    revocation: decodeRevocation(message, scope),
    pins: decodePins(message, scope),
  };
}

/** Errors: hashes of another length. */
function decodePins(message: CertificateValidationContext, scope: DecodeScope): CertificatePins | undefined {
  const { verifyCertificateHash: hashes, verifyCertificateSpki: keys } = message;
  if (hashes.length + keys.length === 0) return undefined;
  const certificates = hashes.map((hash) => hash.replaceAll(":", "").toLowerCase());
  certificates.forEach((hash, i) => {
    if (!/^[0-9a-f]{64}$/.test(hash))
      scope.field("verify_certificate_hash").item(i).problem("a SHA-256 has 64 hexadecimal digits");
  });
  keys.forEach((key, i) => {
    if (Buffer.from(key, "base64").length !== 32)
      scope.field("verify_certificate_spki").item(i).problem("a SHA-256 has 32 bytes, in base64");
  });
  return { certificates, keys };
}

/** An encrypted key as plain PEM. Errors: a wrong password. */
function decryptKey(key: string, password: string, scope: DecodeScope): string | undefined {
  try {
    return createPrivateKey({ key, passphrase: password }).export({ type: "pkcs8", format: "pem" }).toString();
  } catch {
    scope.problem("the password does not open private_key, or the key is not PEM");
    return undefined;
  }
}

const VERSIONS: ReadonlyMap<TlsParameters_TlsProtocol, TlsVersion> = new Map([
  [TlsParameters_TlsProtocol.TLSv1_0, "TLSv1"],
  [TlsParameters_TlsProtocol.TLSv1_1, "TLSv1.1"],
  [TlsParameters_TlsProtocol.TLSv1_2, "TLSv1.2"],
  [TlsParameters_TlsProtocol.TLSv1_3, "TLSv1.3"],
]);

function decodeParameters(
  message: TlsParameters | undefined,
  scope: DecodeScope,
): Pick<TlsConfig, "minVersion" | "maxVersion" | "cipherSuites" | "curves"> {
  if (message === undefined) return { minVersion: undefined, maxVersion: undefined, cipherSuites: [], curves: [] };
  checkShape(TLS_PARAMETERS_SHAPE, message, scope);
  return {
    minVersion: VERSIONS.get(message.tlsMinimumProtocolVersion),
    maxVersion: VERSIONS.get(message.tlsMaximumProtocolVersion),
    cipherSuites: message.cipherSuites,
    curves: message.ecdhCurves,
  };
}
