import { systemErrorText } from "./errno.ts";

/** The kernel refused something; the message is one sentence naming what. */
export class KernelError extends Error {
  readonly errno: number;
  constructor(what: string, errno: number, kernelText: string) {
    super(`${what}: ${systemErrorText(errno)}${kernelText === "" ? "" : `; the kernel says: ${kernelText}`}`);
    this.name = "KernelError";
    this.errno = errno;
  }
}
