/** What the error stream says at the end of a command. Source: apimachinery `remotecommand`, kubelet `streaming/remotecommand`. */
export function exitStatus(exitCode: number, structured: boolean): string | undefined {
  if (exitCode === 0) return structured ? JSON.stringify({ metadata: {}, status: "Success" }) : undefined;
  const message = `command terminated with non-zero exit code: exit status ${exitCode}`;
  if (!structured) return message;
  return JSON.stringify({
    metadata: {},
    status: "Failure",
    message,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  });
}

/** A command that could not be started. */
export function failureStatus(message: string, structured: boolean): string {
  if (!structured) return message;
  return JSON.stringify({ metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 });
}

/** A client's message on the resize stream. Errors: undefined for anything else. */
export function parseResize(text: string): { readonly columns: number; readonly rows: number } | undefined {
  try {
    const size: unknown = JSON.parse(text);
    if (typeof size !== "object" || size === null || !("Width" in size) || !("Height" in size)) return undefined;
    const { Width: columns, Height: rows } = size;
    if (typeof columns !== "number" || typeof rows !== "number") return undefined;
    return columns > 0 && rows > 0 && columns < 65_536 && rows < 65_536 ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}
