export { attachNetwork } from "./attach-network.ts";
export { linkFiles, readLinkState, readWanSettings, writeLinkFile } from "./link-files.ts";
export { type LinkSettings, linkTo, PERFECT_LINK, readDelay, readLoss, type WanSettings } from "./link-settings.ts";
export { startWan } from "./start-wan.ts";
export { attachedAddressProblem, WAN_DEVICE, WAN_PREFIX } from "./wan-addresses.ts";
