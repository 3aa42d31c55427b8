import { readFile } from "node:fs/promises";
import type { Clock } from "@heddle/std";
import { KubeError } from "./kube-error.ts";

/** A client certificate with its key, PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What proves to the API server who calls. */
export interface Credentials {
  headers(): Promise<Readonly<Record<string, string>>>;
  clientCertificate(): Promise<ClientCertificate | undefined>;
  /** After a 401: forgets what was cached. True when another attempt may succeed. */
  invalidate(): boolean;
}

const TOKEN_FILE_MAX_AGE_MS = 10_000;

export function anonymous(): Credentials {
  return fixed({}, undefined);
}

export function fixed(
  headers: Readonly<Record<string, string>>,
  certificate: ClientCertificate | undefined,
): Credentials {
  return {
    headers: async () => headers,
    clientCertificate: async () => certificate,
    invalidate: () => false,
  };
}

/**
 * A bearer token in a file that others replace, as projected ServiceAccount tokens are.
 * Errors: `CredentialsUnavailable`. Source: client-go `cachingFileTokenSource`; read again after 10 s or a 401.
 */
export function tokenFile(path: string, certificate: ClientCertificate | undefined, clock: Clock): Credentials {
  let cached: { readonly headers: Readonly<Record<string, string>>; readonly readAtMs: number } | undefined;
  return {
    async headers() {
      const nowMs = clock.monotonic();
      if (cached === undefined || nowMs - cached.readAtMs > TOKEN_FILE_MAX_AGE_MS) {
        const text = await readFile(path, "utf8").catch((cause) => {
          throw new KubeError(
            0,
            "CredentialsUnavailable",
            `cannot read the token file ${path}; is the ServiceAccount token mounted?`,
            { cause },
          );
        });
        cached = { headers: { authorization: `Bearer ${text.trim()}` }, readAtMs: nowMs };
      }
      return cached.headers;
    },
    clientCertificate: async () => certificate,
    invalidate() {
      cached = undefined;
      return true;
    },
  };
}
