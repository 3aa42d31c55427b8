import type { ResourceSet } from "@heddle/xds";
import {
  type CredentialSecrets,
  type CredentialSecretsOptions,
  createCredentialSecrets,
} from "./credential-secrets.ts";

/**
 * Secrets for the gateways of every cluster: those of the cluster that a gateway runs in, then those beside the configuration that names
 * them. Each cluster's API server says what its service accounts may have. Source: Istio pilot/pkg/credentials/kube, multicluster.
 */
export interface ClusterSecrets {
  /** What a proxy in this cluster, that runs as this service account, may ask for. */
  setFor(clusterId: string, namespace: string, serviceAccount: string): ResourceSet;
  close(): void;
}

export interface ClusterSecretsOptions extends Omit<CredentialSecretsOptions, "otherwise"> {
  /** The API server of another cluster; undefined for the own one, and for clusters that nothing is known of. */
  kubeOf(clusterId: string): CredentialSecretsOptions["kube"] | undefined;
}

/** Invariant: `secrets` reads through `kube`, so another kubeconfig makes it anew. */
interface Held {
  readonly kube: CredentialSecretsOptions["kube"];
  readonly secrets: CredentialSecrets;
}

class Secrets implements ClusterSecrets {
  readonly #options: ClusterSecretsOptions;
  readonly #own: CredentialSecrets;
  readonly #held = new Map<string, Held>();

  constructor(options: ClusterSecretsOptions) {
    this.#options = options;
    this.#own = createCredentialSecrets(options);
  }

  setFor(clusterId: string, namespace: string, serviceAccount: string): ResourceSet {
    return this.#of(clusterId).setFor(namespace, serviceAccount);
  }

  close(): void {
    for (const { secrets } of this.#held.values()) secrets.close();
    this.#own.close();
  }

  #of(clusterId: string): CredentialSecrets {
    const { kubeOf, log } = this.#options;
    for (const [id, { kube, secrets }] of this.#held) {
      if (kubeOf(id) === kube) continue;
      secrets.close();
      this.#held.delete(id);
    }
    const held = this.#held.get(clusterId);
    if (held !== undefined) return held.secrets;
    const kube = kubeOf(clusterId);
    if (kube === undefined) return this.#own;
    const secrets = createCredentialSecrets({
      ...this.#options,
      kube,
      log: log.child(clusterId),
      otherwise: this.#own,
    });
    this.#held.set(clusterId, { kube, secrets });
    return secrets;
  }
}

export function createClusterSecrets(options: ClusterSecretsOptions): ClusterSecrets {
  return new Secrets(options);
}
