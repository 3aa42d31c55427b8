import type { KubeObject } from "../../contract/index.ts";
import { ApiError } from "../../contract/index.ts";
import { at, child, type Dict, type Draft, dict, text } from "../json/json-value.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { FieldNode } from "../schema/type-node.ts";
import type { WriteRequest } from "../write/write-request.ts";
import { applyOver, withoutPaths } from "./apply-merge.ts";
import {
  compare,
  differenceRoots,
  type FieldSet,
  fieldsOf,
  isSetNode,
  sharedPaths,
  showPath,
  unionRoots,
} from "./field-set.ts";
import { LAST_APPLIED, lastAppliedOf, lastAppliedText } from "./last-applied.ts";

interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly set: FieldSet;
}

/** Who owns which field: `metadata.managedFields` of server-side apply. */
export interface FieldTracker {
  /** Gives what a create or update changed to its manager. Changes the draft. */
  track(def: ResourceDefinition, draft: Draft, present: KubeObject | undefined, request: WriteRequest): void;
  /** The object that results from applying a configuration, with its managers. Errors: 409 for fields of other managers unless forced. */
  apply(
    def: ResourceDefinition,
    present: KubeObject | undefined,
    config: Dict,
    request: WriteRequest,
    force: boolean,
  ): Draft;
}

export interface FieldTrackerDeps {
  fieldOf(def: ResourceDefinition): FieldNode;
  /** RFC 3339, seconds. */
  readonly now: () => string;
}

/** Metadata that belongs to the server or names the object. */
const UNOWNED_METADATA = [
  "name",
  "namespace",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
  "generateName",
];

/** The object as ownership sees it. */
function ownable(object: Dict | undefined, def: ResourceDefinition, subresource: string): Draft {
  if (!object) return {};
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const owned: Draft = { ...rest };
  if (def.hasStatus && subresource === "") delete owned["status"];
  const meta: Draft = { ...dict(metadata) };
  for (const key of UNOWNED_METADATA) delete meta[key];
  if (Object.keys(meta).length > 0) owned["metadata"] = meta;
  return owned;
}

function readManagers(value: unknown): Manager[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const managers: Manager[] = [];
  for (const item of value) {
    const entry = dict(item);
    const set = entry["fieldsV1"];
    managers.push({
      name: text(entry["manager"]),
      operation: entry["operation"] === "Apply" ? "Apply" : "Update",
      apiVersion: text(entry["apiVersion"]),
      subresource: text(entry["subresource"]),
      time: text(entry["time"]),
      set: isSetNode(set) ? set : {},
    });
  }
  return managers;
}

function writeManagers(draft: Draft, managers: readonly Manager[]): void {
  const kept = managers.filter((manager) => Object.keys(manager.set).length > 0);
  const metadata = child(draft, "metadata");
  if (kept.length === 0) {
    delete metadata["managedFields"];
    return;
  }
  const sorted = [...kept].sort(
    (a, b) =>
      (a.operation === b.operation ? 0 : a.operation === "Apply" ? -1 : 1) ||
      a.time.localeCompare(b.time) ||
      a.name.localeCompare(b.name),
  );
  metadata["managedFields"] = sorted.map((manager) => ({
    apiVersion: manager.apiVersion,
    fieldsType: "FieldsV1",
    fieldsV1: manager.set,
    manager: manager.name,
    operation: manager.operation,
    ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
    ...(manager.time === "" ? {} : { time: manager.time }),
  }));
}

function samePerson(manager: Manager, name: string, operation: string, subresource: string): boolean {
  return manager.name === name && manager.operation === operation && manager.subresource === subresource;
}

export function createFieldTracker(deps: FieldTrackerDeps): FieldTracker {
  return {
    track(def, draft, present, request) {
      const before = readManagers(at(present, "metadata", "managedFields"));
      // What controllers create belongs to nobody; what they change must leave its former owners.
      if (request.trusted && before === undefined) return;
      const given = readManagers(at(draft, "metadata", "managedFields"));
      const reset = given?.length === 1 && given[0]?.name === "" && Object.keys(given[0].set).length === 0;
      const managers = reset ? [] : given === undefined || given.length === 0 ? (before ?? []) : given;
      if (request.fieldManager === APPLIED) return;
      const field = deps.fieldOf(def);
      const { subresource } = request;
      const difference = compare(ownable(present, def, subresource), ownable(draft, def, subresource), field);
      const name = request.fieldManager.slice(0, 128);
      const mine = managers.find((manager) => samePerson(manager, name, "Update", subresource));
      const others = managers
        .filter((manager) => manager !== mine)
        .map((manager) => ({
          ...manager,
          set: differenceRoots(differenceRoots(manager.set, difference.changed), difference.removed, true),
        }));
      const owned = differenceRoots(unionRoots(mine?.set ?? {}, difference.changed), difference.removed, true);
      const changed = Object.keys(difference.changed).length > 0 || Object.keys(difference.removed).length > 0;
      writeManagers(draft, [
        ...others,
        {
          name,
          operation: "Update",
          apiVersion: joinApiVersion(def.group, def.version),
          subresource,
          time: changed || !mine ? deps.now() : mine.time,
          set: owned,
        },
      ]);
    },

    apply(def, present, config, request, force) {
      const field = deps.fieldOf(def);
      const { subresource, fieldManager } = request;
      const live = dict(present);
      const managers = readManagers(at(live, "metadata", "managedFields")) ?? [];
      const wanted = ownable(config, def, subresource);
      const applied = fieldsOf(wanted, field);
      const mine = managers.find((manager) => samePerson(manager, fieldManager, "Apply", subresource));
      let others = managers.filter((manager) => manager !== mine);
      const merged = applyOver(ownable(live, def, "all"), wanted, field);
      const difference = compare(ownable(live, def, "all"), merged, field);
      const conflicts = others.flatMap((manager) => conflictsWith(manager, applied, difference.changed));
      const lastApplied = lastAppliedOf(live, fieldManager);
      const known =
        lastApplied && unchangedFields(ownable(lastApplied, def, subresource), ownable(live, def, subresource), field);
      if (conflicts.length > 0 && !force && !conflicts.every((path) => known?.(path)))
        throw conflictError(others, applied, difference.changed);
      others = others.map((manager) =>
        conflictsWith(manager, applied, difference.changed).length === 0
          ? manager
          : { ...manager, set: differenceRoots(manager.set, difference.changed) },
      );

      const abandoned = differenceRoots(mine?.set ?? {}, applied);
      const heldByOthers = others.reduce<FieldSet>((all, manager) => unionRoots(all, manager.set), {});
      const removable = differenceRoots(abandoned, heldByOthers);
      const pruned = withoutPaths(merged, removable, field);

      const draft: Draft = { ...live, ...dict(pruned) };
      for (const key of Object.keys(draft)) {
        if (!["apiVersion", "kind", "metadata"].includes(key) && dict(pruned)[key] === undefined) delete draft[key];
      }
      draft["apiVersion"] = live["apiVersion"] ?? config["apiVersion"];
      draft["kind"] = live["kind"] ?? config["kind"];
      const metadata: Draft = { ...dict(dict(pruned)["metadata"]) };
      for (const key of UNOWNED_METADATA) {
        const value = at(live, "metadata", key) ?? (present ? undefined : at(config, "metadata", key));
        if (value !== undefined) metadata[key] = value;
      }
      if (lastApplied)
        metadata["annotations"] = { ...dict(metadata["annotations"]), [LAST_APPLIED]: lastAppliedText(config) };
      draft["metadata"] = metadata;
      // What changes no value leaves no time behind.
      const unchanged = Object.keys(difference.changed).length === 0 && Object.keys(removable).length === 0;
      const time = unchanged && present ? (mine?.time ?? "") : deps.now();
      const apiVersion = text(config["apiVersion"]);
      writeManagers(draft, [
        ...others,
        { name: fieldManager, operation: "Apply", apiVersion, subresource, time, set: applied },
      ]);
      return draft;
    },
  };
}

/** Marks a write whose managers are settled already. */
export const APPLIED = "\u0000applied";

/** Paths that a manager owns, that are applied now and that get another value. */
function conflictsWith(manager: Manager, applied: FieldSet, changed: FieldSet): readonly (readonly string[])[] {
  return sharedPaths(manager.set, changed).filter((path) => hasPath(applied, path));
}

function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let here: FieldSet = set;
  for (const key of path) {
    const next = here[key];
    if (!isSetNode(next)) return false;
    here = next;
  }
  return true;
}

/** Whether a field still has the value of `before`. */
function unchangedFields(before: Draft, now: Draft, field: FieldNode): (path: readonly string[]) => boolean {
  const given = fieldsOf(before, field);
  const { changed } = compare(before, now, field);
  return (path) => hasPath(given, path) && !hasPath(changed, path);
}

function conflictError(managers: readonly Manager[], applied: FieldSet, changed: FieldSet): ApiError {
  const causes: { reason: string; message: string; field: string }[] = [];
  const groups = new Map<string, string[]>();
  for (const manager of managers) {
    const scope = manager.subresource === "" ? "" : ` with subresource "${manager.subresource}"`;
    const time = manager.operation === "Update" && manager.time !== "" ? ` at ${manager.time}` : "";
    const using =
      manager.operation === "Update"
        ? `"${manager.name}"${scope} using ${manager.apiVersion}${time}`
        : `"${manager.name}"${scope}`;
    for (const path of sharedPaths(manager.set, changed).filter((each) => hasPath(applied, each))) {
      const shown = showPath(path);
      causes.push({ reason: "FieldManagerConflict", message: `conflict with ${using}`, field: shown });
      groups.set(using, [...(groups.get(using) ?? []), shown]);
    }
  }
  const [only] = causes;
  const message =
    causes.length === 1 && only
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${[...groups]
          .map(([using, paths]) => `conflicts with ${using}:\n${paths.map((path) => `- ${path}`).join("\n")}`)
          .join("\n")}`;
  return new ApiError(409, "Conflict", message, { causes });
}
