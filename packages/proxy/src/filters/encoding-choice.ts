import type { CompressedDirection } from "../config/filters/compressor.ts";
import { matchesString } from "../config/string-match.ts";

/** A compressor of a chain, as far as clients may choose it. */
export interface ChainCompressor {
  readonly coding: string;
  readonly first: boolean;
  readonly response: CompressedDirection;
}

/** What a client wants of the compressors of a chain. */
export interface EncodingChoice {
  readonly coding: string;
  /** Why, in Envoy's statistics: a coding by name, "*", no compression, nothing that can be had. */
  readonly by: "name" | "wildcard" | "identity" | "invalid";
}

const INVALID: EncodingChoice = { coding: "identity", by: "invalid" };
const IDENTITY: EncodingChoice = { coding: "identity", by: "identity" };

/** Source: Envoy's compressor filter; RFC 9110 12.5.3, but that names are told apart by case. */
export function chooseEncoding(
  accepted: string,
  contentType: string | undefined,
  chain: readonly ChainCompressor[],
): EncodingChoice {
  const usable = new Map<string, ChainCompressor>();
  for (const compressor of chain)
    if (takesType(compressor.response, contentType) && !usable.has(compressor.coding))
      usable.set(compressor.coding, compressor);
  const wanted: [name: string, quality: number][] = [];
  for (const item of accepted.split(",")) {
    if (item === "") continue;
    const quality = qualityOf(item);
    if (quality === undefined) continue;
    const name = (item.split(";", 1)[0] ?? "").trim();
    wanted.push([name, quality]);
    if (quality === 0) usable.delete(name);
  }
  if (wanted.length === 0 || usable.size === 0) return INVALID;
  let coding = "identity";
  let best = 0;
  for (const [name, quality] of wanted) {
    const compressor = usable.get(name);
    if (compressor === undefined && name !== "identity" && name !== "*") continue;
    if (quality > best || (quality === best && compressor?.first === true)) {
      coding = name;
      best = quality;
    }
  }
  if (best === 0) return INVALID;
  if (coding === "identity") return IDENTITY;
  if (coding !== "*") return { coding, by: "name" };
  const [registered = "identity"] = usable.keys();
  return { coding: registered, by: "wildcard" };
}

/** 1 where nothing is said; undefined: it is no number. */
function qualityOf(item: string): number | undefined {
  const from = item.indexOf(";");
  if (from < 0) return 1;
  const parameters = item.slice(from + 1);
  const equals = parameters.indexOf("=");
  if (equals < 0 || parameters.slice(0, equals).trim().toLowerCase() !== "q") return 1;
  const text = parameters.slice(equals + 1).trim();
  const quality = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(quality) ? undefined : quality;
}

/** Whether a body of this type is to be compressed; one of no type is. */
export function takesType(direction: CompressedDirection, contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === "") return true;
  const type = (contentType.split(";", 1)[0] ?? "").trim();
  const { typeMatchers, types } = direction;
  if (typeMatchers.length === 0) return types.has(type.toLowerCase());
  return typeMatchers.some((match) => matchesString(match, type));
}
