import { canonicalJson, type VirtualService } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";

interface Rule {
  readonly path: string;
  readonly name: string;
  /** Canonical text of each match; empty: matches everything. */
  readonly matches: readonly string[];
}

/** Rules behind one that takes everything that they would. */
export const unreachableRules: Analyzer = {
  name: "virtualservice.UnreachableRule",
  about: "no rule or match of a VirtualService stands behind one that takes all of its requests",
  codes: ["IST0130", "IST0131"],
  analyze: ({ state }) => [...state.objects.virtualServices.values()].flatMap(rulesOf),
};

function rulesOf(service: VirtualService): readonly Finding[] {
  const { http, tls, tcp } = service.spec;
  return [
    ...check(
      service,
      http.map((route, i) => rule(`spec.http[${i}]`, route.name ?? "", route.match.map(withoutName))),
    ),
    ...check(
      service,
      tls.map((route, i) => rule(`spec.tls[${i}]`, "", route.match)),
    ),
    ...check(
      service,
      tcp.map((route, i) => rule(`spec.tcp[${i}]`, "", route.match)),
    ),
  ];
}

function rule(path: string, name: string, matches: readonly unknown[]): Rule {
  return { path, name, matches: matches.map((match) => canonicalJson(match)) };
}

function withoutName<M extends { readonly name?: string }>(match: M): Omit<M, "name"> {
  const { name: _name, ...rest } = match;
  return rest;
}

function check(service: VirtualService, rules: readonly Rule[]): readonly Finding[] {
  const found: Finding[] = [];
  const seen = new Map<string, string>();
  let taken: string | undefined;
  for (const { path, name, matches } of rules) {
    const title = `VirtualService rule ${name === "" ? path : `${path} (${name})`}`;
    if (taken !== undefined) {
      found.push(
        finding(
          "IST0130",
          service.ref,
          path,
          `${title} not used (only the last rule can have no matches: ${taken} takes every request); move it to the front`,
        ),
      );
      continue;
    }
    const used = matches.filter((match) => seen.has(match));
    if (matches.length > 0 && used.length === matches.length)
      found.push(
        finding("IST0130", service.ref, path, `${title} not used (duplicate of ${seen.get(used[0] ?? "")}); remove it`),
      );
    else
      for (const match of used)
        found.push(
          finding(
            "IST0131",
            service.ref,
            `${path}.match[${matches.indexOf(match)}]`,
            `${title} match has no effect (duplicate of ${seen.get(match)})`,
          ),
        );
    matches.forEach((match, index) => {
      if (!seen.has(match)) seen.set(match, `${path}.match[${index}]`);
    });
    if (matches.length === 0) taken = path;
  }
  return found;
}
