import type { Expression } from "./expression.ts";

/**
 * Expressions that run an iptables extension inside nf_tables (`nft_compat`), so that `iptables -L` can show the rule.
 * Structures are the extensions' own, padded to 8 bytes. Source: include/uapi/linux/netfilter/{xt_owner,nf_nat}.h.
 */
const XT_OWNER_UID = 1;
const XT_OWNER_GID = 2;
const NAT_RANGE_PORT = 2;

export interface OwnerIds {
  readonly of: "user" | "group";
  readonly first: number;
  readonly last: number;
  readonly negate: boolean;
}

/** `struct xt_owner_match_info` (revision 1). */
export function ownerMatch(owner: OwnerIds): Expression {
  const info = new Uint8Array(24);
  const view = new DataView(info.buffer);
  const flag = owner.of === "user" ? XT_OWNER_UID : XT_OWNER_GID;
  const offset = owner.of === "user" ? 0 : 8;
  view.setUint32(offset, owner.first, true);
  view.setUint32(offset + 4, owner.last, true);
  view.setUint8(16, flag);
  view.setUint8(17, owner.negate ? flag : 0);
  return extension("match", "owner", 1, info);
}

/** `struct nf_nat_ipv4_multi_range_compat` (IPv4) or `struct nf_nat_range` (IPv6), revision 0. */
export function redirectTarget(port: number, ipv6: boolean): Expression {
  const info = new Uint8Array(ipv6 ? 40 : 24);
  const view = new DataView(info.buffer);
  if (ipv6) {
    view.setUint32(0, NAT_RANGE_PORT, true);
    view.setUint16(36, port, false);
    view.setUint16(38, port, false);
  } else {
    view.setUint32(0, 1, true);
    view.setUint32(4, NAT_RANGE_PORT, true);
    view.setUint16(16, port, false);
    view.setUint16(18, port, false);
  }
  return extension("target", "REDIRECT", 0, info);
}

function extension(kind: "match" | "target", name: string, revision: number, info: Uint8Array): Expression {
  return {
    name: kind,
    write: (w) => {
      w.text(1, name);
      w.be32(2, revision);
      w.bytes(3, info);
    },
  };
}
