import { type Authority, type AuthorityMaterial, createAuthority, createSelfSignedRoot } from "@heddle/identity";
import { isKubeError, type KubeClient, type KubeObject } from "@heddle/kube-client";
import type { Clock, Logger } from "@heddle/std";
import { secretText } from "../secrets/data-text.ts";

/** The CA's material is unusable; the control plane must not start with it. */
export class AuthorityError extends Error {}

/** Where the CA comes from and what it is now. */
export interface AuthorityStore {
  readonly authority: Authority;
  /** What it was read from, for people. */
  readonly origin: string;
  /** Calls back when another CA is in force. */
  onChange(listener: () => void): void;
  close(): void;
}

const plugged = "cacerts";
const selfSigned = "istio-ca-secret";

function materialOf(secret: KubeObject): AuthorityMaterial {
  const text = (key: string): string | undefined => secretText(secret, key);
  const rootCert = text("root-cert.pem");
  const certChain = text("cert-chain.pem");
  return {
    caCert: text("ca-cert.pem") ?? "",
    caKey: text("ca-key.pem") ?? "",
    ...(rootCert !== undefined && { rootCert }),
    ...(certChain !== undefined && { certChain }),
  };
}

/** Makes an authority or says, file by file, why not. Errors: `AuthorityError`. */
export function authorityOf(material: AuthorityMaterial, origin: string, nowMs: number): Authority {
  const made = createAuthority(material, nowMs);
  if (made.ok) return made.value;
  const problems = made.error.map(({ file, reason }) => `${file} ${reason}`).join("; ");
  throw new AuthorityError(`${origin} cannot be used as CA: ${problems}`);
}

export interface KubernetesAuthorityOptions {
  readonly kube: KubeClient;
  readonly namespace: string;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The CA of Secret `cacerts`, else a self-signed one kept in Secret `istio-ca-secret`, made by whichever replica comes first.
 * A `cacerts` that appears or changes later is taken over when it is good, else logged.
 * Errors: `AuthorityError`; KubeError when the API server does not answer.
 */
export async function openKubernetesAuthority(options: KubernetesAuthorityOptions): Promise<AuthorityStore> {
  const { kube, namespace, clock, log } = options;
  const ref = (name: string) => ({ group: "", version: "v1", resource: "secrets", name, namespace });
  const given = await kube.find(ref(plugged));
  let origin = `Secret ${namespace}/${plugged}`;
  let secret = given;
  if (secret === undefined) {
    origin = `Secret ${namespace}/${selfSigned}`;
    secret = await kube.find(ref(selfSigned));
    if (secret === undefined) {
      await createSecret(options);
      // Read again: of two replicas that created it at once one lost.
      secret = await kube.get(ref(selfSigned));
    }
  }
  let authority = authorityOf(materialOf(secret), origin, clock.now());
  const listeners: (() => void)[] = [];
  const watch = kube.watch(
    { group: "", version: "v1", resource: "secrets", namespace },
    {
      onEvent({ type, object }) {
        if (type === "DELETED")
          return void log.warn(`${origin} was deleted; its CA stays in force until the next start`);
        try {
          const next = authorityOf(materialOf(object), `Secret ${namespace}/${plugged}`, clock.now());
          if (next.certificate.fingerprint === authority.certificate.fingerprint && next.rootPem === authority.rootPem)
            return;
          authority = next;
          origin = `Secret ${namespace}/${plugged}`;
          log.info("another CA is in force", { origin, expires: new Date(next.chainNotAfterMs).toISOString() });
          for (const listener of listeners) listener();
        } catch (error) {
          log.error(`${error instanceof Error ? error.message : error}; the CA before stays in force`);
        }
      },
    },
    { fieldSelector: `metadata.name=${plugged}` },
  );
  return {
    get authority() {
      return authority;
    },
    get origin() {
      return origin;
    },
    onChange: (listener) => void listeners.push(listener),
    close: () => watch.close(),
  };
}

async function createSecret(options: KubernetesAuthorityOptions): Promise<void> {
  const { kube, namespace, trustDomain, clock, log } = options;
  const material = await createSelfSignedRoot(trustDomain, clock.now());
  const data = {
    "ca-cert.pem": Buffer.from(material.caCert).toString("base64"),
    "ca-key.pem": Buffer.from(material.caKey).toString("base64"),
  };
  try {
    await kube.create({
      apiVersion: "v1",
      kind: "Secret",
      type: "istio.io/ca-root",
      metadata: { name: selfSigned, namespace },
      data,
    });
    log.info(`made a self-signed CA, kept in Secret ${namespace}/${selfSigned}`);
  } catch (error) {
    if (!isKubeError(error, 409)) throw error;
    log.info(`another replica made Secret ${namespace}/${selfSigned} first; using it`);
  }
}

/** A CA that never changes, for runs without a cluster. */
export function fixedAuthority(authority: Authority, origin: string): AuthorityStore {
  return { authority, origin, onChange: () => {}, close: () => {} };
}
