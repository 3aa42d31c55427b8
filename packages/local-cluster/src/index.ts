export * from "./contract/index.ts";
export * from "./supervisor/index.ts";
