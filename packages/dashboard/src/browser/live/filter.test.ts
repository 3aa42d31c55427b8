import { expect, test } from "bun:test";
import { commandLine, NO_FILTER } from "./filter.ts";

const web = { namespace: "emojivoto", kind: "deployment", name: "web" };

test("the command line shows the same calls", () => {
  expect(commandLine("tap", web, NO_FILTER)).toBe("heddle viz tap deployment/web -n emojivoto");
  expect(commandLine("top", web, { ...NO_FILTER, method: "GET", path: "/api/vote", to: "voting" })).toBe(
    "heddle viz top deployment/web -n emojivoto --method GET --path /api/vote --to deployment/voting",
  );
});

test("what a shell would read otherwise is quoted", () => {
  const line = commandLine("tap", web, { ...NO_FILTER, path: "/a b'; rm -rf $HOME" });
  expect(line).toEndWith(`--path '/a b'\\''; rm -rf $HOME'`);
});
