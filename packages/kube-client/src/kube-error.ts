/** Reasons that arise on this side of the connection; all others are Kubernetes' own (`NotFound`, `Conflict`, `Forbidden` …). */
export type LocalReason =
  | "NoKubeconfig"
  | "InvalidKubeconfig"
  | "CredentialsUnavailable"
  | "Unreachable"
  | "UntrustedCertificate"
  | "Timeout"
  | "UnknownKind"
  | "InvalidResponse"
  | "UpgradeFailed";

export interface KubeErrorOptions {
  readonly cause?: unknown;
  /** `details` of the API server's Status. */
  readonly details?: unknown;
}

/** A call to Kubernetes that failed: the message says what happened, the likely cause and the next step. */
export class KubeError extends Error {
  /** HTTP status; 0 when no answer arrived. */
  readonly code: number;
  readonly reason: string;
  readonly details: unknown;

  constructor(code: number, reason: LocalReason | (string & {}), message: string, options: KubeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "KubeError";
    this.code = code;
    this.reason = reason;
    this.details = options.details;
  }
}

/** Whether an error is a `KubeError` with this code or reason. */
export function isKubeError(error: unknown, codeOrReason?: number | string): error is KubeError {
  if (!(error instanceof KubeError)) return false;
  return codeOrReason === undefined || error.code === codeOrReason || error.reason === codeOrReason;
}
