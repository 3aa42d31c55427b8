import { ServerCredentials } from "@grpc/grpc-js";

/** The serving certificate and the roots for client certificates, PEM. */
export interface ServingMaterial {
  readonly key: string;
  readonly cert: string;
  readonly roots: string;
}

/** TLS for gRPC servers: client certificates are optional (and verified when sent), the material can be replaced while serving. */
export interface RotatingCredentials {
  readonly credentials: ServerCredentials;
  replace(material: ServingMaterial): void;
}

const contextOf = (material: ServingMaterial) => ({
  ca: Buffer.from(material.roots),
  cert: [Buffer.from(material.cert)],
  key: [Buffer.from(material.key)],
});

/** The library's extension point is this class; nothing else of it is used. */
class Credentials extends ServerCredentials implements RotatingCredentials {
  constructor(material: ServingMaterial) {
    // Verified by the TLS library but not required: `getAuthContext` shows a certificate only when it is authorized.
    super({ requestCert: true, rejectUnauthorized: false }, contextOf(material));
  }

  get credentials(): ServerCredentials {
    return this;
  }

  replace(material: ServingMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

export function createRotatingCredentials(material: ServingMaterial): RotatingCredentials {
  return new Credentials(material);
}
