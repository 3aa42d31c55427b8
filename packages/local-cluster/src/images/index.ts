export * from "./catalogue.ts";
export * from "./host-programs.ts";
export * from "./reference.ts";
