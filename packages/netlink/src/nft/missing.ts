import { EAFNOSUPPORT, ENOENT, EOPNOTSUPP, EPROTONOSUPPORT } from "../errno.ts";
import { KernelError } from "../kernel-error.ts";

const MODULES = "nf_tables nft_chain_nat nft_nat nft_redir nft_ct nft_reject_ipv4 nft_numgen nft_hash";

/** One sentence for the user when the kernel has no nf_tables, or not all of it. Undefined: the error means something else. */
export function missingNfTables(error: unknown): string | undefined {
  if (!(error instanceof KernelError)) return undefined;
  const lacksAll = [EPROTONOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT].includes(error.errno);
  if (!lacksAll && error.errno !== ENOENT) return undefined;
  const lacks = lacksAll ? "nf_tables, its packet filter" : "a part of nf_tables, its packet filter";
  return `this kernel has not loaded ${lacks} (${error.message}): load it as root with "modprobe -a ${MODULES}", or use a kernel built with CONFIG_NF_TABLES`;
}
