/** A failure that the user can mend; its message is the sentence to print. */
export class ClusterProblem extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "ClusterProblem";
  }
}

/** Turns a file-system error into a sentence with the next step; other errors pass. */
export function fileProblem(path: string, error: unknown): unknown {
  const code = errorCode(error);
  const elsewhere = "or set HEDDLE_STATE to another directory";
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new ClusterProblem(`no space left on the disk that holds ${path}: free some, ${elsewhere}`, {
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new ClusterProblem(`${path} is not writable for this user: change its owner, ${elsewhere}`, {
        cause: error,
      });
    case "EROFS":
      return new ClusterProblem(`${path} is on a read-only file system: mount it writable, ${elsewhere}`, {
        cause: error,
      });
    case "ENOENT":
      return new ClusterProblem(`${path} can't be made there: choose an existing place, ${elsewhere}`, {
        cause: error,
      });
    case "ENOTDIR":
    case "EEXIST":
      return new ClusterProblem(`${path} is in the way: a directory is needed there; remove it, ${elsewhere}`, {
        cause: error,
      });
    case "ENAMETOOLONG":
      return new ClusterProblem(`${path} is too long a path: choose a shorter name, ${elsewhere}`, { cause: error });
    default:
      return error;
  }
}

export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
