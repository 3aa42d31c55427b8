import { readFileSync } from "node:fs";
import { isObject } from "@heddle/config";
import { parse } from "yaml";
import { UsageError } from "../context.ts";
import { mergeValues } from "./mesh-config.ts";

type Values = Readonly<Record<string, unknown>>;

export function readInput(path: string, flag: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(`${flag} ${path}: ${missing ? "there is no such file" : String(error)}`);
  }
}

/**
 * Values of files, later ones win: an `IstioOperator` or `IstioControlPlane` (its spec), or the same keys at the top.
 * Errors: UsageError naming the file.
 */
export function valuesOfFiles(paths: readonly string[]): Values {
  let all: Values = {};
  for (const path of paths) {
    let value: unknown;
    try {
      value = parse(readInput(path, "-f"));
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`-f ${path}: ${error instanceof Error ? error.message : error}`);
    }
    if (value === null) continue;
    if (!isObject(value)) throw new UsageError(`-f ${path}: expected a map such as meshConfig: {…} and values: {…}`);
    const operator = value["kind"] === "IstioOperator" || value["kind"] === "IstioControlPlane";
    if (value["kind"] !== undefined && !operator)
      throw new UsageError(`-f ${path}: is a ${value["kind"]}; expected an IstioOperator or a file of values`);
    const spec = operator ? value["spec"] : value;
    if (isObject(spec)) all = mergeValues(all, spec);
  }
  return all;
}
