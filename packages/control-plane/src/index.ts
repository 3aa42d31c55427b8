export { type Discovery, type DiscoveryDeps, type DiscoveryPorts, startDiscovery } from "./discovery.ts";
export { type DiscoveryOptions, type ListenAddress, readOptions } from "./options.ts";
