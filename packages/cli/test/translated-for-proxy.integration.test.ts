import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { decodeResource, problemText } from "@heddle/proxy";
import { createPatcher, translateEndpoints } from "@heddle/translate";
import { type BuiltCase, buildCase, endpointViews, parseCase } from "@heddle/translate/testing";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";

const cases = join(import.meta.dirname, "../../translate/testdata");

/** Everything that the built-in proxy refuses of a case, one line each. */
function refusals(built: BuiltCase): readonly string[] {
  const found: string[] = [];
  const decode = <D extends DescMessage>(type: string, schema: D, name: string, message: MessageShape<D>): void => {
    const decoded = decodeResource(type, toBinary(schema, message));
    // Files of a pod are not here: the field was understood, and all others were looked at.
    const problems = decoded.ok ? [] : decoded.error.filter((p) => !p.reason.startsWith("cannot read /etc/golden/"));
    if (problems.length > 0) found.push(`${name}: ${problemText(problems)}`);
  };
  const { listeners, routes, clusters } = built.resources;
  for (const listener of listeners) decode(typeUrls.listener, ListenerSchema, listener.name, listener);
  for (const route of routes) decode(typeUrls.route, RouteConfigurationSchema, route.name, route);
  for (const cluster of clusters) decode(typeUrls.cluster, ClusterSchema, cluster.name, cluster);
  for (const view of endpointViews(built))
    decode(typeUrls.endpoint, ClusterLoadAssignmentSchema, view.cluster, translateEndpoints(view));
  return found;
}

/** What the translator writes, the built-in proxy takes: the two halves of the mesh meet here without a network. */
describe("the built-in proxy accepts every golden of translate", () => {
  test.each(readdirSync(cases).map((name) => [name]))("%s", async (name) => {
    const input = parseCase(readFileSync(join(cases, name, "in.yaml"), "utf8"));
    expect(refusals(buildCase({ ...input, dataPlane: "heddle" }, await createPatcher()))).toEqual([]);
  });

  test("and would say so if it did not", () => {
    const built = buildCase(parseCase(readFileSync(join(cases, "emojivoto-web/in.yaml"), "utf8")));
    const [cluster] = built.resources.clusters;
    if (cluster === undefined) throw new Error("no cluster");
    const broken = { ...built, resources: { ...built.resources, clusters: [{ ...cluster, name: "" }] } };
    expect(refusals(broken).join()).toContain("a cluster needs a name");
  });
});
