import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { decodeCatalogue, findImage } from "./catalogue.ts";
import { createImageStore } from "./image-store.ts";
import { parseImageReference } from "./reference.ts";

test("image names", () => {
  expect(parseImageReference("busybox")).toEqual({ repository: "busybox", tag: "latest" });
  expect(parseImageReference("docker.io/library/busybox:1.36")).toEqual({ repository: "busybox", tag: "1.36" });
  expect(parseImageReference("ghcr.io:443/a/b:v1")).toEqual({ repository: "ghcr.io:443/a/b", tag: "v1" });
  expect(parseImageReference("a/b@sha256:0af")).toEqual({ repository: "a/b", tag: "sha256:0af" });
  for (const bad of ["", "a b", ":x", "a:b:c"]) expect(parseImageReference(bad)).toBeUndefined();
});

test("the project's catalogue is right and has the published images", () => {
  const file = path.resolve(import.meta.dir, "../../../../images.json");
  const { catalogue, problems } = decodeCatalogue(JSON.parse(readFileSync(file, "utf8")));
  expect(problems).toEqual([]);
  for (const image of [
    "heddle/heddle:0.1.0",
    "heddle/heddle-envoy:0.1.0",
    "ghcr.io/buoyantio/emojivoto-emoji-svc:v11",
    "docker.l5d.io/buoyantio/emojivoto-voting-svc:v11",
    "ghcr.io/buoyantio/emojivoto-web:v11",
    "busybox:1.36",
    "registry.k8s.io/pause:3.9",
  ]) {
    expect(findImage(catalogue, image, file)).toMatchObject({ kind: "found" });
  }
});

test("an unknown image or tag says what to do", () => {
  const { catalogue } = decodeCatalogue([{ repository: "a/b", tags: ["1"], entrypoint: ["x"] }]);
  expect(findImage(catalogue, "a/b:2", "/images.json")).toMatchObject({
    message: expect.stringContaining("only with the tags 1"),
  });
  expect(findImage(catalogue, "nginx", "/images.json")).toMatchObject({
    message: expect.stringContaining('"repository": "nginx"'),
  });
  expect(findImage(catalogue, "no image", "/images.json")).toMatchObject({
    message: expect.stringContaining("not an image name"),
  });
});

test("problems have paths; right entries stay", () => {
  const { catalogue, problems } = decodeCatalogue([
    { repository: "ok" },
    { entrypoint: "x" },
    3,
    { repository: "p", programs: { n: 1 } },
  ]);
  expect(catalogue.images.map((image) => image.repository)).toEqual(["ok"]);
  expect(problems.map((problem) => problem.path)).toEqual([
    "[1].repository",
    "[1].entrypoint",
    "[2]",
    "[3].programs.n",
  ]);
  expect(decodeCatalogue({}).problems).toHaveLength(1);
});

test("an image that is added to the file is found without a restart", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "heddle-images-"));
  const file = path.join(directory, "images.json");
  writeFileSync(file, "[]");
  const store = createImageStore({ images: [] }, file);
  expect(store.find("a/b").kind).toBe("missing");
  writeFileSync(file, '[{"repository": "a/b"}, {}]');
  utimesSync(file, 1, 1);
  expect(store.find("a/b:1").kind).toBe("found");
  writeFileSync(file, "[,");
  expect(store.find("c/d")).toMatchObject({ message: expect.stringContaining("problems of that file") });
  rmSync(directory, { recursive: true });
});
