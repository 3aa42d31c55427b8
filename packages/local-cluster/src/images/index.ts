export * from "./catalogue.ts";
export * from "./host-programs.ts";
export * from "./image-store.ts";
export * from "./reference.ts";
